"""The most confident mistakes of a model: pairs far on the wrong side of the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from textsiam.evaluation.figures import Booleans, check_answers, check_lengths


@dataclass(frozen=True)
class Mistake:
    """A pair on the wrong side of the threshold; `row` is its position from 0."""

    row: int
    question1: str
    question2: str
    probability: float


@dataclass(frozen=True)
class Mistakes:
    """Wrong decisions, the most confident first: pairs wrongly called duplicate, and duplicates missed."""

    false_positives: tuple[Mistake, ...]
    false_negatives: tuple[Mistake, ...]


def most_confident_mistakes(
    question1: Sequence[str],
    question2: Sequence[str],
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    *,
    count: int = 20,
) -> Mistakes:
    """Collect the wrong decisions furthest from their label, at most `count` a side, ties in order of rows.

    Args:
        question1: n strings.
        question2: n strings.
        labels: (n,), 1 = duplicate, 0 = not.
        probabilities: (n,), in [0, 1].
        threshold: pairs at or above it are called duplicate.
        count: mistakes kept on each side.
    """
    truth, scores, called = check_answers(labels, probabilities, threshold)
    check_lengths(truth.size, question1=question1, question2=question2)
    first, second = np.asarray(question1, dtype=object), np.asarray(question2, dtype=object)

    def worst(wrong: Booleans) -> tuple[Mistake, ...]:
        rows = np.flatnonzero(wrong)
        rows = rows[np.argsort(-np.abs(scores - truth)[rows], kind="stable")][:count]
        return tuple(Mistake(int(row), first[row], second[row], float(scores[row])) for row in rows)

    return Mistakes(worst(called & (truth == 0)), worst(~called & (truth == 1)))
