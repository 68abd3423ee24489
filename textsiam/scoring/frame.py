"""Frames of pairs in, the same frames with probabilities and decisions out; of pandas, Dask, or Arrow."""

from typing import Any

import numpy as np

from textsiam.errors import TextsiamError, extras
from textsiam.files.tables import check_distinct, listing
from textsiam.inference.decisions import Answers, Decisions, ModelLike, RemoteDecisions, decisions, remote_decisions
from textsiam.scoring.outputs import DECISION, PROBABILITY
from textsiam.scoring.rows import CHUNK


def score_frame(
    frame: Any,
    *,
    model: ModelLike = None,
    question1: str = "question1",
    question2: str = "question2",
    threshold: float | None = None,
    precision: float | None = None,
    prior: float | None = None,
) -> Any:
    """Score every row of a frame.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"question1": ["Where is Oslo?", ""], "question2": ["where is Oslo", "Where is it?"]})
    >>> score_frame(frame)["duplicate"].tolist()
    [1, <NA>]

    Args:
        frame: a pandas frame; a Dask one, which is scored when it is computed, each process loading the model once; or
            an Arrow table. Without rows it comes back without rows.
        model: a model, its folder, or a fitted ``DuplicateClassifier``; None as in ``load_model``. For a
            Dask frame a folder, which every worker sees.
        question1: column of the first question.
        question2: column of the second.
        threshold: lowest probability of a duplicate, in [0, 1]; None takes the model's own.
        precision: take the threshold that had at least this precision on the model's dev pairs, in (0, 1].
        prior: share of duplicates expected, in (0, 1), to which probabilities are moved by Bayes' rule; None: as where
            the model was calibrated.

    Returns:
        A frame of the same kind with two columns more: ``duplicate_probability``, float64 in [0, 1], higher = more
        alike, and ``duplicate``, Int8, 1 or 0. Both are missing where a question is missing or blank.

    Raises:
        TextsiamError: the frame, a column, the model or a choice is wrong.
    """
    check_distinct(question1=question1, question2=question2)
    questions = question1, question2
    if type(frame).__module__.split(".")[0] == "pyarrow" and hasattr(frame, "column_names"):
        with extras():
            import pyarrow as pa
        _check_columns(frame.column_names, questions)
        decide = decisions(model, threshold=threshold, precision=precision, prior=prior)
        scored = _scored(frame.select(questions).to_pandas(), decide, questions)
        found = pa.Table.from_pandas(scored[[PROBABILITY, DECISION]], preserve_index=False)
        for name in (PROBABILITY, DECISION):
            frame = frame.append_column(name, found[name])
        return frame
    lazy = hasattr(frame, "map_partitions")
    if not lazy and not (hasattr(frame, "assign") and hasattr(frame, "columns")):
        raise TextsiamError(
            f"score_frame takes a frame of pandas or Dask, or an Arrow table, not {type(frame).__name__}.",
            'Make it one: pd.DataFrame(pairs, columns=["question1", "question2"]).',
        )
    _check_columns(list(frame.columns), questions)
    if not lazy:
        return _scored(frame, decisions(model, threshold=threshold, precision=precision, prior=prior), questions)
    remote = remote_decisions(model, threshold=threshold, precision=precision, prior=prior)
    return frame.map_partitions(_scored_remotely, remote, questions, meta=_with_answers(frame._meta, []))


def _check_columns(columns: list[Any], questions: tuple[str, str]) -> None:
    for number, column in enumerate(questions, 1):
        if columns.count(column) != 1:
            how = "two columns" if column in columns else "no column"
            raise TextsiamError(
                f"The frame has {how} {column!r}; it has: {listing(columns)}.", f"Name one with question{number}=…"
            )
    taken = [column for column in (PROBABILITY, DECISION) if column in columns]
    if taken:
        raise TextsiamError(f"The frame has a column {taken[0]!r} already, which scoring adds.", "Rename it.")


def _scored_remotely(frame: Any, remote: RemoteDecisions, questions: tuple[str, str]) -> Any:
    return _scored(frame, remote.load(), questions)


def _scored(frame: Any, decide: Decisions, questions: tuple[str, str]) -> Any:
    first, second = (_texts(frame[column]) for column in questions)
    pieces = [slice(start, start + CHUNK) for start in range(0, len(first), CHUNK)]
    return _with_answers(frame, [decide(first[piece], second[piece]) for piece in pieces])


def _texts(column: Any) -> list[str]:
    """Return the values of a column, "" for those that are missing."""
    texts = ["" if missing else value for value, missing in zip(column, column.isna(), strict=True)]
    for row, text in enumerate(texts, start=1):
        if not isinstance(text, str):
            raise TextsiamError(
                f"Questions are text; row {row} of column {column.name!r} has {text!r:.60} ({type(text).__name__}).",
                "Convert it.",
            )
    return texts


def _with_answers(frame: Any, answers: list[Answers]) -> Any:
    import pandas as pd

    probabilities = np.concatenate([np.empty(0), *(part.probabilities for part in answers)])
    duplicates = np.concatenate([np.empty(0, np.int8), *(part.duplicates for part in answers)], dtype=np.int8)
    decided = pd.arrays.IntegerArray(duplicates, np.isnan(probabilities))
    return frame.assign(**{PROBABILITY: probabilities, DECISION: decided})
