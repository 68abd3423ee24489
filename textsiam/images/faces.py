"""Encoders for aligned faces, of which there are few: one that begins as Fisherfaces, and a small convolutional one."""

import keras
import numpy as np
from keras import layers
from numpy.typing import ArrayLike, NDArray

from textsiam.errors import TextsiamError
from textsiam.images.encoders import Shape

_SHRINKAGE = 0.1  # share of the mean variance within classes that is added to each direction's
_BLUR = 5
_FILTERS = (16, 32, 64)


def fisher_encoder(
    images: NDArray[np.float32], labels: ArrayLike, *, stride: int = 3, dimensions: int = 60
) -> keras.Model:
    """Return an encoder whose first values are a discriminant analysis of the images, ready to be tuned.

    Each image is standardised, blurred and shrunk; one dense layer follows, brought to unit length. Its weights are the
    principal components of the images, whitened by the scatter within classes (Belhumeur, Hespanha and Kriegman 1997,
    "Fisherfaces"; the scatter is shrunk towards its mean variance). With a few hundred images to learn from, an encoder
    that begins at random learns the faces that it has seen.

    Args:
        images: (n, h, w, c) in [0, 1], to learn the first values from.
        labels: (n,), the class of each; two images or more of each.
        stride: one pixel of so many each way is kept, after means of 5 × 5 pixels have been taken twice.
        dimensions: of the embedding, d.

    Raises:
        TextsiamError: there are not so many images, or a class has one.
    """
    classes = np.unique(np.asarray(labels), return_inverse=True)[1]
    size = -(-images.shape[1] // stride) * -(-images.shape[2] // stride) * images.shape[3]
    if min(len(images), size) <= dimensions or np.bincount(classes).min() < 2:
        raise TextsiamError(
            f"A discriminant analysis of {dimensions} dimensions needs more images, two of each class, and "
            f"more pixels; got {len(images)} of {size} pixels.",
            "Lower dimensions.",
        )
    inputs = keras.Input(images.shape[1:], name="images")
    hidden = _standardised(inputs)
    hidden = layers.AveragePooling2D(_BLUR, strides=1, padding="same", name="blur")(hidden)
    hidden = layers.AveragePooling2D(_BLUR, strides=stride, padding="same", name="shrink")(hidden)
    hidden = layers.Flatten(name="flatten")(hidden)
    pixels = keras.Model(inputs, hidden).predict_on_batch(images).astype(np.float64)
    dense = layers.Dense(dimensions, name="discriminants")
    outputs = layers.UnitNormalization(name="embedding")(dense(hidden))

    mean = pixels.mean(axis=0)
    components = np.linalg.svd(pixels - mean, full_matrices=False)[2][:dimensions].T
    scores = (pixels - mean) @ components
    within = np.mean([np.cov(scores[classes == number].T) for number in range(classes.max() + 1)], axis=0)
    variances, directions = np.linalg.eigh(within)
    kernel = components @ (directions / np.sqrt(variances + _SHRINKAGE * variances.mean()))
    kernel /= np.sqrt(np.mean(np.sum(np.square((pixels - mean) @ kernel), axis=1)))
    dense.set_weights([kernel, -mean @ kernel])
    return keras.Model(inputs, outputs, name="encoder")


def face_backbone(shape: Shape) -> keras.Model:
    """Return convolutions, 5×5 and twice 3×3, from standardised images to feature maps."""
    images = keras.Input(shape, name="images")
    hidden = _standardised(images)
    for number, filters in enumerate(_FILTERS):
        hidden = layers.Conv2D(
            filters,
            3 if number else 5,
            strides=1 if number else 2,
            padding="same",
            use_bias=False,
            name=f"convolution_{number}",
        )(hidden)
        hidden = layers.BatchNormalization(momentum=0.9, name=f"normalise_{number}")(hidden)
        hidden = layers.ReLU(name=f"relu_{number}")(hidden)
        if number < len(_FILTERS) - 1:
            hidden = layers.MaxPooling2D(name=f"pooling_{number}")(hidden)
    return keras.Model(images, hidden, name="backbone")


def _standardised(images: keras.KerasTensor) -> keras.KerasTensor:
    """Bring each image to mean 0 and variance 1: the light of the photo says nothing about the face."""
    return layers.LayerNormalization((1, 2, 3), epsilon=1e-5, center=False, scale=False, name="standardise")(images)
