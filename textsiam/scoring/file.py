"""Tables of pairs in, the same tables with probabilities and decisions out: any size, resumed after any crash."""

import io
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from textsiam.errors import TextsiamError
from textsiam.files.delimited import TextTable
from textsiam.files.journal import Journal, State, check_free
from textsiam.files.opening import Format, is_pattern, open_table
from textsiam.files.tables import Chunk, Position, Table, display, listing
from textsiam.inference.decisions import Decisions, ModelLike, decisions, remote_decisions
from textsiam.scoring.outputs import Output, TextOutput, open_output, resumable_file
from textsiam.scoring.rows import (
    PACE,
    REJECTED,
    Options,
    Pace,
    Progress,
    ScoreSummary,
    locked_output,
    question_columns,
    rejected_file,
    score_chunk,
    writing,
)


def score_file(
    source: str | Path,
    output: str | Path,
    *,
    model: ModelLike = None,
    question1: str = "question1",
    question2: str = "question2",
    threshold: float | None = None,
    precision: float | None = None,
    prior: float | None = None,
    bad_rows: str = "stop",
    spreadsheet_safe: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    engine: str = "local",
    scheduler: str | None = None,
    workers: int | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    pace: Pace = PACE,
) -> ScoreSummary:
    """Score every row of a table of any size; rows, columns and the bytes of values stay as they are.

    The table is read, scored and written piece by piece in constant memory. The same call resumes a run that
    was stopped, by whatever: the output is the same to the byte. Until it is whole it stands beside the output,
    as ``OUTPUT.part`` with ``OUTPUT.journal``.

    The dask engine does this on the processes of a cluster, part by part. Its output is a folder of tables,
    ``OUTPUT/part-00003-00012.csv`` the 13th part of the 4th file, with a line for each in ``_parts.jsonl``; the rows
    that it skips go to ``OUTPUT/_rejected/``. A resumed run scores the parts that are not finished. A script must
    call it under ``if __name__ == "__main__":``, since the processes of a local cluster import the script.

    >>> import pandas as pd
    >>> pairs = {"question1": ["Where is Oslo?", "Where is Oslo?"], "question2": ["where is Oslo", "What is chess?"]}
    >>> pd.DataFrame(pairs).to_csv("pairs.csv", index=False)
    >>> summary = score_file("pairs.csv", "scored.csv", overwrite=True)
    >>> summary.rows, summary.duplicates
    (2, 1)
    >>> print(Path("scored.csv").read_text().splitlines()[1])
    Where is Oslo?,where is Oslo,1.000000,1

    Args:
        source: csv or tsv, gzipped or not, or parquet, here or where fsspec reaches (``s3://…``); ``-`` is standard
            input (csv). For dask also a pattern (``pairs-*.csv``): the files in the order of their names.
        output: the same kinds by its suffix; ``-`` is standard output (csv). Where both are csv, or both tsv, delimiter
            and encoding stay as they are; else they are a comma or a tab, and UTF-8.
        model: a model, its folder, or a fitted ``DuplicateClassifier``; None as in ``load_model``; for dask a folder.
        question1: column of the first question.
        question2: column of the second.
        threshold: lowest probability of a duplicate, in [0, 1]; None takes the model's own.
        precision: take the threshold that had at least this precision on the model's dev pairs, in (0, 1].
        prior: share of duplicates expected, in (0, 1), to which probabilities are moved by Bayes' rule; None: as where
            the model was calibrated.
        bad_rows: "stop" at the first row that cannot be read, or "skip" such rows: they go to
            ``OUTPUT.rejected.csv``, with the reasons.
        spreadsheet_safe: put an apostrophe before values that a spreadsheet would run as formulas.
        overwrite: replace an existing output; drop an unfinished run that is of other work.
        progress: called after every chunk or part with the rows done and the share of all, None where unknown.
        engine: "local", or "dask".
        scheduler: address of a Dask scheduler, ``tcp://…``; None starts a cluster here.
        workers: processes of the cluster that is started here; None: one a core.
        delimiter: what separates the values of a csv or tsv, one character. None: a comma or a tab, as its name says;
            or whichever of these, ``;`` and ``|`` gives the columns asked for; or what Excel's ``sep=`` line says.
        encoding: of a csv or tsv, as Python names it. None: as a byte order mark says; without one UTF-8.
        pace: in which pieces.

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
        raise TextsiamError("A scheduler and workers are the dask engine's.", 'Add engine="dask".')
    if scheduler is not None and workers is not None:
        raise TextsiamError("A cluster that runs already has its workers.", "Give scheduler=… or workers=…, not both.")
    if workers is not None and workers < 1:
        raise TextsiamError(f"workers is a number of processes, at least 1, not {workers}.")
    start = time.perf_counter()
    choice = {"threshold": threshold, "precision": precision, "prior": prior}
    options = Options(
        (question1, question2), bad_rows == "skip", spreadsheet_safe, overwrite, pace, Format(delimiter, encoding)
    )
    if engine == "dask":
        from textsiam.scoring.cluster import score_files

        remote = remote_decisions(model, **choice)
        summary = score_files(source, output, remote, options, scheduler, workers, progress)
    else:
        summary = _score_here(source, output, decisions(model, **choice), options, progress)
    return replace(summary, seconds=time.perf_counter() - start)


def _score_here(
    source: str | Path, output: str | Path, decide: Decisions, options: Options, progress: Progress | None
) -> ScoreSummary:
    """Score a table in this process; the arguments are those of ``score_file``."""
    if os.fspath(output) == "-" and options.skip:
        raise TextsiamError("Skipped rows go to a file beside the output.", "Name one with output=…")
    if is_pattern(source):
        raise TextsiamError(
            f"{display(source)} is a pattern, and the local engine scores one file.", 'Add engine="dask".'
        )
    with open_table(source, options.questions, options.form) as table:
        columns = question_columns(table, *options.questions)
        form = [table.delimiter, table.encoding] if isinstance(table, TextTable) else []
        work = {
            "model": decide.model.digest,
            "header": table.columns,
            "options": [columns, decide.threshold, decide.prior, options.spreadsheet_safe, *form],
        }
        target = None if os.fspath(output) == "-" else Path(output)
        with locked_output(target) if target else nullcontext(), writing(output):
            run = _File(table, os.fspath(source), target, work, options) if target else _Stream(table, options)
            with closing(run):
                return run.score(decide, columns, progress)


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
        marks = values["output"], values["rejected"]
        return cls(values["finished"], position, *marks, replace(summary, resumed_rows=summary.rows))


class _Run:
    """A run of scoring: where its rows go, and how far it has come.

    Args:
        table: the input, at the place where the run begins.
        output: takes the rows.
        rejected: takes those that cannot be read.
        summary: of the rows written before.
        options: what is to be done with the rows.
    """

    def __init__(self, table: Table, output: Output, rejected: BinaryIO, summary: ScoreSummary, options: Options):
        self.table, self.output, self.rejected, self.summary = table, output, rejected, summary
        self.options = options

    def score(self, decide: Decisions, columns: tuple[int, int], progress: Progress | None) -> ScoreSummary:
        """Score what is left of the table, and bring it to the disk as it comes."""
        chunks = self.table.chunks(self.options.pace.chunk)

        def read() -> tuple[Chunk, Position, float | None] | None:
            chunk = next(chunks, None)
            return None if chunk is None else (chunk, self.table.position(), self.table.share())

        position = self.table.position()
        with ThreadPoolExecutor(1) as ahead:  # the next chunk is read while one is scored
            coming, number = ahead.submit(read), 0
            while found := coming.result():
                coming = ahead.submit(read)
                if number and number % self.options.pace.segment == 0:
                    self.note(position)
                chunk, position, share = found
                self.summary += score_chunk(
                    self.table, chunk, decide, columns, self.output, self.rejected, skip=self.options.skip
                )
                number += 1
                if progress is not None:
                    progress(self.summary.rows, share)
        if not self.summary.rows and not self.summary.rejected_rows:
            header = listing(self.table.columns)
            raise TextsiamError(f"{self.table.name} has 0 rows under its header ({header}).", "Give at least one.")
        self.note(position, finished=True)
        return self.summary

    def note(self, position: Position, *, finished: bool = False) -> None:
        """Bring everything to the disk, then say so."""
        raise NotImplementedError

    def close(self) -> None:
        """Close what is open."""
        raise NotImplementedError


class _Stream(_Run):
    """A run that writes to standard output, and cannot be resumed."""

    def __init__(self, table: Table, options: Options):
        if sys.stdout is None:
            raise TextsiamError("Standard output is closed.", "Name a file to write to.")
        output = TextOutput(table, ".csv", stream=sys.stdout.buffer, spreadsheet_safe=options.spreadsheet_safe)
        super().__init__(table, output, io.BytesIO(), ScoreSummary(), options)

    def note(self, position: Position, *, finished: bool = False) -> None:
        """Send on what has been written."""
        self.output.commit()

    def close(self) -> None:
        """Leave standard output open."""


class _File(_Run):
    """A run that writes a file, beside its place until it is whole.

    Args:
        table: the input; where an unfinished run is resumed, it is skipped to where that stopped.
        source: the file that it is.
        target: the file to write.
        work: what must be the same for an unfinished run to be resumed.
        options: what is to be done with the rows.
    """

    def __init__(self, table: Table, source: str, target: Path, work: dict[str, Any], options: Options):
        self.table, self._source, self._target = table, source, target
        self._questions, self._form = options.questions, options.form
        self._part, self._rejected_part = (
            target.with_name(f"{target.name}.{end}") for end in ("part", "rejected.part")
        )
        self._journal = Journal(target.with_name(f"{target.name}.journal"), work)
        step = self._journal.resume(self._step, overwrite=options.overwrite)
        self.state = State.NEW
        if step:
            self.state = State.FINISHED if step.finished else State.RESUMABLE
            if step.finished and target.exists() and not self._part.exists():
                self.state = State.RENAMED
            if not table.skip(step.position):
                raise TextsiamError(f"{table.name} has changed since {self._journal.path} was written.", "Remove that.")
        for path in (target, rejected_file(target)):
            if path.is_dir():
                raise TextsiamError(f"{path} is a folder.", "Choose another name, or remove it.")
            check_free(path, overwrite=options.overwrite or self.state in (State.FINISHED, State.RENAMED))
        marks = (step.output, step.rejected) if step else (None, None)
        output: Output | None = None
        rejected: BinaryIO = io.BytesIO()
        if self.state is not State.RENAMED:
            output = open_output(target, table, self._part, mark=marks[0], spreadsheet_safe=options.spreadsheet_safe)
        if self.state in (State.NEW, State.RESUMABLE):
            rejected = resumable_file(self._rejected_part, marks[1])
        if self.state is State.NEW:
            rejected.write(REJECTED)
        summary = step.summary if step else ScoreSummary()
        super().__init__(table, output, rejected, summary, options)  # type: ignore[arg-type]

    def _step(self, values: dict[str, Any]) -> _Step:
        """Return how far an unfinished run has come, if what it wrote is there and what it read unchanged."""
        step = _Step.of(values)
        if self._source != "-":  # standard input, which is read but once, shows it later
            with open_table(self._source, self._questions, self._form) as table:
                if not table.skip(step.position):
                    raise self._journal.changed(table.name)
        if not self._part.exists() and not (step.finished and self._target.exists()):
            raise self._journal.lost(self._part)
        return step

    def score(self, decide: Decisions, columns: tuple[int, int], progress: Progress | None) -> ScoreSummary:
        """Score what is left of the table, and rename the output into place."""
        if self.state in (State.NEW, State.RESUMABLE):
            super().score(decide, columns, progress)
        if self.state is State.FINISHED:
            self.output.finish(self._target)
            self.rejected.close()
        if self._rejected_part.exists():
            self._rejected_part.replace(rejected_file(self._target))
        if not self.summary.rejected_rows:
            rejected_file(self._target).unlink(missing_ok=True)
        self._journal.remove()
        if self.output:
            self.output.clean()
        return self.summary

    def note(self, position: Position, *, finished: bool = False) -> None:
        """Bring everything to the disk, then say so in the journal."""
        mark = self.output.commit()
        self.rejected.flush()
        os.fsync(self.rejected.fileno())
        self._journal.note(asdict(_Step(finished, position, mark, self.rejected.tell(), self.summary)))
        self.state = State.FINISHED if finished else State.RESUMABLE

    def close(self) -> None:
        """Close the files, whatever has become of the run; remove them where it could not be resumed."""
        with suppress(OSError):  # a full disk, say, that has been spoken of already
            if self.output:
                self.output.close()
            self.rejected.close()
        if self.state is State.NEW:
            for path in (self._part, self._rejected_part):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
