"""Image to one vector, in Keras: float32 (n, h, w, c) in [0, 1] → (n, d)."""

from collections.abc import Callable
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import keras
from keras import layers

from textsiam.errors import TextsiamError

Shape = tuple[int, int, int]  # height, width, channels


def dense_encoder(shape: Shape, *, units: tuple[int, ...] = (512, 256, 64), dropout: float = 0.0) -> keras.Model:
    """Return an encoder of dense layers, of published recipes for MNIST: each but the last with ReLU and dropout.

    Args:
        shape: of an image: height, width, channels.
        units: of each layer; the last is d.
        dropout: share of the units of each hidden layer dropped in training, in [0, 1). What is dropped differs between
            the two images of a pair and reads as distance: 0 is best where there are many images.
    """
    images = keras.Input(shape, name="images")
    hidden = layers.Flatten(name="flatten")(images)
    for number, width in enumerate(units[:-1]):
        hidden = layers.Dense(width, activation="relu", name=f"dense_{number}")(hidden)
        hidden = layers.Dropout(dropout, name=f"dropout_{number}")(hidden)
    return keras.Model(images, layers.Dense(units[-1], name="embedding")(hidden), name="encoder")


def lenet_encoder(shape: Shape, *, filters: tuple[int, int] = (4, 16), units: int = 10) -> keras.Model:
    """Return the small LeNet of Keras's Siamese example: two 5×5 tanh convolutions with average pooling, a dense layer.

    Batch normalisation before the flattened features and on the pixels is the example's, too.

    Args:
        shape: of an image: height, width, channels.
        filters: of the two convolutions.
        units: d.
    """
    images = keras.Input(shape, name="images")
    hidden = layers.BatchNormalization(name="normalise_pixels")(images)
    for number, width in enumerate(filters):
        hidden = layers.Conv2D(width, 5, activation="tanh", name=f"convolution_{number}")(hidden)
        hidden = layers.AveragePooling2D(2, name=f"pooling_{number}")(hidden)
    hidden = layers.Flatten(name="flatten")(hidden)
    hidden = layers.BatchNormalization(name="normalise_features")(hidden)
    return keras.Model(images, layers.Dense(units, activation="tanh", name="embedding")(hidden), name="encoder")


def conv_encoder(
    shape: Shape,
    *,
    filters: tuple[tuple[int, ...], ...] = ((16,), (32, 32, 32)),
    dropout: float = 0.0,
    units: int = 48,
) -> keras.Model:
    """Return blocks of convolution, pooling and dropout in series, global average pooling and a dense layer.

    Convolutions are 3×3, each followed by batch normalisation and ReLU. By default they have 25,216 weights, where the
    published pair of 64 filters each has 40,704, and a feature
    sees 18 × 18 pixels.

    Args:
        shape: of an image: height, width, channels.
        filters: for each block, the filters of its convolutions.
        dropout: share of the features after each pooling dropped in training, in [0, 1).
        units: d.
    """
    images = keras.Input(shape, name="images")
    hidden = images
    for block, widths in enumerate(filters):
        for number, width in enumerate(widths):
            name = f"{block}_{number}"
            hidden = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"convolution_{name}")(hidden)
            hidden = layers.BatchNormalization(name=f"normalise_{name}")(hidden)
            hidden = layers.ReLU(name=f"relu_{name}")(hidden)
        hidden = layers.MaxPooling2D(name=f"pooling_{block}")(hidden)
        hidden = layers.Dropout(dropout, name=f"dropout_{block}")(hidden)
    hidden = layers.GlobalAveragePooling2D(name="average")(hidden)
    return keras.Model(images, layers.Dense(units, name="embedding")(hidden), name="encoder")


def pooled_encoder(backbone: keras.Model, *, trainable_layers: int = 0) -> keras.Model:
    """Return a backbone with its feature maps pooled: global maximum and global average side by side.

    Args:
        backbone: a model from images to feature maps (n, h, w, f); d is 2f. Its layers are frozen in place.
        trainable_layers: how many of its last layers are trained all the same; batch normalisation among them still
            uses its stored statistics.

    Raises:
        TextsiamError: the backbone gives no feature maps, or has fewer layers.
    """
    if len(backbone.output_shape) != 4:
        raise TextsiamError(f"A backbone ends in feature maps (n, h, w, f); this one ends in {backbone.output_shape}.")
    if not 0 <= trainable_layers <= len(backbone.layers):
        raise TextsiamError(
            f"trainable_layers lies between 0 and the backbone's {len(backbone.layers)}, not {trainable_layers}."
        )
    freeze(backbone, trainable_layers)
    images = keras.Input(backbone.input_shape[1:], name="images")
    maps = backbone(images, training=False)
    pooled = [layers.GlobalMaxPooling2D(name="maximum")(maps), layers.GlobalAveragePooling2D(name="average")(maps)]
    return keras.Model(images, layers.Concatenate(name="embedding")(pooled), name="encoder")


def freeze(backbone: keras.Model, trainable_layers: int = 0) -> None:
    """Freeze all but the last layers of a model, in place."""
    first = len(backbone.layers) - trainable_layers
    for number, layer in enumerate(backbone.layers):
        layer.trainable = number >= first


def applications_encoder(
    name: str, shape: Shape, *, weights: str | Path | None = None, trainable_layers: int = 0
) -> keras.Model:
    """Return a backbone of ``keras.applications``, with its own scaling of pixels, pooled as ``pooled_encoder`` does.

    Args:
        name: of the backbone, "MobileNetV2" for instance.
        shape: of an image; a single channel is repeated three times.
        weights: a Keras weights file of the backbone without its top; None: random weights.
        trainable_layers: see ``pooled_encoder``.

    Raises:
        TextsiamError: there is no such backbone, it does not take images of this size, or the file does not fit.
    """
    build: Callable[..., keras.Model] | None = getattr(keras.applications, name, None)
    if not callable(build):
        raise TextsiamError(
            f"There is no encoder {name!r}; there are: {', '.join(ENCODERS)}, {', '.join(backbones())}."
        )
    try:
        backbone = build(include_top=False, weights=None, input_shape=(*shape[:2], 3))
    except ValueError as error:
        raise TextsiamError(f"{name} does not take images of {shape[0]} × {shape[1]}: {_line(error)}.") from error
    if weights is not None:
        try:
            backbone.load_weights(weights)
        except (OSError, ValueError, KeyError) as error:
            raise TextsiamError(
                f"{weights} does not hold the weights of {name} without its top: {_line(error)}."
            ) from error
    features = pooled_encoder(backbone, trainable_layers=trainable_layers)
    images = keras.Input(shape, name="images")
    pixels = layers.Rescaling(255.0, name="pixels")(images)
    if shape[2] == 1:
        pixels = layers.Concatenate(name="colour")([pixels] * 3)
    return keras.Model(images, features(_as_published(name, pixels)), name="encoder")


def _as_published(name: str, pixels: Any) -> Any:
    """Scale pixels in [0, 255] as the backbone's ``preprocess_input`` does."""
    for module in vars(keras.applications).values():
        if hasattr(module, name) and hasattr(module, "preprocess_input"):
            return module.preprocess_input(pixels, data_format="channels_last")
    return pixels


def backbones() -> list[str]:
    """Return the names of the backbones of ``keras.applications``."""
    return sorted(name for name in dir(keras.applications) if name[0].isupper())


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")


ENCODERS: dict[str, Callable[..., keras.Model]] = {
    "dense": dense_encoder,
    "lenet": lenet_encoder,
    "conv": conv_encoder,
}


def build_image_encoder(name: str, shape: Shape, **options: Any) -> keras.Model:
    """Return an untrained encoder.

    Args:
        name: "dense", "lenet", "conv", or a backbone of ``keras.applications``.
        shape: of an image: height, width, channels.
        options: of the function of that encoder.

    Raises:
        TextsiamError: there is no such encoder or option, or it does not take images of this size.
    """
    build = ENCODERS.get(name) or partial(applications_encoder, name)
    try:
        signature(build).bind(shape, **options)
    except TypeError as error:
        raise TextsiamError(f"Encoder {name!r} does not take these options: {_line(error)}.") from error
    try:
        return build(shape, **options)
    except TextsiamError:
        raise
    except ValueError as error:
        raise TextsiamError(
            f"Encoder {name!r} does not take images of {shape[0]} × {shape[1]} × {shape[2]}: {_line(error)}."
        ) from error
