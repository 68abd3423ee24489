"""Parquet files, batch by batch."""

import hashlib
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from io import BufferedReader
from itertools import accumulate
from typing import Any

from textsiam.errors import TextsiamError, extras
from textsiam.files.tables import Chunk, Position, Table, Unsound, listing

_BLOCK = 1 << 20


class ParquetTable(Table):
    """A parquet file; its values keep their types, the text of a value is what Arrow casts it to, null is "".

    Args:
        opened: opens the file.
        name: what it is called in messages.

    Raises:
        TextsiamError: it is no readable parquet.
    """

    def __init__(self, opened: Callable[[], BufferedReader], name: str):
        with extras():
            import pyarrow as pa
            import pyarrow.parquet as pq

        self._errors = (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeDecodeError)
        self.name = name
        self._rows = self._start = 0
        self._sought: int | None = None
        self._opened = opened
        file = opened()
        try:
            self._file = pq.ParquetFile(file)
            self.schema = self._file.schema_arrow
        except self._errors as error:
            file.close()
            raise TextsiamError(
                f"{name} is no readable parquet: {listing([error]).rstrip('.')}. Rewrite it."
            ) from error
        self.columns = self.schema.names

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Give the rows that are left as record batches, ``size`` rows at a time."""
        self._rows = self._start
        try:
            for batch in self._batches(size):
                self._rows += len(batch)
                yield BatchChunk(batch, self.name, self._rows - len(batch) + 1)
        except self._errors as error:
            problem = f"cannot be read: {listing([error]).rstrip('.')}. Fetch or write the file again."
            yield Chunk(unsound=[Unsound(self._rows + 1, 0, problem, b"")])

    def _batches(self, size: int) -> Iterator[Any]:
        """Give record batches of so many rows from the start on, without what lies in row groups before it."""
        import pyarrow as pa

        groups = range(self._group(self._start), len(self._ends))
        surplus = self._start - (self._ends[groups[0] - 1] if groups and groups[0] else 0)
        waiting = pa.Table.from_batches([], self.schema)
        for batch in self._file.iter_batches(batch_size=size, row_groups=groups):
            kept = batch.slice(min(surplus, len(batch)))
            surplus -= len(batch) - len(kept)
            if not len(waiting) and len(kept) == size:
                yield kept
                continue
            waiting = pa.concat_tables([waiting, pa.Table.from_batches([kept])])
            while len(waiting) >= size:
                yield _one_batch(waiting.slice(0, size))
                waiting = waiting.slice(size)
        if len(waiting):
            yield _one_batch(waiting)

    @cached_property
    def _ends(self) -> list[int]:
        """How many rows there are up to the end of each row group."""
        metadata = self._file.metadata
        return list(accumulate(metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)))

    def _group(self, row: int) -> int:
        """Return the number of the row group that holds a row, counted from 0."""
        return bisect_right(self._ends, row)

    def position(self) -> Position:
        """Say how far the chunks given so far go; after ``seek`` the digest is of the row groups since."""
        if self._sought is None:
            return Position(self._rows, 0, 0, self._digest)
        groups = range(self._group(self._sought), self._group(self._rows - 1) + 1) if self._rows > self._sought else ()
        return Position(self._rows, 0, 0, self._digest_of(groups))

    @cached_property
    def _digest(self) -> str:
        with self._opened() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def skip(self, position: Position) -> bool:
        """Go to a row of an earlier reading; False where the file is no longer the same."""
        self._rows = self._start = position.rows
        return self.position().digest == position.digest

    def seek(self, position: Position | None = None) -> None:
        """Go to a row, or stay; digests are of the row groups read from here on."""
        if position is not None:
            self._rows = self._start = position.rows
        self._sought = self._rows

    def _digest_of(self, groups: Sequence[int]) -> str:
        """Return the SHA-256 of the bytes of neighbouring row groups."""
        digest = hashlib.sha256()
        if not groups:
            return digest.hexdigest()
        start, end = self._offset(groups[0]), self._offset(groups[-1] + 1)
        with self._opened() as file:
            file.seek(start)
            while block := file.read(min(end - start, _BLOCK)):
                digest.update(block)
                start += len(block)
        return digest.hexdigest()

    def _offset(self, group: int) -> int:
        """Return the byte at which a row group begins; where there is none of that number, the file's end."""
        metadata = self._file.metadata
        if group >= metadata.num_row_groups:
            return sys.maxsize
        found = metadata.row_group(group)
        columns = (found.column(number) for number in range(found.num_columns))
        return min(column.dictionary_page_offset or column.data_page_offset for column in columns)

    def share(self) -> float | None:
        """Return which share of the rows has been read, in [0, 1]."""
        return self._rows / max(self._file.metadata.num_rows, 1)

    def close(self) -> None:
        """Close the file."""
        self._file.close(force=True)


def _one_batch(table: Any) -> Any:
    return table.combine_chunks().to_batches()[0]


class BatchChunk(Chunk):
    """Rows of a parquet file.

    Args:
        batch: an Arrow record batch.
        name: what the file is called in messages.
        first: number of the first row, from 1.
    """

    def __init__(self, batch: Any, name: str, first: int):
        super().__init__()
        self.batch, self.name, self.first = batch, name, first
        self._texts: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self.batch)

    def without(self, unsound: list[Unsound]) -> "BatchChunk":
        """Return the chunk with some of its rows apart, as rows that cannot be read."""
        apart = {row.row - self.first for row in unsound}
        chunk = BatchChunk(self.batch.filter([row not in apart for row in range(len(self))]), self.name, self.first)
        chunk.unsound = unsound
        return chunk

    def column(self, number: int) -> list[str]:
        """Return the values of one column, as text; null is the empty text.

        Raises:
            TextsiamError: the column holds bytes that are no text.
        """
        if number not in self._texts:
            self._texts[number] = self._column(number)
        return self._texts[number]

    def _column(self, number: int) -> list[str]:
        import pyarrow as pa

        values = self.batch.column(number)
        if pa.types.is_nested(values.type):  # a list or a struct, which Arrow cannot cast
            return ["" if value is None else str(value) for value in values.to_pylist()]
        try:
            return values.cast(pa.large_string()).fill_null("").to_pylist()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
            column = self.batch.schema.names[number]
            problem = f"holds values that are no text: {listing([error]).rstrip('.')}"
            raise TextsiamError(f"{self.name}, column {column!r:.60} {problem}. Rewrite it as text.") from error

    def columns(self) -> list[Sequence[str]]:
        """Return the values of every column, as text."""
        return [self.column(number) for number in range(self.batch.num_columns)]
