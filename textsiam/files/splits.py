"""A table of question pairs cut into train, dev and test."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from textsiam.errors import TextsiamError
from textsiam.files.pairs import PathLike, read_table, require
from textsiam.files.tables import display, listing

logger = logging.getLogger(__name__)

SIDES = ("train", "dev", "test")
_SMALL = 0.05  # of dev or test: the share that one component of a disjoint split may take while smaller ones are left


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

    >>> pairs = pd.DataFrame({"question1": ["a"] * 10, "question2": ["b"] * 10, "is_duplicate": [0, 1] * 5})
    >>> split_pairs(pairs, fractions=(0.6, 0.2, 0.2))
    Split(train=6, dev=2, test=2)

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
    require(pairs, ["id"], "The table of pairs")
    if isinstance(ids, Mapping):
        name, listed = "The mapping of ids", pd.Series(ids, dtype=object)
    else:
        name, table = display(ids), read_table(ids)
        require(table, ["id", "split"], name)
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
    require(pairs, ["is_duplicate"], "The table of pairs")
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

    require(pairs, ["question1", "question2"], "The table of pairs")
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
