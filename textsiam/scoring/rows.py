"""Scored rows on their way to the disk: sound ones with their answers, others with the reason, and their counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from operator import add
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from textsiam.errors import TextsiamError
from textsiam.files.opening import kind_of
from textsiam.files.tables import Chunk, Table
from textsiam.inference.decisions import Answers
from textsiam.scoring.outputs import DECISION, PROBABILITY, Output

CHUNK = 32_768  # rows scored together
SEGMENT = 4  # chunks after which the work is brought to the disk
REJECTED = b"row,line,reason,text\n"


@dataclass(frozen=True)
class ScoreSummary:
    """What scoring a file came to.

    Attributes:
        rows: rows read and written, those with a blank question included.
        duplicates: rows called duplicate.
        blank_rows: rows with a blank question, left without an answer.
        rejected_rows: rows that could not be read and were left out.
        seconds: time that this run took; one that goes on with another does not know how long that took.
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


def write_scored(chunk: Chunk, answers: Answers, output: Output, rejected: BinaryIO) -> ScoreSummary:
    """Write the sound rows of a chunk with their answers to one place, the others with the reasons to another.

    Returns:
        The counts.
    """
    output.write(chunk, answers)
    for row in chunk.unsound:
        cells = str(row.reason).encode(), row.raw
        quoted = b",".join(b'"' + cell.replace(b'"', b'""') + b'"' for cell in cells)
        rejected.write(f"{row.row},{row.line},".encode() + quoted + b"\n")
    blank = int((~answers.present).sum())
    return ScoreSummary(len(chunk), int(answers.duplicates.sum()), blank, len(chunk.unsound))


def check_sound(table: Table, chunk: Chunk) -> None:
    """Refuse rows that cannot be read.

    Raises:
        TextsiamError: there is one.
    """
    if chunk.unsound:
        raise TextsiamError(f"{table.name}, {chunk.unsound[0]} Or go on without such rows: --bad-rows skip.")


def question_columns(table: Table, question1: str, question2: str) -> tuple[int, int]:
    """Return the numbers of the columns of questions.

    Raises:
        TextsiamError: they are not there, or those that scoring adds are.
    """
    columns = table.find(question1, "question1"), table.find(question2, "question2")
    taken = [column for column in (PROBABILITY, DECISION) if column in table.columns]
    if taken:
        raise TextsiamError(f"The table has a column {taken[0]!r} already, which scoring adds. Rename it.")
    return columns


def rejected_file(target: Path) -> Path:
    """Return the file that takes the rows that could not be read."""
    return target.with_name(f"{target.name}.rejected.csv")


def rejected_folder(target: Path) -> Path:
    """Return the folder that takes such rows where the output is a folder of parts, a file a part."""
    return target / "_rejected"


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Keep a second run off an output.

    Raises:
        TextsiamError: another run has it, or there can be no such output.
    """
    if not target.parent.is_dir():
        raise TextsiamError(f"There is no folder {target.parent} to write {target.name} to. Make it first.")
    kind_of(target)
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise TextsiamError(f"Another run writes {target}. Wait for it, or choose another name.") from error
    except OSError as error:
        raise TextsiamError(f"Cannot write {target}: {error.strerror or error}. Write elsewhere.") from error
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


@contextmanager
def writing(output: object) -> Iterator[None]:
    """Say in one line why an output cannot be written.

    Raises:
        TextsiamError: it cannot.
    """
    try:
        yield
    except OSError as error:
        raise TextsiamError(
            f"Cannot write {output}: {error.strerror or error}. Make room, or write elsewhere; the same call "
            "goes on where this one stopped."
        ) from error
