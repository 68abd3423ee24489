"""A table cut into parts, each of which anyone can read, score and write on their own, as often as it takes."""

import shutil
import zlib
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from platform import node
from uuid import uuid4

from textsiam.errors import TextsiamError
from textsiam.files.opening import open_table
from textsiam.files.tables import Position, Table
from textsiam.inference.decisions import RemoteDecisions
from textsiam.scoring.outputs import open_output
from textsiam.scoring.rows import (
    REJECTED,
    Options,
    ScoreSummary,
    check_sound,
    question_columns,
    rejected_folder,
    score_chunk,
    writing,
)


@dataclass(frozen=True)
class Job:
    """What all parts have in common.

    Attributes:
        folder: where the parts go, on a disk that everybody sees.
        attempts: a folder in it for what is being written, of this run alone: without it, whoever still works for an
            earlier run can finish nothing.
        suffix: of their names; it says of which kind they are.
        remote: how to decide.
        options: what is to be done with the rows; a segment of their pace is a part.
    """

    folder: str
    attempts: str
    suffix: str
    remote: RemoteDecisions
    options: Options


@dataclass(frozen=True)
class Part:
    """Neighbouring rows of a table.

    Attributes:
        name: of the file that they are written to.
        file: where they stand.
        start: where they begin.
        end: where they end; its digest is that of what they are read from.
    """

    name: str
    file: str
    start: Position
    end: Position


@dataclass(frozen=True)
class Plan:
    """The parts of a table, and its columns."""

    file: str
    columns: list[str]
    parts: list[Part]


def plan_file(job: Job, number: int, file: str) -> Plan:
    """Read a table once, to see where its parts begin and end, and that all its rows can be read.

    Raises:
        TextsiamError: the table cannot be read, a row cannot and is not skipped, or a column is missing.
    """
    parts: list[Part] = []
    with open_table(file, job.options.questions, job.options.form) as table:
        question_columns(table, *job.options.questions)
        chunks = table.chunks(job.options.pace.chunk)
        while True:
            table.seek()
            start, read = table.position(), 0
            for chunk in islice(chunks, job.options.pace.segment):
                if not job.options.skip:
                    check_sound(table, chunk)
                read += 1
            if not read:
                return Plan(file, table.columns, parts)
            parts.append(Part(f"part-{number:05}-{len(parts):05}{job.suffix}", file, start, table.position()))


def score_part(job: Job, part: Part) -> ScoreSummary:
    """Score a part and write its file; one that is there is replaced.

    It is written under a name of its own first, so that others may try the same at the same time, or die of it.

    Raises:
        TextsiamError: the table cannot be read or is no longer what was planned, or the part cannot be written.
    """
    folder = Path(job.folder)
    attempt = Path(job.attempts, f"{part.name}.{uuid4().hex}")
    decide = job.remote.load()
    with writing(folder):
        if not attempt.parent.is_dir():
            raise TextsiamError(
                f"The worker {node()} does not see {folder}. Write to a disk that the client and all workers share."
            )
        attempt.mkdir()
        try:
            opened = open_table(part.file, job.options.questions, job.options.form)
            with opened as table, (attempt / "rejected").open("wb") as rejected:
                _go_to(table, part.start)
                columns = question_columns(table, *job.options.questions)
                rejected.write(REJECTED)
                summary = ScoreSummary()
                output = open_output(
                    part.name, table, attempt / part.name, mark=None, spreadsheet_safe=job.options.spreadsheet_safe
                )
                with closing(output):
                    for chunk in islice(table.chunks(job.options.pace.chunk), job.options.pace.segment):
                        summary += score_chunk(table, chunk, decide, columns, output, rejected, skip=job.options.skip)
                    output.commit()
                if table.position() != part.end:
                    raise _changed(table)
            if summary.rejected_rows:
                Path(rejected.name).replace(rejected_rows(folder, part.name))
            else:
                rejected_rows(folder, part.name).unlink(missing_ok=True)
            output.finish(folder / part.name)
        finally:
            shutil.rmtree(attempt, ignore_errors=True)
    return summary


def rejected_rows(folder: Path, part: str) -> Path:
    """Return the file that takes the rows of a part that could not be read."""
    return rejected_folder(folder) / f"{part}.csv"


def _go_to(table: Table, position: Position) -> None:
    try:
        table.seek(position)
    except (OSError, EOFError, zlib.error) as error:
        raise _changed(table) from error


def _changed(table: Table) -> TextsiamError:
    return TextsiamError(f"{table.name} changed while it was being scored.", "Start anew with overwrite=True.")
