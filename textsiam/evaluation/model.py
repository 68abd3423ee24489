"""All that is measured of a model on labelled pairs: figures, slices, mistakes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from textsiam.evaluation.behaviour import Answers
from textsiam.evaluation.figures import Figures, evaluate
from textsiam.evaluation.mistakes import Mistakes, most_confident_mistakes
from textsiam.evaluation.slices import Slice, Tokens, slices
from textsiam.text.tokenise import Tokenizer


@dataclass(frozen=True)
class Evaluation:
    """All that is known about a model on labelled pairs."""

    figures: Figures
    slices: tuple[Slice, ...]
    mistakes: Mistakes

    def to_dict(self) -> dict[str, Any]:
        """Return everything ready for JSON."""
        return asdict(self)


def evaluate_pairs(
    question1: Sequence[str],
    question2: Sequence[str],
    tokens1: Tokens,
    tokens2: Tokens,
    *,
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    seen: ArrayLike | None = None,
) -> Evaluation:
    """Bundle `evaluate`, `slices` and `most_confident_mistakes`, whose arguments these are; all of n rows."""
    return Evaluation(
        evaluate(labels, probabilities, threshold),
        tuple(slices(tokens1, tokens2, labels, probabilities, threshold, seen=seen)),
        most_confident_mistakes(question1, question2, labels, probabilities, threshold),
    )


def evaluate_model(
    model: Answers,
    question1: Sequence[str],
    question2: Sequence[str],
    labels: ArrayLike,
    *,
    known: Collection[str] | None = None,
    probabilities: ArrayLike | None = None,
) -> Evaluation:
    """Measure a model on labelled pairs.

    Args:
        model: the trained model.
        question1: n strings.
        question2: n strings.
        labels: (n,), 1 = duplicate, 0 = not.
        known: the questions that the model learned from, for slices by how many of a pair it has seen.
        probabilities: (n,), what the model says of the pairs, in [0, 1]; None: it is asked.

    Returns:
        Figures, slices and the most confident mistakes.

    Raises:
        TextsiamError: no pairs, lengths that differ, or a label other than 0 and 1.
    """
    tokens = Tokenizer()
    return evaluate_pairs(
        question1,
        question2,
        [tokens(text) for text in question1],
        [tokens(text) for text in question2],
        labels=labels,
        probabilities=model.probabilities(question1, question2) if probabilities is None else probabilities,
        threshold=model.threshold,
        seen=None if known is None else _seen(question1, question2, known),
    )


def _seen(question1: Sequence[str], question2: Sequence[str], known: Collection[str]) -> np.ndarray:
    """Return how many of each pair's questions are known: (n,) of 0, 1 and 2."""
    return np.array([(a in known) + (b in known) for a, b in zip(question1, question2, strict=True)])
