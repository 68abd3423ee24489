"""Frames of pairs in, the same frames with probabilities and decisions out; of pandas, or of Dask."""

from pathlib import Path
from typing import Any

from textsiam.errors import TextsiamError
from textsiam.files.tables import listing
from textsiam.inference.decisions import Decisions, Elsewhere, decisions, decisions_elsewhere
from textsiam.inference.model import Model
from textsiam.scoring.outputs import DECISION, PROBABILITY
from textsiam.scoring.rows import CHUNK


def score_frame(
    frame: Any,
    *,
    model: Model | str | Path | None = None,
    question1: str = "question1",
    question2: str = "question2",
    threshold: float | None = None,
    precision: float | None = None,
    prior: float | None = None,
) -> Any:
    """Score every row of a frame.

    Args:
        frame: a pandas frame; or a Dask one, which is scored when it is computed, each process loading the model once.
        model: a model or its folder; None as in ``load_model``. For a Dask frame a folder, which every worker sees.
        question1: column of the first question.
        question2: column of the second.
        threshold: see ``decisions``.
        precision: see ``decisions``.
        prior: see ``decisions``.

    Returns:
        A frame of the same kind with two columns more: ``duplicate_probability``, float64 in [0, 1], higher = more
        alike, and ``duplicate``, Int8, 1 or 0. Both are missing where a question is missing or blank.

    Raises:
        TextsiamError: the frame, a column, the model or a choice is wrong.
    """
    questions = question1, question2
    lazy = hasattr(frame, "map_partitions")
    if not lazy and not hasattr(frame, "assign"):
        raise TextsiamError(f"score_frame takes a frame of pandas or Dask, not {type(frame).__name__}.")
    _check_columns(list(frame.columns), questions)
    if not lazy:
        return _scored(frame, decisions(model, threshold=threshold, precision=precision, prior=prior), questions)
    elsewhere = decisions_elsewhere(model, threshold=threshold, precision=precision, prior=prior)
    meta = _with_answers(frame._meta, [], [])
    return frame.map_partitions(_scored_elsewhere, elsewhere, questions, meta=meta)


def _check_columns(columns: list[Any], questions: tuple[str, str]) -> None:
    for number, column in enumerate(questions, 1):
        if columns.count(column) != 1:
            how = "two columns" if column in columns else "no column"
            raise TextsiamError(
                f"The frame has {how} {column!r}; it has: {listing(columns)}. Name one with question{number}."
            )
    taken = [column for column in (PROBABILITY, DECISION) if column in columns]
    if taken:
        raise TextsiamError(f"The frame has a column {taken[0]!r} already, which scoring adds. Rename it.")


def _scored_elsewhere(frame: Any, elsewhere: Elsewhere, questions: tuple[str, str]) -> Any:
    return _scored(frame, elsewhere.load(), questions)


def _scored(frame: Any, deciding: Decisions, questions: tuple[str, str]) -> Any:
    first, second = (_texts(frame[column]) for column in questions)
    probabilities: list[float | None] = []
    duplicates: list[bool | None] = []
    for start in range(0, len(first), CHUNK):
        piece = slice(start, start + CHUNK)
        found = deciding(first[piece], second[piece])
        probabilities += found[0]
        duplicates += found[1]
    return _with_answers(frame, probabilities, duplicates)


def _texts(column: Any) -> list[str]:
    """Return the values of a column, "" for those that are missing."""
    texts = ["" if missing else value for value, missing in zip(column, column.isna(), strict=True)]
    for text in texts:
        if not isinstance(text, str):
            raise TextsiamError(
                f"Column {column.name!r} holds {text!r:.60} ({type(text).__name__}); questions are text. Convert it."
            )
    return texts


def _with_answers(frame: Any, probabilities: list[float | None], duplicates: list[bool | None]) -> Any:
    import pandas as pd

    decided = [None if value is None else int(value) for value in duplicates]
    return frame.assign(
        **{
            PROBABILITY: pd.array(probabilities, dtype="float64").to_numpy(),
            DECISION: pd.array(decided, dtype="Int8"),
        }
    )
