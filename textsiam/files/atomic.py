"""Files and folders that are there whole or not at all, and written by one process at a time."""

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from textsiam.errors import TextsiamError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, bring it to the disk, rename it into place.

    Raises:
        OSError: it cannot be written; what stood there before still does.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        _write(new, content)
        new.replace(path)
    except BaseException:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_output(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file that the user named, as `write_whole` does.

    Raises:
        TextsiamError: it cannot be written; what stood there before still does.
    """
    try:
        write_whole(Path(path), content)
    except OSError as error:
        raise TextsiamError(f"{path} cannot be written: {error.strerror}.", "Name another place.") from error


def write_folder(path: Path, files: Mapping[str, bytes], *, keep: bool = False) -> None:
    """Write a folder beside its place, bring it to the disk, rename it into place; it replaces one that is there.

    Args:
        path: the folder.
        files: content by name.
        keep: take what else stands in a folder that is replaced into the new one.

    Raises:
        OSError: it cannot be written; what stood there before still does.
    """
    new, old = (path.with_name(f".{path.name}.{os.getpid()}.{end}") for end in ("new", "old"))
    try:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for name, content in files.items():
            _write(new / name, content)
        for entry in path.iterdir() if keep and path.exists() else ():
            if entry.is_dir() and not entry.is_symlink():
                shutil.copytree(entry, new / entry.name, symlinks=True)
            elif entry.name not in files:
                shutil.copy2(entry, new / entry.name, follow_symlinks=False)
        sync_folder(new)
        if path.exists():
            path.rename(old)
        new.rename(path)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    sync_folder(path.parent)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot
            raise
    finally:
        os.close(descriptor)


@contextmanager
def locked(lock: Path, busy: str, *, keep: bool = False, wait: float = 0) -> Iterator[None]:
    """Keep other processes out while this one is inside.

    Args:
        lock: the file that is locked.
        busy: what to say where another process is inside.
        keep: leave the file where it is.
        wait: seconds to wait for the other process.

    Raises:
        TextsiamError: another process is inside.
        OSError: the file cannot be made.
    """
    file = FileLock(lock)
    try:
        file.acquire(timeout=wait)
    except Timeout as error:
        raise TextsiamError(busy) from error
    try:
        yield
    finally:
        if not keep:
            lock.unlink(missing_ok=True)
        file.release()
