"""The state of an unfinished training: written after every epoch, so that a killed run can be resumed."""

import hashlib
import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import keras
import numpy as np

from textsiam.errors import TextsiamError
from textsiam.files.atomic import locked, write_whole

_ANEW = "Leave out resume=True to start anew."
_PROGRESS, _LOCK, _NEW = "progress.json", "lock", "new.weights.h5"


@dataclass
class Progress:
    """What training has reached.

    Attributes:
        history: one list a figure, one value an epoch.
        best_epoch: the epoch of the lowest criterion on dev, from 1; 0 before the first has ended.
        interrupted: stopped by Ctrl-C.
        earlier: seconds that the runs took which this one resumes, up to their last whole epoch.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    interrupted: bool = False
    earlier: float = 0.0

    @property
    def epochs(self) -> int:
        """Number of epochs that have ended."""
        return max(map(len, self.history.values()), default=0)


def fingerprint(settings: dict[str, Any], *arrays: np.ndarray) -> str:
    """Return a digest of everything that a resumed run must share with the one it continues."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


class Checkpoints:
    """The checkpoint folder of one training, locked against a second one while it is open.

    Args:
        folder: made if it is not there; only files of its own are ever removed from it.
        identity: what ``fingerprint`` returned.
    """

    def __init__(self, folder: Path, identity: str):
        self.folder = folder
        self.identity = identity
        self._inside = ExitStack()
        self._start = time.perf_counter()

    def __enter__(self) -> "Checkpoints":
        busy = f"Another training writes to {self.folder}. Wait, or choose another folder."
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._inside.enter_context(locked(self.folder / _LOCK, busy, keep=True))
        except OSError as error:
            raise TextsiamError(f"Cannot keep checkpoints in {self.folder}: {error.strerror or error}.") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._inside.close()

    def read(self) -> Progress:
        """Return the progress of the training to resume; none where there is no checkpoint.

        Raises:
            TextsiamError: the checkpoint is damaged, or of another training.
        """
        path = self.folder / _PROGRESS
        if not path.exists():
            return Progress()
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            progress = Progress(state["history"], state["best_epoch"], earlier=float(state["seconds"]))
            identity = state["fingerprint"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TextsiamError(f"The checkpoint {path} is damaged.", _ANEW) from error
        if identity != self.identity:
            raise TextsiamError(
                f"The training in {self.folder.name} had other data or parameters.", f"Give the same. {_ANEW}"
            )
        return progress

    def write(self, model: keras.Model, progress: Progress) -> None:
        """Save the weights of the epoch that has just ended, then the progress that names them, then drop old ones."""
        try:
            model.save_weights(self.folder / _NEW, overwrite=True)
            (self.folder / _NEW).replace(self._weights(progress.epochs))
            state = {
                "fingerprint": self.identity,
                "best_epoch": progress.best_epoch,
                "seconds": progress.earlier + time.perf_counter() - self._start,
                "history": progress.history,
            }
            write_whole(self.folder / _PROGRESS, json.dumps(state).encode())
        except OSError as error:
            raise TextsiamError(f"Cannot keep checkpoints in {self.folder}: {error.strerror or error}.") from error
        kept = {self._weights(progress.epochs), self._weights(progress.best_epoch)}
        for path in self.folder.glob("epoch-*.weights.h5"):
            if path not in kept:
                path.unlink()

    def load(self, model: keras.Model, epoch: int) -> None:
        """Put the weights, and the optimizer's state, of an epoch into the network.

        Raises:
            TextsiamError: the file is missing or damaged.
        """
        model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(self._weights(epoch))
        except (OSError, ValueError, KeyError) as error:
            raise TextsiamError(f"The checkpoint {self._weights(epoch)} is damaged.", _ANEW) from error

    def _weights(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch}.weights.h5"

    def clear(self) -> None:
        """Remove the checkpoints, and nothing else that may be in the folder."""
        for path in (self.folder / _PROGRESS, self.folder / _NEW, *self.folder.glob("epoch-*.weights.h5")):
            path.unlink(missing_ok=True)


def discard(folder: Path) -> None:
    """Remove the checkpoints of a model that has been saved, unless other files are there, too.

    Args:
        folder: of one training, or of folders with one each.
    """
    for each in (*folder.glob(f"*/{_LOCK}"), folder / _LOCK):
        Checkpoints(each.parent, "").clear()
        each.unlink(missing_ok=True)
        if each.parent.is_dir() and not any(each.parent.iterdir()):
            each.parent.rmdir()
