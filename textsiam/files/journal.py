"""How far a long piece of work has come, written so that it can be resumed after any crash.

What is noted is sealed with its checksum: what was changed since, by hand or by a failing disk, is refused.
"""

import hashlib
import json
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from textsiam import __version__
from textsiam.errors import TextsiamError
from textsiam.files.atomic import sync_folder, write_whole

_Step = TypeVar("_Step")
_ANEW = "Start anew with overwrite=True."


class State(Enum):
    """Where a piece of work stands."""

    NEW = "nothing is on the disk that could be resumed"
    RESUMABLE = "a part is on the disk, and the journal says which"
    FINISHED = "all is on the disk, and not yet renamed into place"
    RENAMED = "all is in place, and the journal is not yet removed"


def seal(values: dict[str, Any]) -> dict[str, Any]:
    """Return JSON values with their checksum beside them."""
    return {**values, "sha256": _checksum(values)}


def unseal(values: dict[str, Any]) -> dict[str, Any]:
    """Return what was sealed.

    Raises:
        ValueError: it is not what it was then, or has no seal.
    """
    content = {name: value for name, value in values.items() if name != "sha256"}
    if values.get("sha256") != _checksum(content):
        raise ValueError("the checksum is another")
    return content


def _checksum(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


class Journal:
    """A file that says what the work is and how far it has come; it is replaced whole at every step.

    Args:
        path: the file.
        work: what must be the same for the work to be resumed; JSON values by name.
    """

    def __init__(self, path: Path, work: dict[str, Any]):
        self.path = path
        self.work = json.loads(json.dumps({"textsiam": __version__, **work}))

    def resume(self, read: Callable[[dict[str, Any]], _Step], *, overwrite: bool) -> _Step | None:
        """Return how far the work has come; None: begin anew.

        Args:
            read: makes a step of what was noted, and checks that what it tells of is still there.
            overwrite: begin anew where the work cannot be resumed, instead of refusing.

        Raises:
            TextsiamError: the journal is of other work, or no journal, or ``read`` refuses it.
        """
        try:
            found = self._read()
            return None if found is None else read(found)
        except (TextsiamError, OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            if overwrite:
                return None
            if isinstance(error, TextsiamError):
                raise
            raise TextsiamError(
                f"{self.path} cannot be read as a journal: it was changed since it was written, or another textsiam "
                "wrote it.",
                _ANEW,
            ) from error

    def _read(self) -> dict[str, Any] | None:
        try:
            found = unseal(json.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return None
        work, step = found["work"], found["step"]
        changed = [name for name in self.work if work.get(name) != self.work[name]]
        if changed:
            raise TextsiamError(
                f"{self.path} is of an unfinished run of another {' and '.join(changed)}.",
                "Give the same again to resume it, or start anew with overwrite=True.",
            )
        return step

    def changed(self, name: str) -> TextsiamError:
        """Return the error for an input that is no longer what it was."""
        return TextsiamError(
            f"{self.path} is of an unfinished run, and what that had read of {name} has changed since.", _ANEW
        )

    def lost(self, path: Path) -> TextsiamError:
        """Return the error for a file that the journal tells of and that is not there."""
        return TextsiamError(f"{path} of an unfinished run is lost.", _ANEW)

    def note(self, step: dict[str, Any]) -> None:
        """Say how far the work has come, after what was done lies safely on the disk."""
        write_whole(self.path, json.dumps(seal({"work": self.work, "step": step}), indent=1).encode() + b"\n")

    def remove(self) -> None:
        """Remove the file, if it is there, after what was renamed beside it lies safely on the disk."""
        sync_folder(self.path.parent)
        self.path.unlink(missing_ok=True)


def check_free(path: Path, *, overwrite: bool) -> None:
    """Check that an output may be written.

    Raises:
        TextsiamError: it exists, and ``overwrite`` is off.
    """
    if path.exists() and not overwrite:
        raise TextsiamError(f"{path} exists already.", "Choose another name, or replace it with overwrite=True.")
