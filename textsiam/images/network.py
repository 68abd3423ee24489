"""The Siamese image network: an encoder that sees each distinct image of a batch once, and a head that compares."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from textsiam.errors import TextsiamError
from textsiam.images.data.pixels import Bytes, scale
from textsiam.siamese.backend import assign, values_of
from textsiam.siamese.layers import EuclideanDistance, Similarities
from textsiam.siamese.losses import CONTRASTIVE_FORMS, ContrastiveLoss, TripletLoss, contrastive_loss, triplet_loss
from textsiam.siamese.measures import MEASURES, Array, check_names

Floats = NDArray[np.float32]

LOSSES = ("contrastive", "triplet", "binary_crossentropy")
_CHUNK = 512  # images or pairs computed at once when a trained network answers


@dataclass(frozen=True)
class HeadSettings:
    """How two embeddings are compared and what their comparison costs in training.

    Attributes:
        loss: "contrastive" and "triplet" compare by Euclidean distance; "binary_crossentropy" by vector measures, dense
            layers and a sigmoid.
        margin: of the contrastive and the triplet loss, above 0.
        form: of the contrastive loss, see ``textsiam.siamese.losses.contrastive_loss``.
        measures: vector measures of the sigmoid head, see ``textsiam.siamese.measures.MEASURES``.
        hidden: units of its dense layers.
        dropout: share of its measures and hidden units dropped in training, in [0, 1).
    """

    loss: str = "contrastive"
    margin: float = 1.0
    form: str = "distance"
    measures: tuple[str, ...] = ("squared_difference", "absolute_difference_of_squares", "cosine")
    hidden: tuple[int, ...] = ()
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise TextsiamError(f"There is no loss {self.loss!r} for images; there are: {', '.join(LOSSES)}.")
        if not self.margin > 0:
            raise TextsiamError(f"A margin lies above 0, not at {self.margin:g}.")
        if self.form not in CONTRASTIVE_FORMS:
            raise TextsiamError(
                f"There is no contrastive form {self.form!r}; there are: {', '.join(CONTRASTIVE_FORMS)}."
            )
        check_names(
            self.measures, [name for name, known in MEASURES.items() if known.kind == "vector" and known.symmetric]
        )
        if not 0 <= self.dropout < 1:
            raise TextsiamError(f"dropout lies in [0, 1), not at {self.dropout:g}.")


@dataclass(frozen=True)
class SiameseNetwork:
    """Encoder and head, which every model below shares.

    Attributes:
        encoder: images (n, h, w, c) in [0, 1] → embeddings (n, d).
        head: two embeddings, (n, d) each → (n, 1): a distance, or, for binary cross-entropy, the probability that both
            show the same.
        settings: of the head.
    """

    encoder: keras.Model
    head: keras.Model
    settings: HeadSettings

    @classmethod
    def build(cls, encoder: keras.Model, settings: HeadSettings) -> "SiameseNetwork":
        """Put a new head on an encoder.

        Raises:
            TextsiamError: the encoder is no model from images to one vector each.
        """
        if len(encoder.inputs) != 1 or len(encoder.inputs[0].shape) != 4 or None in encoder.inputs[0].shape[1:]:
            raise TextsiamError(
                "An encoder has one input, images (n, height, width, channels) of one size; this one has "
                f"{[tuple(item.shape) for item in encoder.inputs]}."
            )
        if len(encoder.outputs) != 1 or len(encoder.outputs[0].shape) != 2:
            raise TextsiamError(
                "An encoder gives one vector an image, (n, d); this one gives "
                f"{[tuple(item.shape) for item in encoder.outputs]}.",
                "Add a pooling or Flatten layer.",
            )
        return cls(encoder, _build_head(encoder.outputs[0].shape[1], settings), settings)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images."""
        height, width, channels = self.encoder.inputs[0].shape[1:]
        return height, width, channels

    @property
    def usual_distance(self) -> float:
        """A distance as it is usual between same and different pairs."""
        return 0.5 if self.settings.loss == "binary_crossentropy" else self.settings.margin / 2

    def pair_model(self) -> keras.Model:
        """Return the model that pairs train: ``images`` (b, h, w, c), ``first`` and ``second`` (p,) → (p, 1).

        The two indices say which images of the batch make a pair, so that an image of many pairs is encoded once.
        """
        images, first, second = self._inputs("first", "second")
        embeddings = self.encoder(images)
        u, v = (ops.take(embeddings, places, axis=0) for places in (first, second))
        return keras.Model({"images": images, "first": first, "second": second}, self.head([u, v]), name="pairs")

    def triplet_model(self) -> keras.Model:
        """Return the model that triplets train: ``images``, ``anchor``, ``positive``, ``negative`` → (t, 3, d)."""
        images, *places = self._inputs("anchor", "positive", "negative")
        embeddings = self.encoder(images)
        triplets = ops.stack([ops.take(embeddings, place, axis=0) for place in places], axis=1)
        names = ("images", "anchor", "positive", "negative")
        return keras.Model(dict(zip(names, (images, *places), strict=True)), triplets, name="triplets")

    def batch_model(self) -> keras.Model:
        """Return the model that triplets found within a batch train: ``images`` → embeddings (b, d)."""
        (images,) = self._inputs()
        return keras.Model({"images": images}, self.encoder(images), name="batches")

    def _inputs(self, *places: str) -> list[Array]:
        images = keras.Input(self.shape, name="images")
        return [images, *(keras.Input((), dtype="int32", name=name) for name in places)]

    def embed(self, images: Bytes) -> Floats:
        """Return the embeddings of images, float32 (n, d).

        Args:
            images: uint8 (n, h, w, c).
        """
        dimensions = self.encoder.outputs[0].shape[1]
        return _in_chunks(lambda part: self.encoder.predict_on_batch(scale(part)), [images], (dimensions,))

    def compare(self, u: Floats, v: Floats) -> Floats:
        """Return the distance of embeddings, row by row, (n,), at least 0, exactly the same for (u, v) and (v, u).

        With a sigmoid head it is 1 − the probability that both show the same, in [0, 1].
        """
        values = _in_chunks(lambda *parts: self.head.predict_on_batch(list(parts)), list(_ordered(u, v)), (1,))[:, 0]
        return 1 - values if self.settings.loss == "binary_crossentropy" else values

    def costs(self, distances: Floats, same: NDArray[np.int8]) -> float | None:
        """Return the mean loss of pairs of these distances; None for triplets, whose loss is none of pairs."""
        if self.settings.loss == "triplet":
            return None
        if self.settings.loss == "contrastive":
            values = contrastive_loss(same, distances, self.settings.margin, self.settings.form)
            return float(np.mean(ops.convert_to_numpy(values)))
        likely = np.clip(1 - distances.astype(np.float64), 1e-7, 1 - 1e-7)
        return float(-np.mean(np.where(same == 1, np.log(likely), np.log(1 - likely))))

    def get_weights(self) -> dict[str, np.ndarray]:
        """Return all weights by the model they belong to, their order there and their path."""
        return values_of(self._variables())

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Put weights that ``get_weights`` returned into a network of the same build.

        Raises:
            TextsiamError: one is missing or has another shape.
        """
        assign(self._variables(), weights)

    def _variables(self) -> dict[str, keras.Variable]:
        # By order, not by path alone: two layers of a model that was given may share a name.
        named = {}
        for part, model in (("encoder", self.encoder), ("head", self.head)):
            for number, variable in enumerate(model.weights):
                named[f"{part}.{number:03d}.{variable.name}"] = variable
        return named


def _build_head(dimensions: int, settings: HeadSettings) -> keras.Model:
    u, v = (keras.Input((dimensions,), name=name) for name in ("u", "v"))
    if settings.loss != "binary_crossentropy":
        return keras.Model([u, v], EuclideanDistance(name="distance")(u, v), name="head")
    hidden = layers.Dropout(settings.dropout, name="dropout_measures")(
        Similarities(settings.measures, name="similarities")(u, v)
    )
    for number, units in enumerate(settings.hidden):
        hidden = layers.Dense(units, activation="relu", name=f"hidden_{number}")(hidden)
        hidden = layers.Dropout(settings.dropout, name=f"dropout_{number}")(hidden)
    return keras.Model([u, v], layers.Dense(1, activation="sigmoid", name="output")(hidden), name="head")


def compile_model(model: keras.Model, settings: HeadSettings, mining: str, learning_rate: Any) -> None:
    """Compile a model of ``SiameseNetwork`` with Adam and the loss that its settings name."""

    def given_triplets(_: Array, triplets: Array) -> Array:
        anchor, positive, negative = (triplets[:, place] for place in range(3))
        return triplet_loss(anchor, positive, negative, settings.margin)

    loss: Any = {
        "pairs": lambda: (
            ContrastiveLoss(settings.margin, settings.form) if settings.loss == "contrastive" else "binary_crossentropy"
        ),
        "triplets": lambda: given_triplets,
        "batches": lambda: TripletLoss(settings.margin, mining),
    }[model.name]()
    # Other backends than JAX compute convolutions on a CPU many times faster without a compiler.
    compiled = keras.backend.backend() == "jax"
    model.compile(keras.optimizers.Adam(learning_rate), loss, jit_compile=compiled)


def _ordered(u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Put the two vectors of each pair in one order, whichever way they were given.

    A compiler may compute u² − v² with one rounding less on one side, so that the last bit tells u from v.
    """
    rows = np.arange(len(u))
    first = (u != v).argmax(axis=1)
    swapped = (u[rows, first] > v[rows, first])[:, None]
    return np.where(swapped, v, u), np.where(swapped, u, v)


def _in_chunks(function: Any, columns: list[np.ndarray], shape: tuple[int, ...]) -> Floats:
    """Apply a function to rows in chunks of few different sizes: each size is compiled once."""
    count = len(columns[0])
    results = np.empty((count, *shape), np.float32)
    for start in range(0, count, _CHUNK):
        parts = [column[start : start + _CHUNK] for column in columns]
        size = len(parts[0])
        padded = 1 << (size - 1).bit_length()
        filled = [np.concatenate([part, np.repeat(part[-1:], padded - size, axis=0)]) for part in parts]
        results[start : start + size] = function(*filled)[:size]
    return results
