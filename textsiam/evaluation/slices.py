"""The figures of parts of the pairs, where duplicate detectors differ: by length, overlap, negation, numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from textsiam.evaluation.figures import Booleans, check_answers, check_lengths, defined
from textsiam.siamese.calibration import Floats, Integers
from textsiam.text.characters import has_digit
from textsiam.text.contractions import NEGATIONS

Tokens = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Slice:
    """The figures of a part of the pairs; all but `rows` are None where the part cannot define them."""

    name: str
    rows: int
    duplicates: float | None
    accuracy: float | None
    f1: float | None
    roc_auc: float | None
    log_loss: float | None


def slices(
    tokens1: Tokens,
    tokens2: Tokens,
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    *,
    seen: ArrayLike | None = None,
) -> list[Slice]:
    """Measure the parts of the pairs where duplicate detectors differ: always the same slices, empty ones too.

    They go by length (tokens of the longer question), word overlap (Jaccard index of the token sets, 1 for two empty
    questions), negation in one question only, numbers (tokens with a digit) that differ and, given `seen`, training.

    Args:
        tokens1: n lists of tokens, as `Tokenizer` gives them.
        tokens2: n lists of tokens, likewise.
        labels: (n,), 1 = duplicate, 0 = not.
        probabilities: (n,), in [0, 1].
        threshold: pairs at or above it are called duplicate.
        seen: (n,), how many of the pair's questions stand in the training data: 0, 1 or 2.
    """
    truth, scores, called = check_answers(labels, probabilities, threshold)
    check_lengths(truth.size, tokens1=tokens1, tokens2=tokens2)
    sets = list(zip(map(frozenset, tokens1), map(frozenset, tokens2), strict=True))
    length = np.maximum([*map(len, tokens1)], [*map(len, tokens2)])
    overlap = np.array([_jaccard(first, second) for first, second in sets])
    masks = {
        "Up to 8 tokens": length <= 8,
        "9 to 12 tokens": (length > 8) & (length <= 12),
        "13 to 20 tokens": (length > 12) & (length <= 20),
        "More than 20 tokens": length > 20,
        "Word overlap below 0.25": overlap < 0.25,
        "Word overlap 0.25 to 0.5": (overlap >= 0.25) & (overlap < 0.5),
        "Word overlap 0.5 to 0.75": (overlap >= 0.5) & (overlap < 0.75),
        "Word overlap 0.75 and above": overlap >= 0.75,
        "Negation in one question only": np.array([_negated(first) != _negated(second) for first, second in sets]),
        "Different numbers": np.array([_numbers(first) != _numbers(second) for first, second in sets]),
    }
    if seen is not None:
        known = np.asarray(seen)
        check_lengths(truth.size, seen=known)
        which = ("Neither question", "One question", "Both questions")
        masks |= {f"{questions} seen in training": known == count for count, questions in enumerate(which)}
    return [_slice(name, truth[mask], scores[mask], called[mask]) for name, mask in masks.items()]


def _slice(name: str, truth: Integers, scores: Floats, called: Booleans) -> Slice:
    from sklearn import metrics

    if truth.size == 0:
        return Slice(name, 0, None, None, None, None, None)
    f1 = metrics.f1_score(truth, called, zero_division=np.nan)
    roc_auc = metrics.roc_auc_score(truth, scores) if 0 < truth.sum() < truth.size else np.nan
    log_loss = float(metrics.log_loss(truth, scores, labels=[0, 1]))
    duplicates, accuracy = float(truth.mean()), float(np.mean(called == truth))
    return Slice(name, truth.size, duplicates, accuracy, defined(f1), defined(roc_auc), log_loss)


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / len(first | second) if first or second else 1.0


def _negated(tokens: frozenset[str]) -> bool:
    return not NEGATIONS.isdisjoint(tokens)


def _numbers(tokens: frozenset[str]) -> set[str]:
    return set(filter(has_digit, tokens))
