"""Parquet files, batch by batch."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from textsiam.errors import TextsiamError
from textsiam.tables.base import Chunk, Position, Table, Unsound, listing


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
                    self._rows = before
                    yield BatchChunk(batch.slice(max(len(batch) - (before - self._start), 0)), self.name)
        except self._errors as error:
            problem = f"cannot be read: {listing([error]).rstrip('.')}. Fetch or write the file again."
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


class BatchChunk(Chunk):
    """Rows of a parquet file, as an Arrow record batch; ``name`` is what the file is called in messages."""

    def __init__(self, batch: Any, name: str):
        super().__init__()
        self.batch = batch
        self.name = name

    def __len__(self) -> int:
        return len(self.batch)

    def column(self, number: int) -> list[str]:
        """See ``Chunk``; null is the empty text.

        Raises:
            TextsiamError: the column holds bytes that are no text.
        """
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
        """See ``Chunk``."""
        return [self.column(number) for number in range(self.batch.num_columns)]
