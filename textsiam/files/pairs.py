"""Tables of question pairs: read, validate, split.

A table of pairs is a ``pandas.DataFrame`` with the text columns ``question1`` and ``question2``, the label
``is_duplicate`` (int8; 1 = the two questions ask the same thing) where it is known, and any further columns as text.
Every value is text as it stands in the file: a question that reads ``n/a``, ``null`` or ``None`` is a question.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from textsiam.errors import TextsiamError
from textsiam.files.opening import open_table
from textsiam.files.tables import display, listing

logger = logging.getLogger(__name__)

PathLike = str | os.PathLike[str]
SIDES = ("train", "dev", "test")
_CHUNK = 1 << 16  # rows read together
_LABELS = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}
_SMALL = 0.05  # of dev or test: the share that one component of a disjoint split may take while smaller ones are left


def read_pairs(
    path: PathLike,
    *,
    question1: str = "question1",
    question2: str = "question2",
    label: str = "is_duplicate",
    require_label: bool = True,
) -> pd.DataFrame:
    """Read a table of pairs from a file or standard input.

    Args:
        path: A csv or tsv in UTF-8, quoted as CSV, as such or with ``.gz``; a parquet; ``-`` is standard input, csv.
        question1: The column of the first question.
        question2: The column of the second question.
        label: The column of the label: 0, 1, 0.0, 1.0, true or false in any case.
        require_label: Whether a table without the label is an error. A label that is there is always read.

    Returns:
        The rows and columns in the file's order, the three named columns as ``question1``, ``question2`` (text) and
        ``is_duplicate`` (int8, 0 or 1), every other column as text. A null in parquet becomes the empty text.

    Raises:
        TextsiamError: The file is missing, damaged, not a table of one of these kinds, or holds no rows; a column is
            missing or stands there twice; a row has too few or too many fields; a label is none of those accepted.
    """
    name = display(path)
    roles = {question1: "question1", question2: "question2", label: "is_duplicate"}
    if len(roles) < 3:
        raise TextsiamError(f"Questions and label are three columns; received {question1!r}, {question2!r}, {label!r}.")
    table = read_table(path)
    for column, role in roles.items():
        if require_label or role != "is_duplicate":
            _require(table, [column], name, f"Name it with --{'label' if role == 'is_duplicate' else role}.")
        if role in table and role not in roles:
            raise TextsiamError(f"{name} has a column {role!r} beside {column!r}, named in its place. Rename one.")
    table = table.rename(columns=roles)
    if "is_duplicate" in table:
        table["is_duplicate"] = parse_labels(table["is_duplicate"], f"{name}, column {label!r}")
    return table


def check_labels(labels: ArrayLike, name: str = "The labels") -> NDArray[np.int8]:
    """Demand labels that a model can be trained on: 0 and 1, both of them.

    Args:
        labels: (n,) numbers, booleans or texts, as `read_pairs` accepts them.
        name: What the labels are, to begin the error with.

    Returns:
        (n,) int8 of 0 and 1.

    Raises:
        TextsiamError: There are none, one is neither 0 nor 1, or all are alike.
    """
    values = np.asarray(labels)
    if values.ndim != 1 or not values.size:
        raise TextsiamError(f"{name} must be one value a pair, of shape (n,); received shape {values.shape}.")
    parsed = parse_labels(pd.Series(values).astype(str), name)
    if parsed.min() == parsed.max():
        raise TextsiamError(f"{name} must hold both 0 and 1; all {len(parsed)} are {parsed[0]}. Add the other class.")
    return parsed


def check_targets(labels: ArrayLike) -> NDArray[np.int8] | NDArray[np.float32]:
    """Demand what a model can learn from: labels, see `check_labels`, or a teacher's probabilities of a duplicate.

    Returns:
        (n,) int8 of 0 and 1, or, where a number lies between them, float32 in [0, 1].

    Raises:
        TextsiamError: see `check_labels`.
    """
    values = np.asarray(labels)
    if values.ndim == 1 and values.dtype.kind == "f" and ((values > 0) & (values < 1)).any():
        wrong = np.flatnonzero(~((values >= 0) & (values <= 1)))
        if len(wrong):
            row = f"row {wrong[0] + 1} has {values[wrong[0]]}"
            raise TextsiamError(f"The labels: a probability must lie in [0, 1]; {row}. Correct it.")
        return values.astype(np.float32)
    return check_labels(labels)


def check_pairs(X: object) -> np.ndarray:
    """Return the pairs that a learner is given as an object array of strings, (n, 2).

    Raises:
        TextsiamError: X is no frame with ``question1`` and ``question2``, nor of shape (n, 2), or holds something
            other than strings, or nothing.
    """
    if isinstance(X, pd.DataFrame) and {"question1", "question2"} <= set(X.columns):
        X = X[["question1", "question2"]]
    elif isinstance(X, pd.DataFrame) and X.shape[1] != 2:
        raise TextsiamError(
            f"A frame of pairs has columns question1 and question2; this one has: {', '.join(map(str, X))}."
        )
    pairs = np.asarray(X, dtype=object)
    if pairs.ndim and not len(pairs):
        raise TextsiamError("There are no pairs; give at least one.")
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise TextsiamError(f"Pairs have shape (n, 2), two questions a row; received shape {pairs.shape}.")
    for position, value in enumerate(pairs.flat):
        if not isinstance(value, str):
            raise TextsiamError(f"Questions are text; row {position // 2} has {value!r} ({type(value).__name__}).")
    return pairs


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """A table of pairs in three parts, each in its order and with its index; dev and test may have no rows."""

    train: pd.DataFrame
    dev: pd.DataFrame
    test: pd.DataFrame

    @property
    def sizes(self) -> dict[str, int]:
        """The number of pairs in each part, by its name."""
        return {side: len(getattr(self, side)) for side in SIDES}

    def __repr__(self) -> str:
        return f"Split({', '.join(f'{side}={size}' for side, size in self.sizes.items())})"


def split_pairs(
    pairs: pd.DataFrame,
    method: Literal["random", "ids", "disjoint"] = "random",
    *,
    fractions: Sequence[float] = (0.8, 0.1, 0.1),
    ids: PathLike | Mapping[str, str] | None = None,
    seed: int = 0,
) -> Split:
    """Cut a table of pairs into train, dev and test; the same arguments give the same split in every run.

    - ``random`` draws pairs uniformly, stratified by ``is_duplicate``. A question may stand in several pairs, so dev
      and test share questions with train.
    - ``ids`` follows a published split: the pairs listed as dev or test go there, all others to train.
    - ``disjoint`` keeps questions apart: pairs that share one (but for case and white space), directly or through
      other pairs, form a connected component and stay together. Components are drawn at random; those above 5 % of
      dev or test go to train while smaller ones are left. Labels are not stratified. A component cannot be cut: where
      one spans most of the table, dev and test stay too small. Quora's largest spans 3.4 %; there all shares are met.

    Args:
        pairs: A table as `read_pairs` returns it; ``random`` needs its labels, ``ids`` its column ``id``.
        method: One of the three above.
        fractions: The shares of train (above 0), dev and test, sum 1; 0 leaves a part empty. ``ids`` does not use them.
            A part that misses its share by more than a fifth is logged as a warning.
        ids: For ``ids``: a file with the columns ``id`` and ``split`` (train, dev or test), or a mapping of the same.
        seed: Seed of the draw.

    Raises:
        TextsiamError: A column is missing, an argument is out of range, or no id of the split occurs in the table.
    """
    if method not in ("random", "ids", "disjoint"):
        raise TextsiamError(f"method must be 'random', 'ids' or 'disjoint'; received {method!r}.")
    if (method == "ids") != (ids is not None):
        raise TextsiamError(f"method 'ids' and the argument ids go together; received {method!r} and ids={ids!r:.60}.")
    if pairs.empty:
        raise TextsiamError("A split needs pairs; received a table of 0 rows.")
    if ids is not None:
        side = _sides_by_id(pairs, ids)
    else:
        shares = np.asarray(fractions, dtype=float)
        if shares.shape != (3,) or not np.isclose(shares.sum(), 1) or shares.min() < 0 or shares[0] == 0:
            raise TextsiamError(f"fractions are train > 0, dev >= 0, test >= 0, with the sum 1; received {fractions}.")
        draw = _sides_at_random if method == "random" else _sides_by_component
        side = draw(pairs, shares, np.random.default_rng(seed))
        for part, size, wanted in zip(SIDES, np.bincount(side, minlength=3), shares * len(pairs), strict=True):
            if abs(size - wanted) > 0.2 * wanted:
                logger.warning("The %s split gave %s %d pairs; %.1f were asked for.", method, part, size, wanted)
    return Split(*(pairs[side == number] for number in range(3)))


def _sides_by_id(pairs: pd.DataFrame, ids: PathLike | Mapping[str, str]) -> NDArray[np.int_]:
    """Return the side of every pair, an index into SIDES, as its id says."""
    _require(pairs, ["id"], "The table of pairs")
    if isinstance(ids, Mapping):
        name, listed = "The mapping of ids", pd.Series(ids, dtype=object)
    else:
        name, table = display(ids), read_table(ids)
        _require(table, ["id", "split"], name)
        listed = table.set_index("id")["split"]
    listed.index = listed.index.astype(str)
    unknown = listed[~listed.isin(SIDES)]
    if len(unknown):
        raise TextsiamError(f"{name} must say train, dev or test; {unknown.iloc[0]!r:.60} met. Correct it.")
    repeated = listed.index[listed.index.duplicated()]
    if len(repeated):
        raise TextsiamError(f"{name} must list an id once; {repeated[0]!r:.60} stands there twice. Remove one.")
    found = pairs["id"].astype(str).map(listed)
    if found.isna().all():
        raise TextsiamError(f"{name} lists none of the pairs' ids: {listing(pairs['id'][:3])} … Give this table's.")
    return np.select([found == "dev", found == "test"], [1, 2], 0)


def _sides_at_random(pairs: pd.DataFrame, shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int_]:
    """Return the side of every pair, drawn uniformly within each label."""
    _require(pairs, ["is_duplicate"], "The table of pairs")
    n = len(pairs)
    order = np.lexsort((rng.random(n), pairs["is_duplicate"]))
    side = np.zeros(n, dtype=int)
    dev, held_out = np.rint(n * shares[1:].cumsum()).astype(int)
    for number, size in ((1, dev), (2, held_out - dev)):
        left = order[side[order] == 0]  # by label, so that rows taken at even steps are a stratified draw
        side[left[np.arange(size) * len(left) // max(size, 1)]] = number
    return side


def _sides_by_component(pairs: pd.DataFrame, shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int_]:
    """Return the side of every pair, the same for all pairs of a connected component."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _require(pairs, ["question1", "question2"], "The table of pairs")
    texts = [" ".join(text.casefold().split()) for column in ("question1", "question2") for text in pairs[column]]
    codes, questions = pd.factorize(np.array(texts, dtype=object))
    n = len(pairs)
    graph = coo_array((np.ones(n, dtype=bool), (codes[:n], codes[n:])), shape=(len(questions), len(questions)))
    component = connected_components(graph, directed=False)[1][codes[:n]]
    sizes = np.bincount(component)
    side = np.zeros(len(sizes), dtype=int)
    wanted = shares * n
    room = {number: wanted[number] for number in (1, 2) if wanted[number]}
    order = rng.permutation(len(sizes))
    for share in (_SMALL, 1.0):
        for index in order[side[order] == 0]:
            for number in sorted(room, key=lambda number: -room[number] / wanted[number]):
                if sizes[index] <= min(room[number], share * wanted[number]):
                    side[index] = number
                    room[number] -= sizes[index]
                    break
    for number, rest in room.items():  # nothing fits any more: one component too many may still be nearer than none
        left = np.flatnonzero(side == 0)
        if len(left) > 1 and sizes[left].min() - rest < rest:
            side[left[sizes[left].argmin()]] = number
    return side[component]


def parse_labels(texts: pd.Series, name: str) -> NDArray[np.int8]:
    """Return the labels, (n,) of 0 and 1, that the texts stand for.

    Raises:
        TextsiamError: A text is none of 0, 1, 0.0, 1.0, true and false in any case; the error begins with ``name``.
    """
    numbers = texts.str.strip().str.lower().map(_LABELS)
    wrong = np.flatnonzero(numbers.isna())
    if len(wrong):
        row = f"row {wrong[0] + 1} has {texts.iloc[wrong[0]]!r:.60}"
        raise TextsiamError(f"{name}: a label must be 0, 1, true or false; {row}. Correct it.")
    return numbers.to_numpy().astype(np.int8)


def read_table(path: PathLike, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Return a table of any kind that `read_pairs` reads, every value as text, of at least one row.

    Raises:
        TextsiamError: see `read_pairs`; one of the ``columns`` that it must have is missing.
    """
    with open_table(path) as source:
        name, names = source.name, source.columns
        repeated = [column for position, column in enumerate(names) if column in names[:position]]
        if repeated:
            raise TextsiamError(f"{name} names two columns {repeated[0]!r:.60}; it has: {listing(names)}. Rename one.")
        rows: list[Sequence[str]] = []
        for chunk in source.chunks(_CHUNK):
            if chunk.unsound:
                raise TextsiamError(f"{name}, {chunk.unsound[0]}")
            rows += zip(*chunk.columns(), strict=True)
    if not rows:
        raise TextsiamError(f"{name} has 0 rows under its header ({listing(names)}). Give at least one.")
    table = pd.DataFrame(rows, columns=names, dtype=str)
    _require(table, columns, name, "Name it with --question1 or --question2.")
    return table


def _require(table: pd.DataFrame, columns: Sequence[str], name: str, cure: str = "Add or rename it.") -> None:
    missing = [column for column in columns if column not in table]
    if missing:
        cure = cure if len(table.columns) > 1 else "A .csv is separated by commas, a .tsv by tabs: check that it is."
        raise TextsiamError(f"{name} has no column {missing[0]!r}; it has: {listing(table.columns)}. {cure}")
