"""Losses on distances and embeddings: pure functions first, thin Keras classes over them."""

from typing import Any

import keras
from keras import ops

from textsiam.errors import TextsiamError
from textsiam.siamese.measures import Array, euclidean_distance

CONTRASTIVE_FORMS = ("distance", "squared")
MINING = ("all", "semihard", "hard")
_FAR = 1e9  # takes a pair out of a minimum; taken off, out of a maximum


def contrastive_loss(y_true: Array, distance: Array, margin: float = 1.0, form: str = "distance") -> Array:
    """Return the contrastive loss, pair by pair.

    Label 1 = same. Same pairs are pulled together, different ones pushed apart until the margin.

    Form "distance": y·d² + (1 − y)·max(m − d, 0)² (Hadsell, Chopra and LeCun 2006, equation 4, without the factor ½
    and with the label turned round). Form "squared": y·d² + (1 − y)·max(m² − d², 0), found in several published
    recipes; its push on different pairs is proportional to d, so it lets go of those that lie closest together.

    >>> loss = contrastive_loss([1.0, 0.0, 0.0], [0.5, 0.5, 2.0], margin=1.0)
    >>> [float(value) for value in loss]
    [0.25, 0.25, 0.0]

    Args:
        y_true: (n,) or (n, 1), 1 = same, 0 = different.
        distance: (n, 1) or (n,), Euclidean distance, at least 0.
        margin: distance beyond which different pairs cost nothing, above 0.
        form: see above.

    Returns:
        (n,), at least 0.

    Raises:
        TextsiamError: there is no such form.
    """
    if form not in CONTRASTIVE_FORMS:
        raise TextsiamError(f"There is no contrastive form {form!r}; there are: {', '.join(CONTRASTIVE_FORMS)}.")
    distance = ops.reshape(ops.convert_to_tensor(distance), (-1,))
    y_true = ops.cast(ops.reshape(ops.convert_to_tensor(y_true), (-1,)), distance.dtype)
    together = y_true * ops.square(distance)
    if form == "squared":
        return together + (1 - y_true) * ops.maximum(margin * margin - ops.square(distance), 0)
    return together + (1 - y_true) * ops.square(ops.maximum(margin - distance, 0))


def triplet_loss(anchor: Array, positive: Array, negative: Array, margin: float = 1.0, squared: bool = False) -> Array:
    """Return max(d(a, p) − d(a, n) + m, 0), triplet by triplet.

    d is the Euclidean distance, or its square (Schroff, Kalenichenko and Philbin 2015, equation 3).

    >>> anchor, positive, negative = (ops.array([point]) for point in ([0.0, 0.0], [3.0, 4.0], [0.0, 5.5]))
    >>> loss = triplet_loss(anchor, positive, negative, margin=1.0)
    >>> [float(value) for value in loss]
    [0.5]

    Args:
        anchor: (n, d) embeddings.
        positive: (n, d), of the anchor's class.
        negative: (n, d), of another class.
        margin: by how much the negative is to be farther than the positive, above 0.
        squared: compare squared distances.

    Returns:
        (n,), at least 0.
    """
    near, far = _distance(anchor, positive, squared), _distance(anchor, negative, squared)
    return ops.maximum(near - far + margin, 0)


def mined_triplet_loss(
    labels: Array, embeddings: Array, margin: float = 1.0, mining: str = "semihard", squared: bool = False
) -> Array:
    """Return the mean loss of triplets that are found within a batch.

    Mining:
        "all": every triplet; the mean is over those that cost something (Hermans, Beyer and Leibe 2017, "batch all").
        "semihard": for every anchor and positive, the nearest negative that is farther than the positive, or the
            farthest negative where none is (Schroff, Kalenichenko and Philbin 2015).
        "hard": for every anchor, the farthest positive and the nearest negative (Hermans et al., "batch hard").

    A batch without a triplet costs 0.

    Args:
        labels: (n,) or (n, 1), the class of each item, integers.
        embeddings: (n, d).
        margin: see ``triplet_loss``.
        mining: see above.
        squared: compare squared distances.

    Returns:
        A scalar, at least 0.

    Raises:
        TextsiamError: there is no such mining.
    """
    if mining not in MINING:
        raise TextsiamError(f"There is no mining {mining!r}; there are: {', '.join(MINING)}.")
    labels = ops.reshape(ops.convert_to_tensor(labels), (-1,))
    distances = _distance(embeddings[:, None], embeddings[None], squared)
    same = ops.equal(labels[:, None], labels[None])
    negative = ops.logical_not(same)
    positive = ops.logical_and(same, ops.logical_not(ops.eye(ops.shape(labels)[0], dtype="bool")))

    if mining == "all":
        losses = ops.maximum(distances[:, :, None] - distances[:, None, :] + margin, 0)
        valid = ops.logical_and(positive[:, :, None], negative[:, None, :])
        return _mean(losses, ops.logical_and(valid, losses > 0))
    apart = ops.where(negative, distances, _FAR)
    if mining == "hard":
        farthest = ops.max(ops.where(positive, distances, -_FAR), axis=1)
        valid = ops.logical_and(ops.any(positive, axis=1), ops.any(negative, axis=1))
        return _mean(ops.maximum(farthest - ops.min(apart, axis=1) + margin, 0), valid)
    farther = ops.logical_and(negative[:, None, :], distances[:, None, :] > distances[:, :, None])
    nearest_farther = ops.min(ops.where(farther, distances[:, None, :], _FAR), axis=2)
    farthest = ops.max(ops.where(negative, distances, -_FAR), axis=1)[:, None]
    chosen = ops.where(ops.any(farther, axis=2), nearest_farther, farthest)
    valid = ops.logical_and(positive, ops.any(negative, axis=1)[:, None])
    return _mean(ops.maximum(distances - chosen + margin, 0), valid)


def _distance(u: Array, v: Array, squared: bool) -> Array:
    if squared:
        return ops.sum(ops.square(u - v), axis=-1)
    return ops.squeeze(euclidean_distance(u, v, ops), axis=-1)


def _mean(values: Array, valid: Array) -> Array:
    """Mean of the valid values, 0 where there are none; the others get no gradient."""
    total = ops.sum(ops.where(valid, values, 0))
    return total / ops.maximum(ops.sum(ops.cast(valid, values.dtype)), 1)


class ContrastiveLoss(keras.losses.Loss):
    """``contrastive_loss`` as a Keras loss, averaged over the batch."""

    def __init__(self, margin: float = 1.0, form: str = "distance", name: str = "contrastive", **kwargs):  # type: ignore[no-untyped-def]
        super().__init__(name=name, **kwargs)
        self.margin, self.form = margin, form

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs to build the loss again."""
        return {**super().get_config(), "margin": self.margin, "form": self.form}

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of each pair, (n,)."""
        return contrastive_loss(y_true, y_pred, self.margin, self.form)


class TripletLoss(keras.losses.Loss):
    """``mined_triplet_loss`` as a Keras loss of labels and embeddings; sample weights have no meaning for it."""

    def __init__(  # type: ignore[no-untyped-def]
        self, margin: float = 1.0, mining: str = "semihard", squared: bool = False, name: str = "triplet", **kwargs
    ):
        super().__init__(name=name, **kwargs)
        self.margin, self.mining, self.squared = margin, mining, squared

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs to build the loss again."""
        return {**super().get_config(), "margin": self.margin, "mining": self.mining, "squared": self.squared}

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the mean loss of the batch, a scalar."""
        return mined_triplet_loss(y_true, y_pred, self.margin, self.mining, self.squared)
