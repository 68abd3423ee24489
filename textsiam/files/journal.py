"""How far a long piece of work has come, written so that it can go on after any crash."""

import errno
import json
import os
from pathlib import Path
from typing import Any

from textsiam import __version__
from textsiam.errors import TextsiamError


class Journal:
    """A file that says what the work is and how far it has come; it is replaced whole at every step.

    Args:
        path: the file.
        work: what must be the same for the work to be gone on with; JSON values by name.
    """

    def __init__(self, path: Path, work: dict[str, Any]):
        self.path = path
        self.work = json.loads(json.dumps({"textsiam": __version__, **work}))

    def read(self) -> dict[str, Any] | None:
        """Return how far the work has come; None where there is no journal.

        Raises:
            TextsiamError: the journal is of other work, or no journal.
        """
        try:
            found = json.loads(self.path.read_bytes())
            work, step = found["work"], found["step"]
            changed = [name for name in self.work if work.get(name) != self.work[name]]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise TextsiamError(f"{self.path} cannot be read as a journal. Start anew with --force.") from error
        if changed:
            raise TextsiamError(
                f"{self.path} is of an unfinished run of another {' and '.join(changed)}. Give the same again to go on "
                "with it, or start anew with --force."
            )
        return step

    def note(self, step: dict[str, Any]) -> None:
        """Say how far the work has come, after what was done lies safely on the disk."""
        new = self.path.with_name(f"{self.path.name}.new")
        with new.open("wb") as file:
            file.write(json.dumps({"work": self.work, "step": step}, indent=1).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)
        _sync_folder(self.path.parent)

    def remove(self) -> None:
        """Remove the file, if it is there, after what was renamed beside it lies safely on the disk."""
        _sync_folder(self.path.parent)
        self.path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
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
