"""Parquet files, batch by batch."""

import hashlib
from collections.abc import Iterator
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
