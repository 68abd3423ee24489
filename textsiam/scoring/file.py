"""Tables of pairs in, the same tables with probabilities and decisions out: any size, and on after any crash."""

import io
import os
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from textsiam.errors import TextsiamError
from textsiam.files.journal import Journal
from textsiam.files.opening import open_table
from textsiam.files.tables import Chunk, Position, Table, listing
from textsiam.inference.decisions import Decisions, decisions, remote_decisions
from textsiam.inference.model import Model
from textsiam.scoring.cluster import score_files
from textsiam.scoring.outputs import Output, TextOutput, open_output, resumable_file
from textsiam.scoring.rows import (
    CHUNK,
    REJECTED,
    SEGMENT,
    ScoreSummary,
    check_sound,
    locked,
    question_columns,
    rejected_file,
    write_scored,
    writing,
)


def score_file(
    source: str | Path,
    output: str | Path,
    *,
    model: Model | str | Path | None = None,
    question1: str = "question1",
    question2: str = "question2",
    threshold: float | None = None,
    precision: float | None = None,
    prior: float | None = None,
    bad_rows: str = "stop",
    spreadsheet_safe: bool = False,
    overwrite: bool = False,
    progress: Callable[[int, float | None], None] | None = None,
    engine: str = "local",
    scheduler: str | None = None,
    workers: int | None = None,
) -> ScoreSummary:
    """Score every row of a table of any size; rows, columns and the bytes of values stay as they are.

    The table is read, scored and written piece by piece in constant memory. A run that was stopped, by whatever, is
    gone on with by the same call: the output is the same to the byte. Until it is whole it stands beside the output,
    as ``OUTPUT.part`` with ``OUTPUT.journal``.

    The dask engine does this on the processes of a cluster, part by part. Its output is a folder of tables,
    ``OUTPUT/part-00003-00012.csv`` the 13th part of the 4th file, with a line for each in ``_parts.jsonl``; the rows
    that it skips go to ``OUTPUT/_rejected/``. A run that goes on scores the parts that are not finished. A script must
    call it under ``if __name__ == "__main__":``, since the processes of a local cluster import the script.

    Args:
        source: csv or tsv, gzipped or not, or parquet, here or where fsspec reaches (``s3://…``); ``-`` is standard
            input (csv). For dask also a pattern (``pairs-*.csv``): the files in the order of their names.
        output: the same kinds by its suffix; ``-`` is standard output (csv).
        model: a model or its folder; None as in ``load_model``.
        question1: column of the first question.
        question2: column of the second.
        threshold: see ``decisions``.
        precision: see ``decisions``.
        prior: see ``decisions``.
        bad_rows: "stop" at the first row that cannot be read, or "skip" such rows: they go to
            ``OUTPUT.rejected.csv``, with the reasons.
        spreadsheet_safe: put an apostrophe before values that a spreadsheet would run as formulas.
        overwrite: replace an existing output; drop an unfinished run that is of other work.
        progress: called after every chunk or part with the rows done and the share of all, None where unknown.
        engine: "local", or "dask".
        scheduler: address of a Dask scheduler, ``tcp://…``; None starts a cluster here.
        workers: processes of the cluster that is started here; None: one a core.

    Returns:
        The counts.

    Raises:
        TextsiamError: the table, a row, the columns, the model or the output is wrong.
    """
    if bad_rows not in ("stop", "skip"):
        raise TextsiamError(f"bad_rows is 'stop' or 'skip', not {bad_rows!r}.")
    if engine not in ("local", "dask"):
        raise TextsiamError(f"engine is 'local' or 'dask', not {engine!r}.")
    if engine == "local" and not (scheduler is None and workers is None):
        raise TextsiamError("A scheduler and workers are the dask engine's: add --engine dask.")
    if scheduler is not None and workers is not None:
        raise TextsiamError("A cluster that runs already has its workers: give a scheduler or workers, not both.")
    if workers is not None and workers < 1:
        raise TextsiamError(f"workers is a number of processes, at least 1, not {workers}.")
    start = time.perf_counter()
    if engine == "dask":
        summary = score_files(
            source,
            output,
            remote_decisions(model, threshold=threshold, precision=precision, prior=prior),
            questions=(question1, question2),
            skip=bad_rows == "skip",
            spreadsheet_safe=spreadsheet_safe,
            overwrite=overwrite,
            scheduler=scheduler,
            workers=workers,
            progress=progress,
        )
        return replace(summary, seconds=time.perf_counter() - start)
    deciding = decisions(model, threshold=threshold, precision=precision, prior=prior)
    if os.fspath(output) == "-" and bad_rows == "skip":
        raise TextsiamError("Skipped rows go to a file beside the output: name one with -o.")
    with open_table(source) as table:
        columns = question_columns(table, question1, question2)
        work = {
            "model": deciding.model.digest,
            "header": table.columns,
            "options": [columns, deciding.threshold, prior, spreadsheet_safe],
        }
        target = None if os.fspath(output) == "-" else Path(output)
        with locked(target) if target else nullcontext(), writing(output):
            run = _Run(table, os.fspath(source), target, work, spreadsheet_safe=spreadsheet_safe, overwrite=overwrite)
            with closing(run):
                summary = run.score(deciding, columns, skip=bad_rows == "skip", progress=progress)
    return replace(summary, seconds=time.perf_counter() - start)


@dataclass(frozen=True)
class _Step:
    """How far a run has come, as its journal holds it: the marks are those of its files."""

    finished: bool
    position: Position
    output: int
    rejected: int
    summary: ScoreSummary

    @classmethod
    def of(cls, values: dict[str, Any]) -> "_Step":
        summary = ScoreSummary(**values["summary"])
        position = Position(**values["position"])
        return cls(
            values["finished"],
            position,
            values["output"],
            values["rejected"],
            replace(summary, resumed_rows=summary.rows),
        )


class _Run:
    """A run of scoring: where its rows go, and how far it has come.

    Args:
        table: the input; where an unfinished run is gone on with, it is skipped to where that stopped.
        source: the file that it is.
        target: the file to write, or None for standard output.
        work: see ``Journal``.
        spreadsheet_safe: see ``score_file``.
        overwrite: see ``score_file``.
    """

    def __init__(
        self,
        table: Table,
        source: str,
        target: Path | None,
        work: dict[str, Any],
        *,
        spreadsheet_safe: bool,
        overwrite: bool,
    ):
        self.table = table
        self._source = source
        self.target = target
        self.summary = ScoreSummary()
        self._output: Output
        self._rejected: BinaryIO = io.BytesIO()
        self._finished = self._renamed = self._resumable = False
        if target is None:
            if sys.stdout is None:
                raise TextsiamError("Standard output is closed; name a file to write to.")
            self._output = TextOutput(table, ",", stream=sys.stdout.buffer, spreadsheet_safe=spreadsheet_safe)
            return
        self._part, self._rejected_part = (
            target.with_name(f"{target.name}.{end}") for end in ("part", "rejected.part")
        )
        self._journal = Journal(target.with_name(f"{target.name}.journal"), work)
        step = self._earlier(overwrite)
        finished = step is not None and step.finished
        for path in (target, rejected_file(target)):
            if path.is_dir():
                raise TextsiamError(f"{path} is a folder. Choose another name, or remove it.")
            if path.exists() and not overwrite and not finished:
                raise TextsiamError(f"{path} exists already. Choose another name, or replace it with --force.")
        self._renamed = finished and target.exists() and not self._part.exists()
        if step:
            self.summary, self._finished, self._resumable = step.summary, finished, True
            if not table.skip(step.position):
                raise TextsiamError(f"{table.name} has changed since {self._journal.path} was written. Remove that.")
        if not self._renamed:
            marks = (step.output, step.rejected) if step else (None, None)
            self._output = open_output(target, table, self._part, mark=marks[0], spreadsheet_safe=spreadsheet_safe)
            if not finished:
                self._rejected = resumable_file(self._rejected_part, marks[1])
            if not step:
                self._rejected.write(REJECTED)

    def _earlier(self, overwrite: bool) -> "_Step | None":
        """Return how far an unfinished run of this work has come; None: begin anew."""
        try:
            found = self._journal.read()
            if found is None:
                return None
            step = _Step.of(found)
            if not self._begins_as(step.position):
                raise TextsiamError(
                    f"{self._journal.path} is of an unfinished run, and what that had read of {self.table.name} has "
                    "changed since. Start anew with --force."
                )
            if not self._part.exists() and not (step.finished and self.target is not None and self.target.exists()):
                raise TextsiamError(f"{self._part} of an unfinished run is lost. Start anew with --force.")
            return step
        except (TextsiamError, TypeError, KeyError, AttributeError) as error:
            if overwrite:
                return None
            if isinstance(error, TextsiamError):
                raise
            raise TextsiamError(
                f"{self._journal.path} cannot be read as a journal. Start anew with --force."
            ) from error

    def _begins_as(self, position: Position) -> bool:
        """Whether the table still has before a position what it had; standard input, read but once, shows it later."""
        if self._source == "-":
            return True
        with open_table(self._source) as table:
            return table.skip(position)

    def score(
        self,
        deciding: Decisions,
        columns: tuple[int, int],
        *,
        skip: bool,
        progress: Callable[[int, float | None], None] | None,
    ) -> ScoreSummary:
        """Score what is left of the table and put the output in its place."""
        if not self._finished:
            chunks = self.table.chunks(CHUNK)

            def read() -> tuple[Chunk, Position, float | None] | None:
                chunk = next(chunks, None)
                return None if chunk is None else (chunk, self.table.position(), self.table.share())

            position = self.table.position()
            with ThreadPoolExecutor(1) as ahead:  # the next chunk is read while one is scored
                coming, number = ahead.submit(read), 0
                while found := coming.result():
                    coming = ahead.submit(read)
                    if number and number % SEGMENT == 0:
                        self._note(position)
                    chunk, position, share = found
                    if not skip:
                        check_sound(self.table, chunk)
                    answers = deciding(chunk.column(columns[0]), chunk.column(columns[1]))
                    self.summary += write_scored(chunk, answers, self._output, self._rejected)
                    number += 1
                    if progress is not None:
                        progress(self.summary.rows, share)
            if not self.summary.rows and not self.summary.rejected_rows:
                header = listing(self.table.columns)
                raise TextsiamError(f"{self.table.name} has 0 rows under its header ({header}). Give at least one.")
            self._note(position, finished=True)
            self._finished = True
        return self._put()

    def _note(self, position: Position, *, finished: bool = False) -> None:
        """Bring everything to the disk, then say so."""
        mark = self._output.commit()
        if self.target is None:
            return
        self._rejected.flush()
        os.fsync(self._rejected.fileno())
        self._journal.note(asdict(_Step(finished, position, mark, self._rejected.tell(), self.summary)))
        self._resumable = True

    def _put(self) -> ScoreSummary:
        """Rename what is whole to its name, and drop the journal."""
        if self.target is None:
            return self.summary
        if not self._renamed:
            self._output.finish(self.target)
            self._rejected.close()
        if self._rejected_part.exists():
            self._rejected_part.replace(rejected_file(self.target))
        if not self.summary.rejected_rows:
            rejected_file(self.target).unlink(missing_ok=True)
        self._journal.remove()
        if not self._renamed:
            self._output.clean()
        return self.summary

    def close(self) -> None:
        """Close the files, whatever has become of the run; drop them where it could not be gone on with."""
        with suppress(OSError):  # a full disk, say, that has been spoken of already
            if not self._renamed:
                self._output.close()
            self._rejected.close()
        if self.target is not None and not self._resumable:
            for path in (self._part, self._rejected_part):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
