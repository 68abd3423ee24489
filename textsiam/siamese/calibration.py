"""Probabilities that mean what they say.

Scores are logits, probabilities are of "duplicate"; in both, higher = more alike. Applying a calibration needs NumPy
alone: scikit-learn is imported by the functions that fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textsiam.errors import TextsiamError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_Fit = Callable[[Floats, Integers], "Calibration"]

_KINDS = ("identity", "platt", "isotonic")
_LARGEST_LOGIT = 36.0  # the sigmoid of 37 is 1.0 in float64


@dataclass(frozen=True)
class Calibration:
    """A non-decreasing map from scores (any real number) to probabilities of duplicate in (0, 1).

    >>> Calibration("platt", slope=2.0, intercept=-1.0)([0.0, 0.5, 1.0]).round(3).tolist()
    [0.269, 0.5, 0.731]

    "identity" is ``sigmoid(score)``; "platt" is ``sigmoid(slope * score + intercept)`` with a slope >= 0; "isotonic"
    draws straight lines between knots, ``scores`` strictly increasing and ``probabilities`` in (0, 1) not decreasing,
    and is constant outside them. Parameters that break these rules raise TextsiamError.
    """

    kind: str
    slope: float = 1.0
    intercept: float = 0.0
    scores: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise TextsiamError(f"A calibration is one of {', '.join(_KINDS)}; received {self.kind!r:.40}.")
        if not (np.isfinite([self.slope, self.intercept]).all() and self.slope >= 0):
            raise TextsiamError(
                f"A calibration has a finite slope of at least 0; received {self.slope}, {self.intercept}."
            )
        x, y = self._knots
        if x.shape != y.shape or (self.kind == "isotonic") != (x.size > 0):
            raise TextsiamError(
                f"An isotonic calibration has pairs of score and probability; received {x.size}, {y.size}."
            )
        rising = np.isfinite(x).all() and (np.diff(x) > 0).all() and (np.diff(y) >= 0).all()
        if x.size and not (rising and 0 < y[0] <= y[-1] < 1):
            raise TextsiamError(
                "The knots of an isotonic calibration rise: finite scores, and probabilities between 0 and 1."
            )

    @cached_property
    def _knots(self) -> tuple[Floats, Floats]:
        return np.asarray(self.scores, np.float64), np.asarray(self.probabilities, np.float64)

    def __call__(self, scores: ArrayLike) -> Floats:
        """Return the probabilities of duplicate, float64 in (0, 1), in the shape of ``scores``."""
        values = np.asarray(scores, np.float64)
        if self.kind == "isotonic":
            return np.asarray(np.interp(values, *self._knots))
        logits = np.clip(self.slope * values + self.intercept, -_LARGEST_LOGIT, _LARGEST_LOGIT)
        return np.asarray(1 / (1 + np.exp(-logits)))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> Calibration:
        """Rebuild a calibration from ``to_dict``; raise TextsiamError when the values are damaged or foreign."""
        try:
            numbers = float(values["slope"]), float(values["intercept"])
            knots = tuple(map(float, values["scores"])), tuple(map(float, values["probabilities"]))
            kind = values["kind"]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise TextsiamError(f"This is no calibration: {values!r:.80}.") from error
        return cls(kind, *numbers, *knots)


def fit_calibration(scores: ArrayLike, labels: ArrayLike, method: str = "auto", seed: int = 0) -> Calibration:
    """Fit a calibration, best on data that the model was not trained on.

    Platt (1999, "Probabilistic outputs for support vector machines"): logistic regression of the label on the score,
    the labels smoothed to (n₊ + 1)/(n₊ + 2) and 1/(n₋ + 2), the slope held at 0 or above. Isotonic (Zadrozny & Elkan
    2002): non-decreasing least squares, kept in [1/(n + 2), 1 - 1/(n + 2)] so that the log loss stays finite, each
    level at the mean of its scores (Oron & Flournoy 2017, "Centered isotonic regression"). So there are no steps:
    scores that differ by rounding alone get probabilities that do so too.

    Args:
        scores: (n,), finite, higher = more alike.
        labels: (n,), 1 = duplicate, 0 = not.
        method: "platt", "isotonic", or "auto": the lower log loss in stratified 5-fold cross-validation (as many folds
            as the rarer class has examples where those are fewer; Platt where there is one).
        seed: of the shuffle into folds.

    Raises:
        TextsiamError: unknown method, lengths that differ, scores that are not finite, or one class only.
    """
    fits = {"platt": _fit_platt, "isotonic": _fit_isotonic}
    if method not in ("auto", *fits):
        raise TextsiamError(f"There is no calibration method {method!r:.40}; there are: auto, platt, isotonic.")
    values, targets = check_labelled(scores, labels, both_classes=True)
    folds = min(5, int(np.bincount(targets).min()))
    if method == "auto" and folds > 1:
        method = min(fits, key=lambda name: _cross_validated_loss(fits[name], values, targets, folds, seed))
    return fits.get(method, _fit_platt)(values, targets)


def calibrated_log_loss(scores: ArrayLike, labels: ArrayLike) -> float:
    """Return the log loss of the probabilities that Platt's calibration, fitted on these same pairs, makes of scores.

    It tells how well the scores separate, whatever their scale: the measure of a network that is calibrated afterwards.

    Args:
        scores: (n,), finite, higher = more alike.
        labels: (n,), 1 = duplicate, 0 = not.

    Raises:
        TextsiamError: as ``fit_calibration``.
    """
    from sklearn.metrics import log_loss

    return float(log_loss(labels, fit_calibration(scores, labels, "platt")(scores)))


def prior_shift(probabilities: ArrayLike, from_prior: float, to_prior: float) -> Floats:
    """Move probabilities from one share of duplicates to another, by Bayes' rule.

    ``p' = p·t/f / (p·t/f + (1 - p)·(1 - t)/(1 - f))`` with f = ``from_prior``, t = ``to_prior``; exact where the
    classes look as before and only their shares change (Saerens, Latinne & Decaestecker 2002, equation 2.4).

    >>> prior_shift([0.75], from_prior=0.5, to_prior=0.2).round(3).tolist()
    [0.429]

    Args:
        probabilities: any shape, in [0, 1].
        from_prior: share of duplicates where the probabilities were calibrated, in (0, 1).
        to_prior: share of duplicates where they will be used, in (0, 1).

    Raises:
        TextsiamError: a probability outside [0, 1] or a prior outside (0, 1).
    """
    if not (0 < from_prior < 1 and 0 < to_prior < 1):
        raise TextsiamError(f"A prior lies between 0 and 1; received {from_prior} and {to_prior}.")
    values = check_probabilities(probabilities)
    duplicate, different = values * to_prior / from_prior, (1 - values) * (1 - to_prior) / (1 - from_prior)
    return np.asarray(duplicate / (duplicate + different))


def check_labelled(values: ArrayLike, labels: ArrayLike, *, both_classes: bool = False) -> tuple[Floats, Integers]:
    """Return finite values as float64 and 0/1 labels as int64, both (n,), n >= 1; raise TextsiamError otherwise."""
    numbers, targets = np.asarray(values, np.float64), np.asarray(labels)
    if numbers.ndim != 1 or numbers.shape != targets.shape or numbers.size == 0:
        raise TextsiamError(
            f"There is one label for each of n rows, at least one; received {targets.shape} for {numbers.shape}."
        )
    if not np.isfinite(numbers).all():
        raise TextsiamError(f"Row {np.argmin(np.isfinite(numbers))} (from 0) has no finite score.")
    if not np.isin(targets, (0, 1)).all():
        raise TextsiamError(f"Labels are 1 (duplicate) or 0; received {targets[~np.isin(targets, (0, 1))][0]!r:.40}.")
    if both_classes and (targets == targets[0]).all():
        raise TextsiamError(f"Both labels are needed; all {targets.size} are {targets[0]}.")
    return numbers, targets.astype(np.int64)


def check_probabilities(probabilities: ArrayLike) -> Floats:
    """Return probabilities as float64; raise TextsiamError when one lies outside [0, 1]."""
    values = np.asarray(probabilities, np.float64)
    outside = ~((values >= 0) & (values <= 1))
    if outside.any():
        raise TextsiamError(f"Probabilities lie in [0, 1]; received {values[outside][0]}.")
    return values


def _fit_platt(scores: Floats, labels: Integers) -> Calibration:
    from sklearn.linear_model import LogisticRegression

    negatives, positives = np.bincount(labels)
    soft = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    centre, scale = scores.mean(), scores.std() or 1.0
    # A soft label t is one example of class 1 with weight t and one of class 0 with weight 1 - t.
    rows = np.tile((scores - centre) / scale, 2)[:, np.newaxis]
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    model.fit(rows, np.repeat([1, 0], labels.size), sample_weight=np.concatenate([soft, 1 - soft]))
    slope = float(model.coef_[0, 0] / scale)
    if slope < 0:  # the loss is convex: the best slope >= 0 is 0, and then the best probability is the mean
        return Calibration("platt", 0.0, float(np.log(soft.mean() / (1 - soft.mean()))))
    return Calibration("platt", slope, float(model.intercept_[0] - slope * centre))


def _fit_isotonic(scores: Floats, labels: Integers) -> Calibration:
    from sklearn.isotonic import IsotonicRegression

    edge = 1 / (labels.size + 2)
    fitted = IsotonicRegression(y_min=edge, y_max=1 - edge).fit_transform(scores, labels.astype(np.float64))
    levels, level = np.unique(fitted, return_inverse=True)
    centres = np.bincount(level, scores) / np.bincount(level)
    return Calibration("isotonic", 1.0, 0.0, tuple(centres.tolist()), tuple(levels.tolist()))


def _cross_validated_loss(fit: _Fit, scores: Floats, labels: Integers, folds: int, seed: int) -> float:
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold

    held_out = np.empty_like(scores)
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(scores, labels):
        held_out[test] = fit(scores[train], labels[train])(scores[test])
    return float(log_loss(labels, held_out))
