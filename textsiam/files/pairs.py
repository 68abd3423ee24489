"""Tables of question pairs: read and validated.

A table of pairs is a ``pandas.DataFrame`` with the text columns ``question1`` and ``question2``, the label
``is_duplicate`` (int8; 1 = the two questions ask the same thing) where it is known, and any further columns as text.
Every value is text as it stands in the file: a question that reads ``n/a``, ``null`` or ``None`` is a question.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import count

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from textsiam.errors import TextsiamError
from textsiam.files.opening import Format, find_files, is_pattern, open_table
from textsiam.files.tables import Table, check_distinct, display, listing, missing_column, positions

logger = logging.getLogger(__name__)

PathLike = str | os.PathLike[str]
_CHUNK = 1 << 16  # rows read together
_LABELS = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}


def read_pairs(
    path: PathLike,
    *,
    question1: str = "question1",
    question2: str = "question2",
    label: str = "is_duplicate",
    require_label: bool = True,
    delimiter: str | None = None,
    encoding: str | None = None,
) -> pd.DataFrame:
    """Read a table of pairs.

    >>> columns = ["question1", "question2", "is_duplicate"]
    >>> rows = [["Where is Oslo?", "Oslo, where is it?", "true"], ["Where is Oslo?", "What is chess?", "false"]]
    >>> pd.DataFrame(rows, columns=columns).to_csv("pairs.csv", index=False)
    >>> read_pairs("pairs.csv")["is_duplicate"].tolist()
    [1, 0]

    Args:
        path: A csv or tsv, quoted as CSV, gzipped or not; a parquet; here or where fsspec reaches (``s3://…``). ``-``
            is standard input, csv; a pattern (``pairs-*.csv``) is all files that match it, in the order of their names.
        question1: The column of the first question.
        question2: The column of the second question.
        label: The column of the label: 0, 1, 0.0, 1.0, true or false in any case.
        require_label: Whether a table without the label is an error. A label that is there is always read.
        delimiter: What separates the values of a csv or tsv, one character. None: a comma or a tab, as its name says;
            or whichever of these, ``;`` and ``|`` gives the columns asked for; or what Excel's ``sep=`` line says.
        encoding: Of a csv or tsv, as Python names it. None: as a byte order mark says; without one UTF-8.

    Returns:
        The rows and columns in the file's order, the three named columns as ``question1``, ``question2`` (text) and
        ``is_duplicate`` (int8, 0 or 1), every other column as text. A null in parquet becomes the empty text.
        Where other columns share a name, the second and later ones get a number: ``note``, ``note.1``.

    Raises:
        TextsiamError: The file is missing, damaged, not a table of one of these kinds, or holds no rows; a column is
            missing or stands there twice; a row has too few or too many fields; a label is none of those accepted.
    """
    check_distinct(question1=question1, question2=question2, label=label)
    if is_pattern(path):
        read = partial(read_pairs, question1=question1, question2=question2, label=label, require_label=require_label)
        return _joined({file: read(file, delimiter=delimiter, encoding=encoding) for file in find_files(path)})
    roles = {"question1": question1, "question2": question2}
    with open_table(path, [*roles.values(), *[label] * require_label], Format(delimiter, encoding)) as source:
        found = {source.find(column, role): role for role, column in roles.items()}
        if require_label or positions(source.columns, label):
            found[source.find(label, "label")] = "is_duplicate"
        for role, column in {**roles, "is_duplicate": label}.items():
            if positions(source.columns, role) and not found.keys() & set(positions(source.columns, role)):
                raise TextsiamError(
                    f"{source.name} has a column {role!r} beside {column!r}, named in its place. Rename one."
                )
        table = _read(source, found)
        if "is_duplicate" in table:
            table["is_duplicate"] = parse_labels(table["is_duplicate"], f"{source.name}, column {label!r}")
    return table


def _joined(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return tables, by file, one below the other.

    Raises:
        TextsiamError: they have different columns.
    """
    first, columns = next((file, list(table)) for file, table in tables.items())
    for file, table in tables.items():
        if list(table) != columns:
            raise TextsiamError(
                f"{display(file)} has the columns {listing(table)}; {display(first)} has {listing(columns)}.",
                "Read tables of different columns one by one.",
            )
    return pd.concat(tables.values(), ignore_index=True)


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
    with open_table(path, columns) as source:
        for column in columns:
            if not positions(source.columns, column):
                raise missing_column(source.name, column, source.columns, "Add or rename it.")
        return _read(source, {source.find(column, "column"): column for column in columns})


def _read(source: Table, named: Mapping[int, str]) -> pd.DataFrame:
    """Return the rows of a table, as text.

    Args:
        source: the table.
        named: names for some of its columns, by number.

    Raises:
        TextsiamError: a row cannot be read, or there is none.
    """
    rows: list[Sequence[str]] = []
    for chunk in source.chunks(_CHUNK):
        if chunk.unsound:
            raise TextsiamError(f"{source.name}, {chunk.unsound[0]}")
        rows += zip(*chunk.columns(), strict=True)
    if not rows:
        raise TextsiamError(
            f"{source.name} has 0 rows under its header ({listing(source.columns)}). Give at least one."
        )
    names: dict[str, None] = dict.fromkeys(named.values())
    for number, column in enumerate(source.columns):
        if number not in named:
            free = (f"{column}.{again}" if again else column for again in count())
            names[next(name for name in free if name not in names)] = None
    others = iter(list(names)[len(named) :])
    ordered = [named[number] if number in named else next(others) for number in range(len(source.columns))]
    return pd.DataFrame(rows, columns=ordered, dtype=str)


def require(table: pd.DataFrame, columns: Sequence[str], name: str, cure: str = "Add or rename it.") -> None:
    """Check that a table has columns.

    Raises:
        TextsiamError: one is missing; the error begins with ``name``.
    """
    for column in columns:
        if column not in table:
            raise missing_column(name, column, list(table.columns), cure)
