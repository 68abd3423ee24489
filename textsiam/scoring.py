"""Tables of pairs in, the same tables with probabilities and decisions out."""

import csv
import gzip
import io
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pandas as pd

from textsiam.errors import TextsiamError
from textsiam.pairs import read_table
from textsiam.runtime import Model, as_model, check_threshold

PROBABILITY, DECISION = "duplicate_probability", "duplicate"
_CHUNK = 20_000


@dataclass(frozen=True)
class ScoreSummary:
    """What scoring a file came to.

    Attributes:
        rows: rows read and written.
        duplicates: rows called duplicate.
        blank_rows: rows with a blank question, left without an answer.
        seconds: time from the first row to the last.
    """

    rows: int
    duplicates: int
    blank_rows: int
    seconds: float

    @property
    def pairs_per_second(self) -> float:
        """Rate of scoring; 0 for no time."""
        return self.rows / self.seconds if self.seconds else 0.0


def score_frame(table: pd.DataFrame, model: Model, *, question1: str, question2: str, threshold: float) -> pd.DataFrame:
    """Return the table with ``duplicate_probability`` (6 decimals) and ``duplicate`` (0/1) as two text columns more.

    A row with a blank question has both empty.

    Args:
        table: every column of text.
        model: the trained model.
        question1: column of the first question.
        question2: column of the second.
        threshold: lowest probability of a duplicate, in [0, 1].
    """
    present = (table[question1].str.strip() != "") & (table[question2].str.strip() != "")
    scored = table[present]
    probabilities = model.probabilities(scored[question1].tolist(), scored[question2].tolist())
    answer = pd.DataFrame("", index=table.index, columns=[PROBABILITY, DECISION])
    answer.loc[present, PROBABILITY] = [f"{value:.6f}" for value in probabilities]
    answer.loc[present, DECISION] = ["1" if value >= threshold else "0" for value in probabilities]
    return pd.concat([table, answer], axis=1)


def score_file(
    source: str | Path,
    output: str | Path,
    *,
    model: Model | str | Path | None = None,
    question1: str = "question1",
    question2: str = "question2",
    threshold: float | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ScoreSummary:
    """Score every row of a table; rows and columns keep their order and their text.

    Args:
        source: csv or tsv, gzipped or not, or parquet; ``-`` is standard input (csv).
        output: the same kinds by its suffix; ``-`` is standard output (csv). Written whole, then renamed.
        model: a model or its folder; None as in ``load_model``.
        question1: column of the first question.
        question2: column of the second.
        threshold: lowest probability of a duplicate, in [0, 1]; None takes the model's own.
        overwrite: replace an existing output.
        progress: called with the rows done and the rows in all, after every chunk.

    Returns:
        The counts.

    Raises:
        TextsiamError: the table, the columns, the model or the output is wrong.
    """
    chosen = as_model(model)
    limit = chosen.threshold if threshold is None else check_threshold(threshold)
    write = _writer(output, overwrite=overwrite)
    table = read_table(source, (question1, question2))
    taken = [column for column in (PROBABILITY, DECISION) if column in table.columns]
    if taken:
        raise TextsiamError(f"The table has a column {taken[0]!r} already, which scoring adds. Rename it.")
    start = time.perf_counter()
    parts = []
    for first in range(0, len(table), _CHUNK):
        rows = table.iloc[first : first + _CHUNK]
        parts.append(score_frame(rows, chosen, question1=question1, question2=question2, threshold=limit))
        if progress is not None:
            progress(first + len(rows), len(table))
    seconds = time.perf_counter() - start
    scored = pd.concat(parts)
    write(scored)
    return ScoreSummary(len(scored), int((scored[DECISION] == "1").sum()), int((scored[DECISION] == "").sum()), seconds)


def _writer(output: str | Path, *, overwrite: bool) -> Callable[[pd.DataFrame], None]:
    """Return what writes a table to the output; refuse before any work is done what could not be written after it."""
    if os.fspath(output) == "-":
        if sys.stdout is None:
            raise TextsiamError("Standard output is closed; name a file to write to.")
        return lambda table: _write_text(table, sys.stdout.buffer, ",")
    path = Path(output)
    zipped = path.suffix.lower() == ".gz"
    suffix = (Path(path.stem) if zipped else path).suffix.lower()
    if suffix not in (".csv", ".tsv") and (zipped or suffix != ".parquet"):
        raise TextsiamError(f"{path.name} does not end in .csv, .tsv, .csv.gz, .tsv.gz or .parquet. Name it so.")
    if path.exists() and not overwrite:
        raise TextsiamError(f"{path} exists already. Choose another name, or replace it with --force.")
    if not path.parent.is_dir():
        raise TextsiamError(f"There is no folder {path.parent} to write {path.name} to. Make it first.")

    def write(table: pd.DataFrame) -> None:
        temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with temporary.open("wb") as file:
                if suffix == ".parquet":
                    table.to_parquet(file, index=False)
                elif zipped:
                    with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                        _write_text(table, cast(BinaryIO, packed), "\t" if suffix == ".tsv" else ",")
                else:
                    _write_text(table, file, "\t" if suffix == ".tsv" else ",")
            temporary.replace(path)
        except OSError as error:
            raise TextsiamError(
                f"Cannot write {path}: {error.strerror or error}. Make room, or write elsewhere."
            ) from error
        finally:
            temporary.unlink(missing_ok=True)

    return write


def _write_text(table: pd.DataFrame, binary: BinaryIO, delimiter: str) -> None:
    text = io.TextIOWrapper(binary, encoding="utf-8", newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(zip(*(table[column].tolist() for column in table), strict=True))
    text.detach()
