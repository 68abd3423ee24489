"""What every table that is read piece by piece has in common."""

import os
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from textsiam.errors import TextsiamError


@dataclass(frozen=True)
class Unsound:
    """A row that cannot be read.

    Attributes:
        row: its number, from 1; the header has 0.
        line: the line of the file on which it begins, from 1; 0 in parquet, which has none.
        reason: what is wrong, and the cure.
        raw: its bytes.
    """

    row: int
    line: int
    reason: str
    raw: bytes

    def __str__(self) -> str:
        line = f" (line {self.line})" if self.line else ""
        return f"row {self.row}{line} {self.reason}"


@dataclass
class Chunk:
    """Neighbouring rows of a table, those that cannot be read apart.

    Attributes:
        rows: the values of each sound row of a text file.
        raw: the bytes of each, without line end.
        ends: the line end of each.
        unsound: the rows that cannot be read.
    """

    rows: list[Sequence[str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    ends: list[bytes] = field(default_factory=list)
    unsound: list[Unsound] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of sound rows."""
        return len(self.rows)

    def column(self, number: int) -> Sequence[str]:
        """Return the values of one column, as text."""
        return [row[number] for row in self.rows]

    def columns(self) -> list[Sequence[str]]:
        """Return the values of every column, as text."""
        return list(zip(*self.rows, strict=True))


@dataclass(frozen=True)
class Position:
    """How far a table has been read: everything that reading on needs, and a digest of what came before.

    Attributes:
        rows: rows read, the header not counted.
        lines: lines read.
        offset: bytes read, decompressed; 0 for parquet.
        digest: SHA-256 of these bytes, or of a parquet file; hexadecimal. After ``Table.seek``: of what was read since.
        wasted: lines that were read in vain for quotes that did not close.
    """

    rows: int = 0
    lines: int = 0
    offset: int = 0
    digest: str = ""
    wasted: int = 0


class Table(ABC):
    """A table that is being read.

    Attributes:
        name: what it is called in messages.
        columns: names of its columns.
    """

    name: str
    columns: list[str]

    @abstractmethod
    def chunks(self, size: int) -> Iterator[Chunk]:
        """Give the rows that are left, ``size`` at a time."""

    @abstractmethod
    def position(self) -> Position:
        """Say how far the chunks given so far go."""

    @abstractmethod
    def skip(self, position: Position) -> bool:
        """Go to a position of an earlier reading; False where what comes before it is no longer the same."""

    @abstractmethod
    def seek(self, position: Position | None = None) -> None:
        """Go to a position without reading what comes before it, or stay; digests are of what is read from here on."""

    @abstractmethod
    def share(self) -> float | None:
        """Return which share of the table has been read, in [0, 1]; None where that is unknown."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> "Table":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find(self, column: str, option: str) -> int:
        """Return the number of a column; blanks around its name and what nobody sees in it make no difference.

        Args:
            column: its name.
            option: the parameter that names it, for messages.

        Raises:
            TextsiamError: there is no such column, or there are two.
        """
        found = positions(self.columns, column)
        if not found:
            raise missing_column(self.name, column, self.columns, f"Name it with {option}=…")
        if len(found) > 1:
            raise TextsiamError(f"{self.name} names two columns {column!r:.60}.", "Rename one.")
        return found[0]


def positions(columns: Sequence[str], column: str) -> list[int]:
    """Return the numbers of the columns of a name: those that have it to the letter, or else as `seen`."""
    exact = [number for number, name in enumerate(columns) if name == column]
    return exact or [number for number, name in enumerate(columns) if seen(name) == seen(column)]


def seen(name: str) -> str:
    """Return what a reader sees of a name: no byte order mark, nothing of zero width, no blanks around it."""
    return " ".join("".join(sign for sign in name if unicodedata.category(sign) != "Cf").split())


def check_distinct(**columns: str) -> None:
    """Check that roles are given to different columns; column by role.

    Raises:
        TextsiamError: one column has two roles.
    """
    if len(set(columns.values())) < len(columns):
        given = ", ".join(f"{role} {column!r:.60}" for role, column in columns.items())
        roles = " and ".join(f"{role}=…" for role in columns)
        raise TextsiamError(f"The roles need different columns; received: {given}.", f"Give different {roles}.")


def missing_column(name: str, column: str, columns: Sequence[str], cure: str) -> TextsiamError:
    """Return the error for a table that lacks a column."""
    if len(columns) == 1:
        cure = "If its values are separated by none of , ; | and tab, say by what: delimiter=…"
    return TextsiamError(f"{name} has no column {column!r}; it has: {listing(columns)}.", cure)


def listing(values: Iterable[object]) -> str:
    """Return values side by side, in one line of at most 300 characters, whatever they hold."""
    text = " ".join(", ".join(map(str, values)).split())
    return text if len(text) <= 300 else text[:299] + "…"


def display(path: str | os.PathLike[str], dash: str = "standard input") -> str:
    """Return what a file is called in messages; ``dash`` is what ``-`` is called."""
    return dash if os.fspath(path) == "-" else listing([path])
