"""Where scored rows go: text that keeps every byte of the input, or parquet, written so that a crash costs little."""

import gzip
import os
import re
import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.files.delimited import TextTable
from textsiam.files.encodings import UTF8, encode
from textsiam.files.opening import DELIMITERS, kind_of
from textsiam.files.parquet import BatchChunk, ParquetTable
from textsiam.files.tables import Chunk, Table, Unsound
from textsiam.inference.decisions import Answers

PROBABILITY, DECISION = "duplicate_probability", "duplicate"
# What spreadsheets take for the beginning of a formula: OWASP's list, and these signs after white space.
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")


class Output(ABC):
    """A table that is being written, beside the place where it will stand."""

    def fitting(self, chunk: Chunk) -> Chunk:
        """Return a chunk with those rows apart, as rows that cannot be read, which could not be read back from here."""
        return chunk

    @abstractmethod
    def write(self, chunk: Chunk, answers: Answers) -> None:
        """Write the rows of a chunk with their answers; both new values stay empty where a question is blank."""

    @abstractmethod
    def commit(self) -> int:
        """Bring to the disk what has been written; return a mark to go on from."""

    @abstractmethod
    def finish(self, target: Path) -> None:
        """Put the table, committed, where it shall stand; it can be done again as long as ``clean`` has not been."""

    def clean(self) -> None:  # noqa: B027 - most leave nothing behind
        """Remove what is not needed any more."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open, finished or not."""


class TextOutput(Output):
    """A csv or tsv file; rows of a file of the same kind keep their bytes, and so delimiter and encoding.

    Args:
        table: the input.
        suffix: ".csv" or ".tsv".
        zipped: gzip it, a member each commit, so that it can be cut after each.
        part: the file to write, None for ``stream``.
        stream: where to write instead.
        mark: what the last ``commit`` of a run to go on with returned; None: a new one.
        spreadsheet_safe: put an apostrophe before values that a spreadsheet would run.
    """

    def __init__(
        self,
        table: Table,
        suffix: str,
        *,
        zipped: bool = False,
        part: Path | None = None,
        stream: BinaryIO | None = None,
        mark: int | None = None,
        spreadsheet_safe: bool = False,
    ):
        if any("\0" in name for name in table.columns):
            raise TextsiamError(
                f"{table.name} has a NUL in the name of a column, which no text file can hold.", "Write parquet."
            )
        self._part = part
        self._file: BinaryIO = stream or resumable_file(part, mark)  # type: ignore[arg-type]
        self._zipped = zipped
        self._member: gzip.GzipFile | None = None
        self._safe = spreadsheet_safe
        self._delimiter, self._encoding, before = DELIMITERS[suffix], UTF8, b""
        self._kept: TextTable | None = None
        if isinstance(table, TextTable) and table.suffix == suffix:
            self._delimiter, self._encoding = table.delimiter, table.encoding
            before = table.preamble or table.mark
            self._kept = None if spreadsheet_safe else table
        if mark is None:
            names = [PROBABILITY, DECISION]
            if self._kept:
                added = self._delimiter.join(["", *names]).encode()
                self._send(self._kept.preamble + self._kept.header + added + self._kept.line_end)
            else:
                self._send(before + self._formatted([[*table.columns, *names]]))

    def fitting(self, chunk: Chunk) -> Chunk:
        """Return a chunk of parquet without rows that hold a NUL, which text cannot; other chunks as they are."""
        if not isinstance(chunk, BatchChunk):
            return chunk
        columns = chunk.columns()
        suspect = [values for values in columns if "\0" in "".join(values)]
        rows = sorted({row for values in suspect for row, value in enumerate(values) if "\0" in value})
        if not rows:
            return chunk
        reason = "has a NUL, which no text file can hold. Write parquet."
        raw = [self._formatted([[values[row] for values in columns]]).rstrip(b"\n") for row in rows]
        unsound = [Unsound(chunk.first + row, 0, reason, line) for row, line in zip(rows, raw, strict=True)]
        return chunk.without(unsound)

    def write(self, chunk: Chunk, answers: Answers) -> None:
        """Write the rows; those of a file of the same kind keep their bytes."""
        pairs = zip(answers.probabilities.tolist(), answers.duplicates.tolist(), strict=True)
        blank = np.flatnonzero(~answers.present).tolist()
        if self._kept:
            d, end = self._delimiter, self._kept.line_end
            form = f"{d}%.6f{d}%d".encode()
            added = [form % pair for pair in pairs]
            for row in blank:
                added[row] = f"{d}{d}".encode()
            rows = zip(chunk.raw, added, chunk.ends, strict=True)
            self._send(b"".join([part for raw, new, own in rows for part in (raw, new, own or end)]))
        else:
            texts = [(f"{probability:.6f}", f"{duplicate:d}") for probability, duplicate in pairs]
            for row in blank:
                texts[row] = "", ""
            columns = [*chunk.columns(), *zip(*texts, strict=True)]
            self._send(self._formatted([list(row) for row in zip(*columns, strict=True)]))

    def _formatted(self, rows: list[list[str]]) -> bytes:
        if self._safe:
            rows = [[f"'{value}" if _FORMULA.match(value) else value for value in row] for row in rows]
        # Python's csv writer leaves \\r without quotes
        special = re.compile(f'["\\r\\n{re.escape(self._delimiter)}]').search
        quoted = (['"{}"'.format(v.replace('"', '""')) if special(v) else v for v in row] for row in rows)
        return "".join(f"{self._delimiter.join(row)}\n" for row in quoted).encode()

    def _send(self, data: bytes) -> None:
        if self._zipped and self._member is None:
            self._member = gzip.GzipFile("", "wb", fileobj=self._file, mtime=0)
        (self._member or self._file).write(encode(data, self._encoding))

    def commit(self) -> int:
        """Bring the rows to the disk; the mark is the size of the file."""
        if self._member:
            self._member.close()
            self._member = None
        self._file.flush()
        if self._part is None:
            return 0
        os.fsync(self._file.fileno())
        return self._file.tell()

    def finish(self, target: Path) -> None:
        """Close the file, and rename it into place."""
        self._file.close()
        self._part.replace(target)  # type: ignore[union-attr]

    def close(self) -> None:
        """Close the file, unless it is a stream; what follows the last mark is cut off when it is resumed."""
        if self._part is None:
            return
        try:
            if self._member:  # first: it would write to a closed file at its end
                self._member.close()
        finally:
            self._file.close()


def resumable_file(part: Path, mark: int | None) -> BinaryIO:
    """Open a file to write: anew, or from the size on that it had when it was brought to the disk.

    Raises:
        OSError: it cannot be opened, or is shorter than that.
    """
    if mark is None:
        return part.open("wb")
    file = part.open("r+b")
    if file.seek(0, os.SEEK_END) < mark:
        file.close()
        raise OSError(0, f"it is shorter than the {mark} bytes that its journal tells of", str(part))
    file.seek(mark)
    file.truncate()
    return file


class ParquetOutput(Output):
    """A parquet file: a folder of one file a commit, put together at the end. Columns of parquet keep their types.

    Args:
        table: the input.
        part: the folder.
        mark: what the last ``commit`` of a run to go on with returned; None: a new one.
    """

    def __init__(self, table: Table, part: Path, mark: int | None = None):
        import pyarrow as pa

        if mark is None:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
        self._part = part
        self._pieces = mark or 0
        self._batches: list[Any] = []
        added = [pa.field(PROBABILITY, pa.float64()), pa.field(DECISION, pa.int8())]
        fields = table.schema if isinstance(table, ParquetTable) else [(name, pa.string()) for name in table.columns]
        self._input = pa.schema(fields)
        self._schema = pa.schema([*self._input, *added], metadata=self._input.metadata)

    def write(self, chunk: Chunk, answers: Answers) -> None:
        """Keep the rows in memory until ``commit``."""
        import pyarrow as pa

        if isinstance(chunk, BatchChunk):
            columns = chunk.batch.columns
        else:
            columns = [pa.array(values, pa.string()) for values in chunk.columns()]
        if len(chunk):
            rounded = [round(value, 6) for value in answers.probabilities.tolist()]  # decimal, as text is
            found = (np.array(rounded), pa.float64()), (answers.duplicates, pa.int8())
            columns = [*columns, *(pa.array(v, mask=~answers.present).cast(kind) for v, kind in found)]
            self._batches.append(pa.record_batch(columns, schema=self._schema))

    def commit(self) -> int:
        """Write a file of the rows in memory; the mark is the number of files."""
        import pyarrow.parquet as pq

        if self._batches:
            with self._piece(self._pieces).open("wb") as file:
                with pq.ParquetWriter(file, self._schema) as writer:
                    for batch in self._batches:
                        writer.write_batch(batch)
                file.flush()
                os.fsync(file.fileno())
            self._pieces += 1
            self._batches = []
        return self._pieces

    def _piece(self, number: int) -> Path:
        return self._part / f"{number:06}.parquet"

    def finish(self, target: Path) -> None:
        """Put the files together, and rename the whole into place."""
        import pyarrow.parquet as pq

        whole = self._part / "whole.parquet"
        with whole.open("wb") as file:
            with pq.ParquetWriter(file, self._schema) as writer:
                for number in range(self._pieces):
                    with pq.ParquetFile(self._piece(number)) as piece:
                        for batch in piece.iter_batches():
                            writer.write_batch(batch)
            file.flush()
            os.fsync(file.fileno())
        whole.replace(target)

    def clean(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._part, ignore_errors=True)

    def close(self) -> None:
        """Do nothing: between commits nothing is open."""


def open_output(
    target: str | Path, table: Table, part: Path, *, mark: int | None, spreadsheet_safe: bool = False
) -> Output:
    """Return the output of the kind that a file's name tells."""
    suffix, zipped = kind_of(target)
    if suffix == ".parquet":
        return ParquetOutput(table, part, mark)
    return TextOutput(table, suffix, zipped=zipped, part=part, mark=mark, spreadsheet_safe=spreadsheet_safe)
