"""csv and tsv files, row by row: every row keeps its bytes, and one that cannot be read costs no other."""

import csv
import gzip
import hashlib
import re
import sys
import zlib
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from textsiam.errors import TextsiamError
from textsiam.files.encodings import UTF8, unescape
from textsiam.files.tables import Chunk, Position, Table, Unsound, positions

_RECORD_LIMIT = 1 << 26  # bytes of a row: where more come, a quote was not closed
_BLOCK = 1 << 20
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?[\r\n]*', re.IGNORECASE)
_BROKEN_GZIP = EOFError, gzip.BadGzipFile, zlib.error
_BROKEN = *_BROKEN_GZIP, OSError


@dataclass(frozen=True)
class Limits:
    """How much of a text file is taken at once.

    Attributes:
        chunk: bytes after which a chunk ends, however few rows it has.
        together: bytes read together: few enough that a row which needs a closer look costs few others theirs.
        wasted: lines read in vain, after stray quotes, from which on a row may have few only.
        few: lines of a row, then.
    """

    chunk: int = 1 << 25
    together: int = 1 << 16
    wasted: int = 1_000_000
    few: int = 100


LIMITS = Limits()


class _Lines:
    """The lines of a file, decoded for the csv reader; those of the record being read can be had back as bytes."""

    def __init__(self, stream: BinaryIO, together: int):
        self.stream = stream
        self._together = together
        self.taken: list[bytes] = []
        self.most = sys.maxsize  # lines of a row
        self._size = 0
        self.first = True  # what comes next is the first line
        self._waiting: deque[bytes] = deque()  # given back
        self._ahead, self._place = b"", 0  # bytes read ahead, which come after those lines, and how far they are taken

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._line()
        if b"\r" in line:  # alone it ends a line too
            line, *others = line.splitlines(keepends=True)
            self.give_back(others)
        self.taken.append(line)
        self._size += len(line)
        if not line:
            raise StopIteration
        if self._size > _RECORD_LIMIT:
            raise csv.Error(f"no end of it within {_RECORD_LIMIT >> 20} MB")
        if len(self.taken) > self.most:
            raise csv.Error(f"no end of it within {self.most} lines")
        text = line.decode("utf-8", "surrogateescape")
        if self.first:
            self.first, text = False, text.removeprefix("\ufeff")
        return text

    def _line(self) -> bytes:
        if self._waiting:
            return self._waiting.popleft()
        end = self._ahead.find(b"\n", self._place) + 1
        if not end:
            line = self._ahead[self._place :] + self.stream.readline(_RECORD_LIMIT + 1)
            self._ahead, self._place = b"", 0
            return line
        line, self._place = self._ahead[self._place : end], end
        return line

    def look_ahead(self, most: int) -> bytes:
        """Return whole lines that come next, nothing where some were given back.

        Args:
            most: of them.
        """
        if self._waiting:
            return b""
        if self._ahead.find(b"\n", self._place) < 0:
            self._ahead, self._place = self._ahead[self._place :] + self.stream.read1(self._together), 0  # type: ignore[attr-defined]
        data = self._ahead[self._place :]
        return data[: len(data) - len(data.split(b"\n", most)[-1])]

    def pass_over(self, size: int) -> None:
        """Take so many bytes of those that ``look_ahead`` returned."""
        self._place += size

    def record(self) -> list[bytes]:
        """Return the lines taken since the last call."""
        taken, self.taken, self._size = self.taken, [], 0
        return taken

    def read(self, size: int) -> bytes:
        """Return bytes that have not been taken, at most so many; none at the end."""
        if not self._waiting and self._place == len(self._ahead):
            return self.stream.read(size)
        line = self._line()
        self.give_back([line[size:]])
        return line[:size]

    def give_back(self, lines: Sequence[bytes]) -> None:
        """Let lines be read again."""
        self._waiting.extendleft(line for line in reversed(lines) if line)

    def seek(self, offset: int) -> None:
        """Go on at a byte."""
        self._waiting.clear()
        self._ahead, self._place = b"", 0
        self.stream.seek(offset)


class TextTable(Table):
    """A csv or tsv file.

    Args:
        stream: its bytes, decompressed, in UTF-8.
        delimiters: what may stand between the values of a row. The first one does, unless the file says otherwise
            (``sep=;``), or another one makes a header that has the columns wanted, where the first does not; or, where
            none does, that has several columns, where the first has one.
        name: what it is called in messages.
        file: the file itself, before decompression, and its size in bytes, to tell which share has been read.
        limits: how much is taken at once.
        wanted: names of columns that the table should have.
        suffix: ".csv" or ".tsv", what it is by its name.
        encoding: of the file, before it was made UTF-8.

    Attributes:
        delimiter: what stands between the values.
        mark: the byte order mark, in UTF-8, or nothing.
        preamble: bytes before the header: Excel's ``sep=`` line, the mark included.
        header: bytes of the header.
        line_end: of the header.

    Raises:
        TextsiamError: there is no header, or it cannot be read.
    """

    def __init__(
        self,
        stream: BinaryIO,
        delimiters: str,
        name: str,
        file: tuple[BinaryIO, int] | None = None,
        limits: Limits = LIMITS,
        *,
        wanted: Sequence[str] = (),
        suffix: str = ".csv",
        encoding: str = UTF8,
    ):
        csv.field_size_limit(2**31 - 1)  # one limit a process: raised, never put back, lest another thread's read fails
        self.name = name
        self.suffix, self.encoding = suffix, encoding
        self._stream = stream
        self._file = file
        self._limits = limits
        self._lines = _Lines(stream, limits.together)
        self._digest = hashlib.sha256()
        self._rows, self._line, self._offset, self._wasted = -1, 0, 0, 0
        self._ended = False
        self._doubtful = sys.maxsize  # the byte up to which rows are read one by one
        self.preamble, said = self._separator_line()
        self.delimiter = self._choose(said if said and len(delimiters) > 1 else delimiters, wanted)
        self._reader = csv.reader(self._lines, delimiter=self.delimiter, strict=True)
        header = Chunk()
        while not (header.rows or header.unsound or self._ended):
            self._read(header)
        if not header.rows:
            self.close()
            problem = " is empty: no header, 0 rows. Name the columns in its first line."
            for found in header.unsound:
                problem = f", header (line {found.line}) {found.reason}"
            raise TextsiamError(name + problem)
        self.columns = list(header.rows[0])
        self.header, self.line_end = header.raw[0], header.ends[0] or b"\n"
        self.mark = BOM_UTF8 if (self.preamble + self.header).startswith(BOM_UTF8) else b""
        self._doubtful = 0

    def _separator_line(self) -> tuple[bytes, str]:
        """Take Excel's line that says what separates the values; nothing, and "", where there is none."""
        try:
            line = next(self._lines)
        except (StopIteration, csv.Error, *_BROKEN):  # reading the header says what is wrong
            line = ""
        raw = b"".join(self._lines.record())
        found = _SEPARATOR_LINE.fullmatch(line)
        if not found:
            self._lines.give_back([raw])
            self._lines.first = True
            return b"", ""
        self._line, self._offset = 1, len(raw)
        self._digest.update(raw)
        return raw, found[1]

    def _choose(self, delimiters: str, wanted: Sequence[str]) -> str:
        """Return what separates the values of the header."""
        if len(delimiters) == 1:
            return delimiters
        headers = {delimiter: self._header(delimiter) for delimiter in delimiters}
        for delimiter, columns in headers.items():
            if wanted and all(positions(columns, name) for name in wanted):
                return delimiter
        if len(headers[delimiters[0]]) > 1:
            return delimiters[0]
        return max(headers, key=lambda delimiter: len(headers[delimiter]))

    def _header(self, delimiter: str) -> list[str]:
        """Return the columns that the header has with a delimiter, without taking it; none where it cannot be read."""
        first = self._lines.first
        self._lines.most = self._limits.few
        reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        try:
            columns = next((row for row in reader if row), [])
        except (csv.Error, *_BROKEN):  # reading the header says what is wrong
            columns = []
        self._lines.give_back(self._lines.record())
        self._lines.first = first
        return columns

    def _read(self, chunk: Chunk, most: int = 1, space: int = 0) -> None:
        """Read a row, or several at once where that is safe; a blank line is none.

        Args:
            chunk: takes them up.
            most: rows.
            space: bytes that several rows may take.
        """
        problem, values = "", []
        self._lines.most = sys.maxsize if self._wasted < self._limits.wasted else self._limits.few
        try:
            if self._offset >= self._doubtful and self._several(chunk, most, space):
                return
            values = next(self._reader)
        except StopIteration:
            self._ended = True
        except csv.Error as error:
            if any(b'"' in line for line in self._lines.taken):
                problem = f'has an unclosed or stray quote: {error}. Write a quote inside quotes twice: "".'
            else:
                problem = f"is too long: {error}. Check that the file is text and has lines."
        except _BROKEN_GZIP as error:
            self._ended = True
            problem = f"cannot be read: the file is no complete gzip file: {error}. Fetch or compress it again."
        except OSError as error:  # the disk or the network, not the row
            raise TextsiamError(
                f"{self.name} cannot be read after row {self._rows}: {error.strerror or error}. Try again."
            ) from error
        lines = self._lines.record()
        raw = b"".join(lines)
        if values and not problem:
            problem = self._problem(raw, values)
        if problem and not self._ended and len(lines) > 1:  # costs one line, whatever its quote has swallowed
            self._lines.give_back(lines[1:])
            self._wasted += len(lines) - 1
            raw = lines[0]
        line = self._line + 1
        self._line += len(lines) - (not lines[-1]) if raw and not problem else bool(raw)
        self._offset += len(raw)
        self._digest.update(raw)
        if not values and not problem:
            return
        self._rows += 1
        body = raw.rstrip(b"\r\n")
        if problem:
            if self.encoding != UTF8:
                body = unescape(body)
            chunk.unsound.append(Unsound(self._rows, line, problem, body))
            return
        chunk.rows.append(values)
        chunk.raw.append(body)
        chunk.ends.append(raw[len(body) :])

    def _several(self, chunk: Chunk, most: int, space: int) -> bool:
        """Read the next lines together, if each of them is a sound row; else what was looked at is read row by row."""
        data = self._lines.look_ahead(most)
        self._doubtful = self._offset + len(data)
        count = data.count(b"\n")
        end = b"\r\n" if b"\r" in data else b"\n"
        if not count or len(data) > space or data.count(end[:1]) != count or b"\0" in data:
            return False
        try:
            texts = data.decode().split(end.decode())[:-1]
            rows = list(csv.reader(texts, delimiter=self.delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error):
            return False
        if len(rows) != count or set(map(len, rows)) != {len(self.columns)}:
            return False
        self._lines.pass_over(len(data))
        self._rows += count
        self._line += count
        self._offset = self._doubtful
        self._digest.update(data)
        chunk.rows += rows
        chunk.raw += data.split(end)[:-1]
        chunk.ends += [end] * count
        return True

    def _problem(self, raw: bytes, values: Sequence[str]) -> str:
        if self._rows >= 0 and len(values) != len(self.columns):
            return f"has {len(values)} fields, the header {len(self.columns)}. Quote values that hold the delimiter."
        if b"\0" in raw:
            return (
                f"has a NUL, its byte {raw.index(0)}: the file is binary, or UTF-16 without a byte order mark. Save it "
                "as text in UTF-8."
            )
        if not raw.isascii():
            try:
                raw.decode()
            except UnicodeDecodeError as error:
                if self.encoding != UTF8:
                    return f"is not {self.encoding}. Convert the file to UTF-8."
                return f"is not UTF-8: its byte {error.start} is 0x{raw[error.start]:02x}. Convert it to UTF-8."
        return ""

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Give the rows that are left, ``size`` at a time, fewer where they are long."""
        chunk, start = Chunk(), self._offset
        while not self._ended:
            most = size - len(chunk.rows) - len(chunk.unsound)
            self._read(chunk, most, self._limits.chunk - (self._offset - start))
            if len(chunk.rows) + len(chunk.unsound) == size or self._offset - start > self._limits.chunk:
                yield chunk
                chunk, start = Chunk(), self._offset
        if chunk.rows or chunk.unsound:
            yield chunk

    def position(self) -> Position:
        """Say how far the chunks given so far go."""
        return Position(self._rows, self._line, self._offset, self._digest.hexdigest(), self._wasted)

    def skip(self, position: Position) -> bool:
        """Go to a position; what is skipped is read, to see that it is the same, but not parsed."""
        left = position.offset - self._offset
        while left > 0:
            try:
                block = self._lines.read(min(left, _BLOCK))
            except (EOFError, zlib.error, OSError):
                return False
            if not block:
                return False
            self._digest.update(block)
            left -= len(block)
        self._rows, self._line, self._offset = position.rows, position.lines, position.offset
        self._wasted = position.wasted
        return left == 0 and self._digest.hexdigest() == position.digest

    def seek(self, position: Position | None = None) -> None:
        """Go to a position without reading what comes before it, or stay; digests are of what is read from here on.

        Raises:
            OSError, EOFError, zlib.error: there is no such position, or what comes before it cannot be decompressed.
        """
        self._digest = hashlib.sha256()
        if position is not None:
            self._lines.seek(position.offset)
            self._rows, self._line, self._offset = position.rows, position.lines, position.offset
            self._wasted = position.wasted

    def share(self) -> float | None:
        """Return which share of the file, as it lies on the disk, has been read, in [0, 1]; None for a pipe."""
        if self._file is None:
            return None
        file, size = self._file
        return min(file.tell() / size, 1) if size else 1.0

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        if self._file is not None:
            self._file[0].close()
