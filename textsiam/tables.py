"""Tables of any size, read piece by piece: csv, tsv, gzipped or not, parquet; every value stays as it is."""

import csv
import gzip
import hashlib
import os
import sys
import zlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from textsiam.errors import TextsiamError

DELIMITERS = {".csv": ",", ".tsv": "\t"}
_RECORD_LIMIT = 1 << 26  # bytes of a row: where more come, a quote was not closed
_BLOCK = 1 << 20


def kind_of(path: str | os.PathLike[str]) -> tuple[str, bool]:
    """Return the suffix that says what is in a file, ".csv", ".tsv" or ".parquet", and whether it is gzipped.

    Raises:
        TextsiamError: it is none of these.
    """
    if os.fspath(path) == "-":
        return ".csv", False
    file = Path(path)
    zipped = file.suffix.lower() == ".gz"
    suffix = (Path(file.stem) if zipped else file).suffix.lower()
    if suffix not in DELIMITERS and (zipped or suffix != ".parquet"):
        raise TextsiamError(f"{file.name} does not end in .csv, .tsv, .csv.gz, .tsv.gz or .parquet. Name it so.")
    return suffix, zipped


@dataclass(frozen=True)
class Unsound:
    """A row that cannot be read.

    Attributes:
        row: its number, from 1; the header has 0.
        line: the line of the file on which it begins, from 1.
        reason: what is wrong, and the cure.
        raw: its bytes.
    """

    row: int
    line: int
    reason: str
    raw: bytes

    def __str__(self) -> str:
        return f"row {self.row} (line {self.line}) {self.reason}"


@dataclass
class Chunk:
    """Neighbouring rows of a table, those that cannot be read apart.

    Attributes:
        rows: the values of each sound row, text.
        raw: the bytes of each sound row of a text file, without line end.
        ends: the line end of each.
        unsound: the others.
        batch: the sound rows of a parquet file as an Arrow record batch.
    """

    rows: list[Sequence[str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    ends: list[bytes] = field(default_factory=list)
    unsound: list[Unsound] = field(default_factory=list)
    batch: Any = None

    def column(self, number: int) -> list[str]:
        """Return the values of one column."""
        return [row[number] for row in self.rows]


@dataclass(frozen=True)
class Position:
    """How far a table has been read: everything that reading on needs, and a digest of what came before.

    Attributes:
        rows: rows read, the header not counted.
        lines: lines read.
        offset: bytes read, decompressed; 0 for parquet.
        digest: SHA-256 of these bytes, or of a parquet file; hexadecimal.
    """

    rows: int = 0
    lines: int = 0
    offset: int = 0
    digest: str = ""


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
        """Return the number of a column.

        Raises:
            TextsiamError: there is no such column, or there are two.
        """
        listed = f"{self.name} has no column {column!r}; it has: {listing(self.columns)}."
        if column not in self.columns:
            cure = f"Name it with --{option}."
            if len(self.columns) == 1:
                cure = "A .csv is separated by commas, a .tsv by tabs: check that it is."
            raise TextsiamError(f"{listed} {cure}")
        if self.columns.count(column) > 1:
            raise TextsiamError(f"{self.name} names two columns {column!r:.60}. Rename one.")
        return self.columns.index(column)


def listing(values: Sequence[object]) -> str:
    """Return the first values, shortened, in one line."""
    shown = [" ".join(str(value).split())[:60] for value in values[:12]]
    return ", ".join(shown) + (", …" if len(values) > 12 else "")


class _Lines:
    """The lines of a file, decoded for the csv reader; those of the record being read can be had back as bytes."""

    def __init__(self, stream: BinaryIO):
        self.stream = stream
        self.taken: list[bytes] = []
        self._size = 0
        self._first = True
        self._given_back: deque[bytes] = deque()

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else self.stream.readline()
        self.taken.append(line)
        self._size += len(line)
        if not line:
            raise StopIteration
        if self._size > _RECORD_LIMIT:
            raise csv.Error(f"no end of it within {_RECORD_LIMIT >> 20} MB")
        text = line.decode("utf-8", "surrogateescape")
        if self._first:
            self._first, text = False, text.removeprefix("\ufeff")
        return text

    def record(self) -> list[bytes]:
        """Return the lines taken since the last call."""
        taken, self.taken, self._size = self.taken, [], 0
        return taken

    def give_back(self, lines: Sequence[bytes]) -> None:
        """Let lines be read again."""
        self._given_back.extendleft(line for line in reversed(lines) if line)


class TextTable(Table):
    """A csv or tsv file.

    Args:
        stream: its bytes, decompressed.
        delimiter: between the values of a row.
        name: see ``Table``.
        file: the file itself, before decompression, and its size in bytes, for ``share``.

    Raises:
        TextsiamError: there is no header, or it cannot be read.
    """

    def __init__(self, stream: BinaryIO, delimiter: str, name: str, file: tuple[BinaryIO, int] | None = None):
        csv.field_size_limit(2**31 - 1)  # one limit a process: raised, never put back, lest another thread's read fails
        self.name = name
        self.delimiter = delimiter
        self._stream = stream
        self._file = file
        self._lines = _Lines(stream)
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        self._digest = hashlib.sha256()
        self._rows, self._line, self._offset = -1, 0, 0
        self._ended = False
        header = next(self._records(), None)
        if header is None or isinstance(header, Unsound):
            self.close()
            problem = " is empty: no header, 0 rows. Name the columns in its first line."
            raise TextsiamError(f"{name}, header (line {header.line}) {header.reason}" if header else name + problem)
        self.columns = list(header[0])
        self.header, self.line_end = header[1], header[2] or b"\n"

    def _records(self) -> Iterator[tuple[Sequence[str], bytes, bytes] | Unsound]:
        """Give values, bytes and line end of each row; blank lines are left out."""
        while not self._ended:
            problem, values = "", []
            try:
                values = next(self._reader)
            except StopIteration:
                self._ended = True
            except csv.Error as error:
                problem = f'has an unclosed or stray quote: {error}. Write a quote inside quotes twice: "".'
                if "new-line" in str(error):
                    problem = "has a carriage return alone. Quote values that hold one, and end lines with a line feed."
            except (EOFError, gzip.BadGzipFile, zlib.error, OSError) as error:
                self._ended = True
                problem = f"is where the file breaks off: {error}. Fetch or compress it again."
            lines = self._lines.record()
            if problem and not self._ended:  # costs one line, whatever a quote that opens there has swallowed
                self._lines.give_back(lines[1:])
                lines = lines[:1]
            raw = b"".join(lines)
            line = self._line + 1
            self._line += len(lines) - (not lines[-1]) if lines else 0
            self._offset += len(raw)
            self._digest.update(raw)
            if not values and not problem:
                continue
            self._rows += 1
            body = raw.rstrip(b"\r\n")
            problem = problem or self._problem(raw, values)
            yield Unsound(self._rows, line, problem, body) if problem else (values, body, raw[len(body) :])

    def _problem(self, raw: bytes, values: Sequence[str]) -> str:
        if self._rows and len(values) != len(self.columns):
            return f"has {len(values)} fields, the header {len(self.columns)}. Quote values that hold the delimiter."
        if b"\0" in raw:
            return "has a NUL byte: the file is binary, damaged or UTF-16. Save it as text in UTF-8."
        if not raw.isascii():
            try:
                raw.decode()
            except UnicodeDecodeError as error:
                return f"is not UTF-8: its byte {error.start} is 0x{raw[error.start]:02x}. Convert it to UTF-8."
        return ""

    def chunks(self, size: int) -> Iterator[Chunk]:
        """See ``Table``."""
        chunk = Chunk()
        for record in self._records():
            if isinstance(record, Unsound):
                chunk.unsound.append(record)
            else:
                chunk.rows.append(record[0])
                chunk.raw.append(record[1])
                chunk.ends.append(record[2])
            if len(chunk.rows) + len(chunk.unsound) == size:
                yield chunk
                chunk = Chunk()
        if chunk.rows or chunk.unsound:
            yield chunk

    def position(self) -> Position:
        """See ``Table``."""
        return Position(self._rows, self._line, self._offset, self._digest.hexdigest())

    def skip(self, position: Position) -> bool:
        """See ``Table``; what is skipped is read, to see that it is the same, but not parsed."""
        left = position.offset - self._offset
        while left > 0:
            block = self._stream.read(min(left, _BLOCK))
            if not block:
                return False
            self._digest.update(block)
            left -= len(block)
        self._rows, self._line, self._offset = position.rows, position.lines, position.offset
        return left == 0 and self._digest.hexdigest() == position.digest

    def share(self) -> float | None:
        """See ``Table``."""
        if self._file is None:
            return None
        file, size = self._file
        return min(file.tell() / size, 1) if size else 1.0

    def close(self) -> None:
        """See ``Table``."""
        self._stream.close()
        if self._file is not None:
            self._file[0].close()


class ParquetTable(Table):
    """A parquet file; its values keep their types, the text of a value is what Arrow casts it to, null is "".

    Raises:
        TextsiamError: it is no readable parquet.
    """

    def __init__(self, path: Path, name: str):
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._errors = (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeDecodeError)
        self.name = name
        self._rows = self._start = 0
        self._path = path
        try:
            self._file = pq.ParquetFile(path)
            self.schema = self._file.schema_arrow
        except self._errors as error:
            raise TextsiamError(
                f"{name} is no readable parquet: {listing([error]).rstrip('.')}. Rewrite it."
            ) from error
        self.columns = self.schema.names

    def chunks(self, size: int) -> Iterator[Chunk]:
        """See ``Table``."""
        before = 0
        try:
            for batch in self._file.iter_batches(batch_size=size):
                before += len(batch)
                if before > self._start:
                    batch = batch.slice(max(len(batch) - (before - self._start), 0))  # noqa: PLW2901
                    self._rows = before
                    yield Chunk(rows=list(zip(*map(_texts, batch.columns), strict=True)), batch=batch)
        except self._errors as error:
            problem = f"is where the file breaks off: {listing([error]).rstrip('.')}. Fetch or write it again."
            yield Chunk(unsound=[Unsound(before + 1, 0, problem, b"")])

    def position(self) -> Position:
        """See ``Table``."""
        return Position(self._rows, 0, 0, self._digest)

    @cached_property
    def _digest(self) -> str:
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def skip(self, position: Position) -> bool:
        """See ``Table``."""
        self._start = position.rows
        return self.position().digest == position.digest

    def share(self) -> float | None:
        """See ``Table``."""
        return self._rows / max(self._file.metadata.num_rows, 1)

    def close(self) -> None:
        """See ``Table``."""
        self._file.close()


def _texts(values: Any) -> list[str]:
    import pyarrow as pa

    if pa.types.is_nested(values.type):  # a list or a struct, which Arrow cannot cast
        return ["" if value is None else str(value) for value in values.to_pylist()]
    return values.cast(pa.large_string()).fill_null("").to_pylist()


def open_table(path: str | os.PathLike[str]) -> TextTable | ParquetTable:
    """Open a table to read it piece by piece; ``-`` is standard input, csv.

    Raises:
        TextsiamError: it cannot be read, or not as what its name says.
    """
    if os.fspath(path) == "-":
        if sys.stdin is None:
            raise TextsiamError("Standard input is closed; name a file to read.")
        return TextTable(sys.stdin.buffer, ",", "standard input")
    name = listing([path])
    try:
        suffix, zipped = kind_of(path)
        if suffix == ".parquet":
            return ParquetTable(Path(path), name)
        file = Path(path).open("rb")  # noqa: SIM115 - the table closes it
        size = os.fstat(file.fileno()).st_size
        stream = gzip.GzipFile(fileobj=file) if zipped else file
        return TextTable(stream, DELIMITERS[suffix], name, (file, size))
    except OSError as error:
        raise TextsiamError(f"{name} cannot be read: {error.strerror or error}. Name a file that can.") from error
