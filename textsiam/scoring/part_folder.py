"""The folder of scored parts: which of them are finished, so that a run is resumed after any crash."""

import io
import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from textsiam.errors import TextsiamError
from textsiam.files.journal import Journal, State, check_free, seal, unseal
from textsiam.scoring.outputs import resumable_file
from textsiam.scoring.parts import Part, rejected_rows
from textsiam.scoring.rows import ScoreSummary, rejected_folder

# Beside the parts; readers of such folders leave out names that begin with _
_INDEX = "_parts.jsonl"  # a line a finished part
_ATTEMPTS = "_attempts-"


class PartFolder:
    """The folder of parts, ``OUTPUT.part`` until it is whole, and the index of those that are finished.

    Args:
        target: the folder to make.
        work: what must be the same for an unfinished run to be resumed.
        overwrite: replace an existing folder; drop an unfinished run that is of other work.

    Attributes:
        folder: where to write the parts.
        attempts: a folder in it for what is being written, of this run alone.
        summary: the counts of the whole, once it is finished; else None.
        state: where the run stands.

    Raises:
        TextsiamError: the target exists, or an unfinished run is of other work.
    """

    def __init__(self, target: Path, work: dict[str, Any], *, overwrite: bool):
        self.target = target
        self.folder = target.with_name(f"{target.name}.part")
        self.attempts = self.folder / f"{_ATTEMPTS}{uuid4().hex}"
        self.summary: ScoreSummary | None = None
        self._overwrite = overwrite
        self._journal = Journal(target.with_name(f"{target.name}.journal"), work)
        self._done: dict[str, bytes] = {}  # lines of the index by part, of those that nobody has asked for yet
        self._index: BinaryIO = io.BytesIO()
        self.state = self._journal.resume(self._resumed, overwrite=overwrite)
        if self.state is not State.RENAMED:
            self._check_target()
        if self.state is None:
            self._done.clear()
            _drop(self.folder)
            self.folder.mkdir()
            (self.folder / _INDEX).touch()
            self._journal.note({"summary": None})
            self.state = State.NEW
        if self.state in (State.NEW, State.RESUMABLE):
            self._drop_unfinished()
            self.attempts.mkdir()
            rejected_folder(self.folder).mkdir(exist_ok=True)
            self._index = resumable_file(self.folder / _INDEX, len(self._whole_lines()))

    def _resumed(self, step: dict[str, Any]) -> State:
        """Read how far an unfinished run has come."""
        summary = ScoreSummary(**step["summary"]) if step["summary"] else None
        if summary and self.target.is_dir() and not self.folder.is_dir():
            self.summary = replace(summary, resumed_rows=summary.rows)
            return State.RENAMED
        if not self.folder.is_dir():
            raise self._journal.lost(self.folder)
        if summary:
            self.summary = replace(summary, resumed_rows=summary.rows)
            return State.FINISHED
        for line in self._whole_lines().splitlines():
            name = unseal(json.loads(line))["part"]["name"]
            if (self.folder / name).exists():
                self._done[name] = line
        return State.RESUMABLE if self._done else State.NEW

    def _drop_unfinished(self) -> None:
        """Remove what earlier runs have not finished, or not noted; whoever still writes it cannot any more."""
        for path in self.folder.iterdir():
            if path.name.startswith(_ATTEMPTS) or (path.name.startswith("part-") and path.name not in self._done):
                _drop(path)

    def _whole_lines(self) -> bytes:
        """Return the index without a line that a crash cut off."""
        lines = (self.folder / _INDEX).read_bytes()
        return lines[: lines.rfind(b"\n") + 1]

    def _check_target(self) -> None:
        check_free(self.target, overwrite=self._overwrite)
        if self.target.is_dir() and not (self.target / _INDEX).exists():
            raise TextsiamError(f"{self.target} is a folder that textsiam did not make.", "Choose another name.")

    def finished(self, part: Part) -> ScoreSummary | None:
        """Return what a part came to, where it is finished; None where it has to be scored.

        Raises:
            TextsiamError: it is finished, and its rows have changed since.
        """
        line = self._done.pop(part.name, None)
        if line is None:
            return None
        record = json.loads(line)
        if record["part"] != asdict(part):
            self._refuse_change(part.file)
            return None
        summary = ScoreSummary(**record["summary"])
        return replace(summary, resumed_rows=summary.rows)

    def _refuse_change(self, file: str) -> None:
        if not self._overwrite:
            raise self._journal.changed(file)

    def note(self, part: Part, summary: ScoreSummary) -> None:
        """Say that a part lies finished on the disk."""
        record = seal({"part": asdict(part), "summary": asdict(summary)})
        self._index.write(json.dumps(record).encode() + b"\n")
        self._index.flush()
        os.fsync(self._index.fileno())
        self.state = State.RESUMABLE

    def finish(self, summary: ScoreSummary) -> None:
        """Put the folder, whole, in its place."""
        for name, line in self._done.items():  # of rows that are no longer there
            self._refuse_change(json.loads(line)["part"]["file"])
            for path in (self.folder / name, rejected_rows(self.folder, name)):
                path.unlink(missing_ok=True)
        self._journal.note({"summary": asdict(summary)})
        self.summary, self.state = summary, State.FINISHED
        self.rename()

    def rename(self) -> None:
        """Rename the folder into place, and remove the journal; it can be done again."""
        if self.folder.exists():
            for path in self.folder.glob(f"{_ATTEMPTS}*"):
                _drop(path)
            with suppress(OSError):  # it holds something
                rejected_folder(self.folder).rmdir()
            _drop(self.target)
            self.folder.rename(self.target)
        self.state = State.RENAMED
        self._journal.remove()

    def close(self) -> None:
        """Close the index, whatever has become of the run; remove all where it could not be resumed."""
        self._index.close()
        if self.state is State.NEW:
            _drop(self.folder)
            self._journal.remove()


def _drop(path: Path) -> None:
    """Remove a file, or a folder, into which others may be writing."""
    if path.is_dir():
        gone = path.rename(path.with_name(f"{path.name}.{uuid4().hex}"))
        shutil.rmtree(gone)
    else:
        path.unlink(missing_ok=True)
