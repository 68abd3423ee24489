"""Scoring on a Dask cluster: tables are cut into parts, workers score them, whatever becomes of a worker."""

import logging
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from textsiam import __version__
from textsiam.errors import TextsiamError, extras
from textsiam.files.opening import find_files, kind_of
from textsiam.files.tables import listing
from textsiam.inference.decisions import RemoteDecisions
from textsiam.inference.threads import cores
from textsiam.scoring.part_folder import PartFolder
from textsiam.scoring.parts import Job, Part, Plan, plan_file, score_part
from textsiam.scoring.rows import Options, Progress, ScoreSummary, locked_output, writing

_logger = logging.getLogger(__name__)
_AGAIN = "The same call resumes the run."


def score_files(
    source: str | Path,
    output: str | Path,
    remote: RemoteDecisions,
    options: Options,
    scheduler: str | None,
    workers: int | None,
    progress: Progress | None,
) -> ScoreSummary:
    """Score the rows of one or many tables on a Dask cluster; the arguments are those of ``score_file``."""
    if "-" in (os.fspath(source), os.fspath(output)):
        raise TextsiamError("Dask's workers read and write files, not standard input or output.", "Name files.")
    target = Path(os.path.abspath(output))  # noqa: PTH100 - links stay
    suffix, zipped = kind_of(target)
    files = find_files(source)
    work = {
        "engine": "dask",
        "model": remote.digest,
        "files": files,
        "options": [options.questions, remote.threshold, remote.prior, options.spreadsheet_safe, asdict(options.form)],
    }
    with locked_output(target), writing(output):
        parts = PartFolder(target, work, overwrite=options.overwrite)
        with closing(parts):
            if parts.summary is not None:
                parts.rename()
                return parts.summary
            job = Job(str(parts.folder), str(parts.attempts), suffix + ".gz" * zipped, remote, options)
            with _cluster(scheduler, workers) as client:
                summary = _Run(client, job, files, parts, progress).score()
            if not summary.rows and not summary.rejected_rows:
                raise TextsiamError(f"{listing([source])} has 0 rows under its header.", "Give at least one.")
            parts.finish(summary)
            return summary


class _Run:
    """A run on a cluster: plans and parts, as many on the way as keep the workers busy.

    Args:
        client: of the cluster.
        job: what all parts have in common.
        files: the tables.
        parts: where finished parts are noted.
        progress: called after every part with the rows done and the share of all, None where unknown.
    """

    def __init__(self, client: Any, job: Job, files: list[str], parts: PartFolder, progress: Progress | None):
        self._client = client
        self._job = job
        self._unplanned = deque(enumerate(files))
        self._waiting: deque[Part] = deque()
        self._running: dict[Any, Part | str] = {}  # the part that a future scores, or the file whose parts it finds
        self._parts = parts
        self._columns: tuple[str, list[str]] | None = None
        self._planned = 0
        self._progress = progress
        self._summary = ScoreSummary()

    def score(self) -> ScoreSummary:
        """Score what is not finished yet."""
        from distributed import as_completed

        completed = as_completed(loop=self._client.loop)
        completed.update(self._submitted())
        for future in completed:
            task = self._running.pop(future)
            result = self._result(future, task)
            if isinstance(task, Part):
                self._parts.note(task, result)
                self._count(result)
            else:
                self._take(result)
            completed.update(self._submitted())
        return self._summary

    def _submitted(self) -> list[Any]:
        """Give the workers more to do, parts first, and never much at once, whatever the size of the tables."""
        new: dict[Any, Part | str] = {}
        room = 2 * max(sum(self._client.nthreads().values()), 1) - len(self._running)
        while len(new) < room and (self._waiting or self._unplanned):
            if self._waiting:
                part = self._waiting.popleft()
                new[self._client.submit(score_part, self._job, part, pure=False)] = part
            else:
                number, file = self._unplanned.popleft()
                new[self._client.submit(plan_file, self._job, number, file, pure=False)] = file
        self._running |= new
        return list(new)

    def _take(self, plan: Plan) -> None:
        """Line up those parts of a table that are not finished."""
        first, columns = self._columns or (plan.file, plan.columns)
        if plan.columns != columns:
            raise TextsiamError(
                f"{plan.file} has the columns {listing(plan.columns)}; {first} has {listing(columns)}. Score tables of "
                "different columns one by one."
            )
        self._columns = first, columns
        self._planned += sum(part.end.rows - part.start.rows for part in plan.parts)
        for part in plan.parts:
            summary = self._parts.finished(part)
            if summary is None:
                self._waiting.append(part)
            else:
                self._count(summary)

    def _count(self, summary: ScoreSummary) -> None:
        self._summary += summary
        if self._progress is not None:
            planning = self._unplanned or any(isinstance(task, str) for task in self._running.values())
            done = self._summary.rows + self._summary.rejected_rows
            self._progress(self._summary.rows, None if planning else min(done / self._planned, 1))

    def _result(self, future: Any, task: Part | str) -> Any:
        """Return what came of a task.

        Raises:
            TextsiamError: it failed.
        """
        from distributed import KilledWorker, wait

        if future.status in ("pending", "lost"):  # whoever held its result has died since: it is computed again
            with suppress(CancelledError):
                wait(future)
        if future.status == "finished":
            return future.result()
        what = f"Scoring {task.name} of {task.file}" if isinstance(task, Part) else f"Reading {task}"
        if future.status != "error":
            raise TextsiamError("The Dask scheduler was lost.", _AGAIN)
        error = future.exception()
        if isinstance(error, TextsiamError):
            raise error
        if isinstance(error, KilledWorker):
            raise TextsiamError(
                f"{what} has cost {error.allowed_failures + 1} workers their lives, for want of memory perhaps. Give "
                f"each more.",
                _AGAIN,
            )
        raise TextsiamError(
            f"{what} failed: {type(error).__name__}: {listing([error])}. Every worker needs textsiam {__version__} "
            f"and what it needs to read the file.",
            _AGAIN,
        ) from error


@contextmanager
def _cluster(scheduler: str | None, workers: int | None) -> Iterator[Any]:
    """Give a client of the cluster at an address, or of one that is started here."""
    with extras():
        from distributed import Client
    with _quiet(), nullcontext(scheduler) if scheduler else _processes(workers or cores()) as address:
        try:
            client = Client(address)
        except Exception as error:  # whatever it is that answers there
            raise TextsiamError(
                f"No Dask scheduler answers at {address}: {listing([error])}. Name one that runs, tcp://HOST:PORT."
            ) from error
        with client:
            try:
                if not client.nthreads():
                    _logger.info("No worker at %s yet; waiting for one.", address)
                yield client
            except OSError as error:
                if error.errno is not None:  # a disk's, not the network's
                    raise
                raise TextsiamError("The Dask scheduler was lost.", _AGAIN) from error


@contextmanager
def _processes(workers: int) -> Iterator[str]:
    """Start a cluster of so many processes here; give its address."""
    from distributed import LocalCluster

    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
        preload=["import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"],  # Ctrl-C is the client's to answer
    )
    with cluster:
        yield cluster.scheduler_address


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask from logging what is no matter of the user's: workers that come and go."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
