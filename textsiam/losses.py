"""Losses on distances: pure functions first, thin Keras classes over them."""

from typing import Any

import keras
from keras import ops

from textsiam.measures import Array


def contrastive_loss(y_true: Array, distance: Array, margin: float = 1.0) -> Array:
    """Return y·d² + (1 − y)·max(m − d, 0)², pair by pair.

    Label 1 = same. Same pairs are pulled together, different ones pushed apart until the margin (Hadsell, Chopra and
    LeCun 2006, equation 4, without the factor ½ and with the label turned round).

    Args:
        y_true: (n,) or (n, 1), 1 = same, 0 = different.
        distance: (n, 1) or (n,), Euclidean distance, at least 0.
        margin: distance beyond which different pairs cost nothing, above 0.

    Returns:
        (n,), at least 0.
    """
    distance = ops.reshape(ops.convert_to_tensor(distance), (-1,))
    y_true = ops.cast(ops.reshape(ops.convert_to_tensor(y_true), (-1,)), distance.dtype)
    together = y_true * ops.square(distance)
    apart = (1 - y_true) * ops.square(ops.maximum(margin - distance, 0))
    return together + apart


class ContrastiveLoss(keras.losses.Loss):
    """``contrastive_loss`` as a Keras loss, averaged over the batch."""

    def __init__(self, margin: float = 1.0, name: str = "contrastive", **kwargs):  # type: ignore[no-untyped-def]
        super().__init__(name=name, **kwargs)
        self.margin = margin

    def get_config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs to build the loss again."""
        return {**super().get_config(), "margin": self.margin}

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of each pair, (n,)."""
        return contrastive_loss(y_true, y_pred, self.margin)
