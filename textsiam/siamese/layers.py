"""Similarity measures as Keras layers."""

from keras import layers, ops

from textsiam.siamese.measures import Array, alignment, euclidean_distance, vector_similarities


class Similarities(layers.Layer):
    """The vector measures of two encodings, side by side: (n, d), (n, d) → (n, total width)."""

    def __init__(self, measures: tuple[str, ...], **kwargs):  # type: ignore[no-untyped-def]
        super().__init__(**kwargs)
        self.measures = tuple(measures)

    def call(self, u: Array, v: Array) -> Array:
        """Return the measures, in their order."""
        return ops.concatenate(vector_similarities(self.measures, u, v, ops), axis=-1)


class EuclideanDistance(layers.Layer):
    """Distance of two encodings: (n, d), (n, d) → (n, 1)."""

    def call(self, u: Array, v: Array) -> Array:
        """Return ‖u − v‖₂."""
        return euclidean_distance(u, v, ops)


class Alignment(layers.Layer):
    """The late measure: (n, L1, d), (n, L2, d) and the ids of the tokens → (n, 4 · units); see ``alignment``."""

    def __init__(self, units: int, **kwargs):  # type: ignore[no-untyped-def]
        super().__init__(**kwargs)
        self.units = units
        self.supports_masking = True  # the ids tell

    def build(self, states1: tuple[int, ...], *_: tuple[int, ...]) -> None:
        """Make the dense layer of the comparison."""
        self.kernel = self.add_weight(name="kernel", shape=(2, states1[-1], self.units), initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def call(self, states1: Array, states2: Array, ids1: Array, ids2: Array) -> Array:
        """Return the measure."""
        masks = (ops.cast(ops.not_equal(ids, 0), states1.dtype) for ids in (ids1, ids2))
        return alignment(*zip((states1, states2), masks, strict=True), (self.kernel, self.bias), ops)

    def compute_mask(self, *_: Array, **__: Array) -> None:
        """Return None: there are no steps left to mask."""
        return None
