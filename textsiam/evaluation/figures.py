"""Held-out figures of a model: how often it decides right, how well it ranks, how well it is calibrated.

Everywhere 1 = duplicate, probabilities are of duplicate in [0, 1], and the decision is `probability >= threshold`.
A figure that the data cannot define (a ROC AUC of one class) is None, and null in JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textsiam.errors import TextsiamError
from textsiam.siamese.calibration import Floats, Integers, check_labelled, check_probabilities

ECE_BINS = 15
Booleans = NDArray[np.bool_]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Figures:
    """What a model achieves on labelled pairs, positives being duplicates.

    Attributes:
        rows: number of pairs.
        positives: number of duplicates.
        threshold: the decision is `probability >= threshold`.
        accuracy: share of right decisions.
        accuracy_interval: its 95% bootstrap interval (percentile).
        balanced_accuracy: mean of the recalls of both classes; None with one class.
        precision: share of duplicates among the pairs called duplicate; None when no pair is.
        recall: share of the duplicates called so; None without duplicates.
        f1: harmonic mean of precision and recall; None when duplicates are neither there nor called.
        mcc: Matthews correlation of label and decision, in [-1, 1]; None with one class.
        roc_auc: chance that a duplicate gets a higher probability than a non-duplicate; None with one class.
        average_precision: area under the precision-recall steps; None with one class.
        log_loss: mean negative log likelihood in nats, at least 0, lower is better.
        brier: mean squared error of the probability, lower is better.
        ece: expected calibration error over 15 bins of equal mass, see `reliability`, lower is better.
        ece_interval: its 95% bootstrap interval; it starts at 0 where chance alone explains the error.
        true_positives: duplicates called so; likewise false_positives, true_negatives and false_negatives.
    """

    rows: int
    positives: int
    threshold: float
    accuracy: float
    accuracy_interval: Interval
    balanced_accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    mcc: float | None
    roc_auc: float | None
    average_precision: float | None
    log_loss: float
    brier: float
    ece: float
    ece_interval: Interval
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    def to_dict(self) -> dict[str, Any]:
        """Return the figures ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Reliability:
    """Probabilities against outcomes, one entry a bin: mean probability, share of duplicates, pairs; and their ECE."""

    predicted: Floats
    observed: Floats
    rows: Integers
    ece: float


def evaluate(
    labels: ArrayLike, probabilities: ArrayLike, threshold: float, *, bootstrap: int = 1000, seed: int = 0
) -> Figures:
    """Measure probabilities and decisions against labels.

    Args:
        labels: (n,), 1 = duplicate, 0 = not.
        probabilities: (n,), in [0, 1].
        threshold: pairs at or above it are called duplicate.
        bootstrap: resamples behind the intervals, at least 1.
        seed: of the resampling.

    Raises:
        TextsiamError: no rows, lengths that differ, a label other than 0 and 1, or a probability outside [0, 1].
    """
    from sklearn import metrics

    truth, scores, called = check_answers(labels, probabilities, threshold)
    (tn, fp), (fn, tp) = metrics.confusion_matrix(truth, called, labels=[0, 1]).tolist()
    both = 0 < tp + fn < truth.size
    accuracy_interval, ece_interval = _intervals(truth, scores, called, bootstrap, seed)
    return Figures(
        **decision_figures(truth, scores, called),
        threshold=float(threshold),
        accuracy_interval=accuracy_interval,
        balanced_accuracy=float(metrics.balanced_accuracy_score(truth, called)) if both else None,
        mcc=float(metrics.matthews_corrcoef(truth, called)) if both else None,
        average_precision=float(metrics.average_precision_score(truth, scores)) if both else None,
        log_loss=float(metrics.log_loss(truth, scores, labels=[0, 1])),
        brier=float(np.mean((scores - truth) ** 2)),
        ece=reliability(truth, scores).ece,
        ece_interval=ece_interval,
        true_positives=tp,
        false_positives=fp,
        true_negatives=tn,
        false_negatives=fn,
    )


def decision_figures(labels: Integers, scores: Floats, called: Booleans) -> dict[str, Any]:
    """Return the figures of any scores and decisions, of probabilities as of distances, by their names in `Figures`.

    >>> figures = decision_figures(np.array([1, 1, 0, 0]), np.array([-1, -4, -3, -9]), np.array([True] * 3 + [False]))
    >>> figures["rows"], figures["accuracy"], figures["recall"], figures["roc_auc"]
    (4, 0.75, 1.0, 0.75)

    Args:
        labels: (n,), 1 = duplicate or same, 0 = not; n >= 1.
        scores: (n,), higher = more alike.
        called: (n,), the decisions.

    Returns:
        rows, positives, accuracy, precision, recall, f1 and roc_auc.
    """
    from sklearn import metrics

    positives = int(labels.sum())
    return {
        "rows": labels.size,
        "positives": positives,
        "accuracy": float(metrics.accuracy_score(labels, called)),
        "precision": defined(metrics.precision_score(labels, called, zero_division=np.nan)),
        "recall": defined(metrics.recall_score(labels, called, zero_division=np.nan)),
        "f1": defined(metrics.f1_score(labels, called, zero_division=np.nan)),
        "roc_auc": float(metrics.roc_auc_score(labels, scores)) if 0 < positives < labels.size else None,
    }


def reliability(labels: ArrayLike, probabilities: ArrayLike) -> Reliability:
    """Compare probabilities with outcomes in 15 bins of equal mass; `labels` and `probabilities` as for `evaluate`.

    The bins end at the quantiles of the probabilities: n/15 pairs each but for ties, since equal probabilities share a
    bin. `ece = Σ rows/n · |predicted - observed|` (Naeini et al. 2015; equal mass after Nixon et al. 2019).
    """
    truth, scores, _ = check_answers(labels, probabilities, 0.5)
    bins = _bins(scores)
    rows = np.bincount(bins)
    held = rows > 0
    predicted, observed = (np.bincount(bins, values)[held] / rows[held] for values in (scores, truth))
    ece = float(np.average(np.abs(predicted - observed), weights=rows[held]))
    return Reliability(predicted, observed, rows[held], ece)


def wilson_interval(share: ArrayLike, rows: ArrayLike) -> tuple[Floats, Floats]:
    """Return the 95% interval of a share that was seen in so many rows (Wilson 1927).

    Args:
        share: any shape, in [0, 1].
        rows: of the same shape, at least 1.

    Returns:
        Lower and upper end, in [0, 1].
    """
    observed, count = np.asarray(share, np.float64), np.asarray(rows)
    z = 1.959964
    centre = (observed + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(observed * (1 - observed) / count + z**2 / (4 * count**2))
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def check_answers(labels: ArrayLike, probabilities: ArrayLike, threshold: float) -> tuple[Integers, Floats, Booleans]:
    """Return labels, probabilities and decisions, all (n,), n >= 1.

    Raises:
        TextsiamError: no rows, lengths that differ, a label other than 0 and 1, or a probability outside [0, 1].
    """
    scores, truth = check_labelled(check_probabilities(probabilities), labels)
    return truth, scores, scores >= threshold


def check_lengths(rows: int, **columns: Any) -> None:
    """Demand of columns, given by name, as many rows as there are labels.

    Raises:
        TextsiamError: one has more or fewer.
    """
    for name, column in columns.items():
        if len(column) != rows:
            raise TextsiamError(f"{name} has {len(column)} rows where the labels have {rows}.", "Give one a label.")


def defined(value: float) -> float | None:
    """Return a figure, None where the data cannot define it (NaN)."""
    return None if np.isnan(value) else float(value)


def _bins(scores: Floats) -> Integers:
    edges = np.quantile(scores, np.arange(1, ECE_BINS) / ECE_BINS)
    return np.searchsorted(edges, scores, side="right")


def _intervals(truth: Integers, scores: Floats, called: Booleans, draws: int, seed: int) -> tuple[Interval, Interval]:
    """Return 95% bootstrap intervals of accuracy and ECE.

    Resampling adds noise to an error that cannot be negative, so the ECE's percentiles lie too high. Its upper end is
    one, on the safe side; its lower end takes off the 97.5% quantile of that noise, `Σ rows/n · |gap* - gap|`.
    """
    random = np.random.default_rng(seed)
    bins, residuals, right = _bins(scores), (scores - truth) / truth.size, (called == truth) / truth.size
    accuracies, gaps = np.empty(draws), np.empty((draws, ECE_BINS))
    for index in range(draws):
        weights = np.bincount(random.integers(truth.size, size=truth.size), minlength=truth.size)
        accuracies[index] = weights @ right
        gaps[index] = np.bincount(bins, weights * residuals, minlength=ECE_BINS)
    gap = np.bincount(bins, residuals, minlength=ECE_BINS)
    noise = np.quantile(np.abs(gaps - gap).sum(axis=1), 0.975)
    lowest, highest = np.quantile(accuracies, (0.025, 0.975)).tolist()
    error = max(0.0, float(np.abs(gap).sum() - noise)), float(np.quantile(np.abs(gaps).sum(axis=1), 0.975))
    return (lowest, highest), error
