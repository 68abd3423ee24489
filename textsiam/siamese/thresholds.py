"""The threshold that turns scores into decisions: of probabilities, and of distances."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from textsiam.errors import TextsiamError
from textsiam.siamese.calibration import Floats, check_labelled, check_probabilities


@dataclass(frozen=True)
class Threshold:
    """The rule "duplicate when probability >= value", and what it achieves on the pairs that chose it, all in [0, 1].

    ``precision`` is None when no pair reaches the threshold.
    """

    value: float
    objective: str
    accuracy: float
    precision: float | None
    recall: float
    f1: float


def choose_threshold(
    probabilities: ArrayLike, labels: ArrayLike, objective: str = "accuracy", precision: float | None = None
) -> Threshold:
    """Choose the threshold that serves an objective best.

    Candidates lie midway between neighbouring distinct probabilities; one below accepts every pair, one above (unless
    a probability is 1) none. Among equally good ones the nearest to 0.5 wins, then the lower.

    >>> choose_threshold([0.2, 0.4, 0.6, 0.8], [0, 0, 1, 1]).value
    0.5

    Args:
        probabilities: (n,) in [0, 1].
        labels: (n,), 1 = duplicate, 0 = not.
        objective: "accuracy", "f1", or "precision": the highest recall with at least ``precision`` (at equal recall,
            the highest precision).
        precision: wanted precision in (0, 1], for that objective only.

    Raises:
        TextsiamError: invalid arguments, one class only, or a precision out of reach.
    """
    if objective not in ("accuracy", "f1", "precision"):
        raise TextsiamError(f"There is no objective {objective!r:.40}; there are: accuracy, f1, precision.")
    wanted = 1.0 if precision is None else precision
    if (objective == "precision") != (precision is not None) or not 0 < wanted <= 1:
        raise TextsiamError(
            f"The objective 'precision', and no other, takes a precision in (0, 1]; received {precision}.",
            "Give precision=… or another objective.",
        )
    values, targets = check_labelled(check_probabilities(probabilities), labels, both_classes=True)

    distinct, groups, counts = np.unique(values, return_inverse=True, return_counts=True)
    low, high = np.append(0.0, distinct), np.append(distinct, 1.0)
    middle = (low + high) / 2
    candidates = np.where(middle > low, middle, high)  # no float lies between two neighbours
    accepted = values.size - np.append(0, np.cumsum(counts))
    hits = targets.sum() - np.append(0, np.cumsum(np.bincount(groups, weights=targets)))
    if distinct[-1] == 1:
        candidates, accepted, hits = candidates[:-1], accepted[:-1], hits[:-1]

    accuracy = (np.sum(1 - targets) - accepted + 2 * hits) / values.size
    exact, recall, f1 = hits / np.maximum(accepted, 1), hits / targets.sum(), 2 * hits / (accepted + targets.sum())
    keys = {"accuracy": [accuracy], "f1": [f1], "precision": [exact, recall, exact >= wanted]}[objective]
    best = np.lexsort((-candidates, -np.abs(candidates - 0.5), *keys))[-1]
    if objective == "precision" and exact[best] < wanted:
        raise TextsiamError(
            f"No threshold reaches precision {wanted:g}; the best reachable is {exact.max():.4f}.",
            "Give a lower precision=…",
        )
    precise = exact[best].item() if accepted[best] else None
    return Threshold(
        candidates[best].item(), objective, accuracy[best].item(), precise, recall[best].item(), f1[best].item()
    )


def precision_ladder(probabilities: ArrayLike, labels: ArrayLike) -> list[tuple[float, float]]:
    """Return (precision, threshold) for every percent of precision that can be reached, rising.

    Each threshold has the highest recall with at least that precision, see ``choose_threshold``.

    Args:
        probabilities: (n,) in [0, 1].
        labels: (n,), 1 = duplicate, 0 = not; both occur.
    """
    ladder = []
    for percent in range(1, 101):
        try:
            threshold = choose_threshold(probabilities, labels, "precision", percent / 100)
        except TextsiamError:
            break
        ladder.append((percent / 100, threshold.value))
    return ladder


def check_threshold(threshold: Any) -> float:
    """Return a threshold that is a number in [0, 1].

    Raises:
        TextsiamError: it is not.
    """
    if not isinstance(threshold, (int, float, np.number)) or not 0 <= threshold <= 1:
        raise TextsiamError(f"A threshold is a probability, not {threshold!r:.40}.", "Give threshold=… in [0, 1].")
    return float(threshold)


def choose_distance(distances: ArrayLike, same: ArrayLike, scale: float) -> float:
    """Return the threshold of the highest accuracy; of equally good ones that nearest the scale.

    Candidates lie between neighbouring distances.

    Args:
        distances: (n,), at least 0, of pairs that the network was not trained on.
        same: (n,), 1 = same, 0 = different; both occur.
        scale: a distance as it is usual at the border, above 0: half the margin.

    Raises:
        TextsiamError: see ``choose_threshold``.
    """
    values, truth = check_labelled(distances, same, both_classes=True)
    chosen = choose_threshold(_likeness(values, scale), truth).value
    return float(scale / chosen - scale) if chosen > 0 else float(values.max()) + scale


def _likeness(distances: Floats, scale: float) -> Floats:
    return scale / (scale + distances)  # falls from 1 at distance 0, is 0.5 at the scale
