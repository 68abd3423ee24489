"""Tables of any size, read piece by piece: csv, tsv, gzipped or not, parquet; every value stays as it is."""

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from textsiam.errors import TextsiamError, extras
from textsiam.files.delimited import TextTable
from textsiam.files.encodings import check_encoding, open_text
from textsiam.files.parquet import BatchChunk, ParquetTable
from textsiam.files.tables import Chunk, Position, Table, Unsound, display, listing

__all__ = [
    "DELIMITERS",
    "PLAIN",
    "BatchChunk",
    "Chunk",
    "Format",
    "ParquetTable",
    "Position",
    "Table",
    "TextTable",
    "Unsound",
    "display",
    "find_files",
    "is_pattern",
    "kind_of",
    "listing",
    "open_table",
]

DELIMITERS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Format:
    """How a text table is written, where that is not as its name and its first bytes tell.

    Attributes:
        delimiter: what separates the values, one character. None: a comma in a csv, a tab in a tsv; or whichever of
            these, ``;`` and ``|`` gives the header the columns asked for; or what Excel's ``sep=`` line says.
        encoding: None: as the byte order mark says; without one UTF-8.

    Raises:
        TextsiamError: there is no such encoding, or the delimiter is none.
    """

    delimiter: str | None = None
    encoding: str | None = None

    def __post_init__(self) -> None:
        check_encoding(self.encoding)
        if self.delimiter == "\\t":  # as it is typed at a command line
            object.__setattr__(self, "delimiter", "\t")
        wrong = not isinstance(self.delimiter, str) or len(self.delimiter) != 1 or self.delimiter in '"\r\n\0\ufeff'
        if self.delimiter is not None and wrong:
            raise TextsiamError(
                f"delimiter is one character, no quote and no line end, not {self.delimiter!r:.60}.",
                'Give one: delimiter=";".',
            )

    def delimiters(self, suffix: str) -> str:
        """Return what may separate the values of a table, most likely first; ``suffix`` is of its name."""
        own = DELIMITERS[suffix]
        return self.delimiter or own + ",;\t|".replace(own, "")


PLAIN = Format()


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
        raise TextsiamError(f"{display(path)} does not end in .csv, .tsv, .csv.gz, .tsv.gz or .parquet. Name it so.")
    return suffix, zipped


def open_table(
    path: str | os.PathLike[str], wanted: Sequence[str] = (), form: Format = PLAIN
) -> TextTable | ParquetTable:
    """Open a table to read it piece by piece.

    Args:
        path: a file, an address that fsspec knows (``s3://bucket/pairs.csv``), or ``-`` for standard input, csv.
            Whether it is gzipped its first bytes tell.
        wanted: names of columns that it should have, which help to tell what separates its values.
        form: how a text table is written.

    Raises:
        TextsiamError: it cannot be read, or not as what its name says.
    """
    if os.fspath(path) == "-":
        if sys.stdin is None:
            raise TextsiamError("Standard input is closed; name a file to read.")
        stream, encoding = open_text(sys.stdin.buffer, display(path), form.encoding, pipe=True)
        return TextTable(stream, form.delimiters(".csv"), display(path), wanted=wanted, encoding=encoding)
    name = display(path)
    try:
        opened = _opener(path)
        file = opened()
        with _closing_on_error(file):
            suffix, _ = kind_of(path)
            if suffix == ".parquet":
                file.close()
                return ParquetTable(opened, name)
            size = _size(file)
            stream, encoding = open_text(file, name, form.encoding)
            delimiters = form.delimiters(suffix)
            return TextTable(stream, delimiters, name, (file, size), wanted=wanted, suffix=suffix, encoding=encoding)
    except OSError as error:
        raise TextsiamError(f"{name} cannot be read: {error.strerror or error}. Name a file that can.") from error


def is_pattern(source: str | os.PathLike[str]) -> bool:
    """Whether a name stands for all files that match it: ``pairs-*.csv``; a file of that very name comes first."""
    name = os.fspath(source)
    return any(sign in name for sign in "*?[") and ("://" in name or not Path(name).exists())


def find_files(source: str | os.PathLike[str]) -> list[str]:
    """Return the files of a name or pattern, here or wherever fsspec reaches, in the order of their names.

    Raises:
        TextsiamError: there is none, or one is no table by its name.
    """
    name = os.fspath(source)
    remote = "://" in name
    if not remote:
        name = os.path.abspath(name)  # noqa: PTH100 - workers of a cluster may stand elsewhere
    if not remote and Path(name).exists():
        files = [name]
    else:
        with extras():
            import fsspec
        try:
            system, path = fsspec.core.url_to_fs(name)
            found = sorted(system.glob(path)) if is_pattern(name) else [path]
            files = [system.unstrip_protocol(path) if remote else path for path in found]
        except (ImportError, ValueError, OSError) as error:
            raise TextsiamError(f"{listing([source])} cannot be read: {listing([error])}") from error
    if not files or not (remote or Path(files[0]).exists()):
        raise TextsiamError(f"There is no file {listing([source])}. Name one that there is.")
    for file in files:
        kind_of(file)
    return files


def _opener(path: str | os.PathLike[str]) -> Callable[[], io.BufferedReader]:
    """Return what opens a file, here or wherever fsspec reaches."""
    if "://" not in os.fspath(path):
        return lambda: Path(path).open("rb")
    with extras():
        import fsspec
    try:
        system, place = fsspec.core.url_to_fs(os.fspath(path))
    except (ImportError, ValueError) as error:  # the package that speaks the protocol is missing, or nobody knows it
        raise TextsiamError(f"{display(path)} cannot be read: {listing([error])}") from error
    return lambda: io.BufferedReader(system.open(place, "rb"), 1 << 20)


def _size(file: BinaryIO) -> int:
    """Return the size of a file in bytes; 0 for a pipe."""
    try:
        return os.fstat(file.fileno()).st_size
    except OSError:  # a file elsewhere has no descriptor
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        return size


@contextmanager
def _closing_on_error(file: BinaryIO) -> Iterator[None]:
    """Close a file if what follows fails."""
    try:
        yield
    except BaseException:
        file.close()
        raise
