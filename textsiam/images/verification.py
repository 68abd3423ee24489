"""How well distances tell same pairs from different ones: the threshold, the figures, one-shot accuracy."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textsiam.errors import TextsiamError
from textsiam.evaluation.figures import decision_figures
from textsiam.siamese.calibration import Floats, check_labelled


@dataclass(frozen=True)
class Verdicts:
    """What a model says of pairs of images.

    Attributes:
        same: (n,), bool: the distance is at most the threshold.
        distances: (n,), at least 0.
        probabilities: (n,), that both show the same, in (0, 1); None where the model is not calibrated.
    """

    same: NDArray[np.bool_]
    distances: NDArray[np.float32]
    probabilities: NDArray[np.float64] | None


@dataclass(frozen=True)
class VerificationFigures:
    """What distances achieve on labelled pairs; a pair is called same where `distance <= threshold`.

    Attributes:
        rows: number of pairs.
        positives: how many of them are the same.
        threshold: see above.
        accuracy: share of right verdicts, in [0, 1], as all shares here.
        precision: share of same pairs among those called same; None when none is.
        recall: share of the same pairs called so; None without same pairs.
        f1: harmonic mean of both; None when same pairs are neither there nor called.
        roc_auc: chance that a same pair is closer than a different one; None with one label only.
        loss: the mean training loss of the pairs; None for triplets.
        mean_same: mean distance of the same pairs; None without.
        mean_different: mean distance of the different pairs; None without.
    """

    rows: int
    positives: int
    threshold: float
    accuracy: float
    precision: float | None
    recall: float | None
    f1: float | None
    roc_auc: float | None
    loss: float | None
    mean_same: float | None
    mean_different: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures ready for JSON."""
        return asdict(self)


def verification_figures(
    distances: ArrayLike, same: ArrayLike, threshold: float, loss: float | None = None
) -> VerificationFigures:
    """Measure distances against labels.

    Args:
        distances: (n,), at least 0.
        same: (n,), 1 = same, 0 = different.
        threshold: largest distance of a pair that is called same.
        loss: mean loss of the pairs, if there is one.

    Raises:
        TextsiamError: no pairs, lengths that differ, a distance that is not finite, or a label other than 0 and 1.
    """
    values, truth = check_labelled(distances, same)
    return VerificationFigures(
        **decision_figures(truth, -values, values <= threshold),
        threshold=float(threshold),
        loss=loss,
        mean_same=_mean(values[truth == 1]),
        mean_different=_mean(values[truth == 0]),
    )


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None


def one_shot_accuracy(embeddings: ArrayLike, labels: ArrayLike) -> float:
    """Return how often the nearest of one image a class is of the right class; each image is once that of its class.

    Nearest is by Euclidean distance. The classes have m images each (of a larger class the first m count). In round s
    the s-th image of each class is enrolled and all the others are asked for (Lake, Salakhutdinov and Tenenbaum 2015,
    with all classes as the ways).

    Args:
        embeddings: (n, d).
        labels: (n,), the class of each: the number of distinct ones is the number of ways.

    Raises:
        TextsiamError: there are no two classes of two images.
    """
    vectors, classes = np.asarray(embeddings, np.float64), np.asarray(labels)
    names, of, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    shots = int(sizes.min())
    if len(names) < 2 or shots < 2:
        raise TextsiamError(
            f"One-shot needs two classes of two images each; got {len(names)}, the smallest of {shots}."
        )
    members = np.stack([np.flatnonzero(of == number)[:shots] for number in range(len(names))])
    squares = np.einsum("nd,nd->n", vectors, vectors)
    table = squares[:, None] + squares[None] - 2 * vectors @ vectors.T
    right = []
    for shot in range(shots):
        asked = np.delete(members, shot, axis=1)
        nearest = table[asked.ravel()][:, members[:, shot]].argmin(axis=1)
        right.append(nearest == of[asked.ravel()])
    return float(np.mean(right))
