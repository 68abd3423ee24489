"""Scored rows on their way to the disk: sound ones with their answers, others with the reason, and their counts."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from operator import add
from pathlib import Path
from typing import BinaryIO

from textsiam.errors import TextsiamError
from textsiam.files.atomic import locked
from textsiam.files.opening import PLAIN, Format, kind_of
from textsiam.files.tables import Chunk, Table, check_distinct, display, positions
from textsiam.inference.decisions import Answers
from textsiam.scoring.outputs import DECISION, PROBABILITY, Output

CHUNK = 32_768  # rows scored together: a probability's last bits depend on them


@dataclass(frozen=True)
class Pace:
    """In which pieces a table is scored.

    Attributes:
        chunk: rows scored together; the last digit of a probability may depend on it.
        segment: chunks after which the work is brought to the disk, or that make a part.
    """

    chunk: int = CHUNK
    segment: int = 4


@dataclass(frozen=True)
class Options:
    """What is to be done with the rows of a table.

    Attributes:
        questions: the columns of both questions.
        skip: leave out rows that cannot be read.
        spreadsheet_safe: put an apostrophe before values that a spreadsheet would run as formulas.
        overwrite: replace an existing output.
        pace: in which pieces.
        form: how the table is written, if it is text.
    """

    questions: tuple[str, str]
    skip: bool = False
    spreadsheet_safe: bool = False
    overwrite: bool = False
    pace: Pace = Pace()
    form: Format = PLAIN


PACE = Pace()
Progress = Callable[[int, float | None], None]  # rows done, and the share of all in [0, 1], None where unknown
REJECTED = b"row,line,reason,text\n"


@dataclass(frozen=True)
class ScoreSummary:
    """What scoring a file came to.

    Attributes:
        rows: rows read and written, those with a blank question included.
        duplicates: rows called duplicate.
        blank_rows: rows with a blank question, left without an answer.
        rejected_rows: rows that could not be read and were left out.
        seconds: time that this run took; one that resumes another does not know how long that took.
        resumed_rows: rows that an earlier run had written already.
    """

    rows: int = 0
    duplicates: int = 0
    blank_rows: int = 0
    rejected_rows: int = 0
    seconds: float = 0.0
    resumed_rows: int = 0

    def __add__(self, other: "ScoreSummary") -> "ScoreSummary":
        return ScoreSummary(*map(add, astuple(self), astuple(other)))

    @property
    def pairs_per_second(self) -> float:
        """Rate of scoring; 0 for no time."""
        return (self.rows - self.resumed_rows) / self.seconds if self.seconds else 0.0


def score_chunk(
    table: Table,
    chunk: Chunk,
    decide: Callable[[Sequence[str], Sequence[str]], Answers],
    columns: tuple[int, int],
    output: Output,
    rejected: BinaryIO,
    *,
    skip: bool,
) -> ScoreSummary:
    """Answer the sound rows of a chunk and write them to one place, the others with the reasons to another.

    Args:
        table: whose rows they are.
        chunk: the rows.
        decide: both questions of n pairs → their answers.
        columns: numbers of the columns of questions.
        output: takes the rows.
        rejected: takes those that cannot be read.
        skip: go on after such a row.

    Returns:
        The counts.

    Raises:
        TextsiamError: a row cannot be read, and ``skip`` is off.
    """
    chunk = output.fitting(chunk)
    if not skip:
        check_sound(table, chunk)
    answers = decide(chunk.column(columns[0]), chunk.column(columns[1]))
    output.write(chunk, answers)
    for row in chunk.unsound:
        cells = str(row.reason).encode(), row.raw
        quoted = b",".join(b'"' + cell.replace(b'"', b'""') + b'"' for cell in cells)
        rejected.write(f"{row.row},{row.line or ''},".encode() + quoted + b"\n")
    blank = int((~answers.present).sum())
    return ScoreSummary(len(chunk), int(answers.duplicates.sum()), blank, len(chunk.unsound))


def check_sound(table: Table, chunk: Chunk) -> None:
    """Refuse rows that cannot be read.

    Raises:
        TextsiamError: there is one.
    """
    if chunk.unsound:
        raise TextsiamError(f"{table.name}, {chunk.unsound[0]}", 'Or go on without such rows: bad_rows="skip".')


def question_columns(table: Table, question1: str, question2: str) -> tuple[int, int]:
    """Return the numbers of the columns of questions.

    Raises:
        TextsiamError: they are not there, or those that scoring adds are.
    """
    check_distinct(question1=question1, question2=question2)
    columns = table.find(question1, "question1"), table.find(question2, "question2")
    if columns[0] == columns[1]:
        raise TextsiamError(
            f"{table.name} has one column for both {question1!r:.60} and {question2!r:.60}.", "Name two."
        )
    taken = [column for column in (PROBABILITY, DECISION) if positions(table.columns, column)]
    if taken:
        raise TextsiamError(f"The table has a column {taken[0]!r} already, which scoring adds.", "Rename it.")
    return columns


def rejected_file(target: Path) -> Path:
    """Return the file that takes the rows that could not be read."""
    return target.with_name(f"{target.name}.rejected.csv")


def rejected_folder(target: Path) -> Path:
    """Return the folder that takes such rows where the output is a folder of parts, a file a part."""
    return target / "_rejected"


@contextmanager
def writing(output: str | Path) -> Iterator[None]:
    """Say in one line why an output cannot be written.

    Raises:
        TextsiamError: it cannot.
    """
    try:
        yield
    except OSError as error:
        again = "" if os.fspath(output) == "-" else "; the same call resumes the run"
        raise TextsiamError(
            f"Cannot write {display(output, 'standard output')}: {error.strerror or error}.",
            f"Make room, or write elsewhere{again}.",
        ) from error


@contextmanager
def locked_output(target: Path) -> Iterator[None]:
    """Keep a second run off an output.

    Raises:
        TextsiamError: another run has it, or there can be no such output.
    """
    if not target.parent.is_dir():
        raise TextsiamError(f"There is no folder {target.parent} to write {target.name} to.", "Make it first.")
    kind_of(target)
    lock = target.with_name(f".{target.name}.lock")
    try:
        with locked(lock, f"Another run writes {target}. Wait for it, or choose another name."):
            yield
    except OSError as error:
        if error.filename != str(lock):
            raise
        raise TextsiamError(f"Cannot write {target}: {error.strerror or error}.", "Write elsewhere.") from error
