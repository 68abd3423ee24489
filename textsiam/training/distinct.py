"""Layers for training, in Keras: what a token gives to an LSTM's gates is computed once a batch."""

from typing import Any

import keras
from keras import layers, ops

from textsiam.siamese.measures import Array


def take_rows(variable: Any, rows: Array) -> Array:
    """Return rows of a variable, without reading the whole where the backend has a way to."""
    values = getattr(variable, "value", variable)
    return values.sparse_read(rows) if hasattr(values, "sparse_read") else ops.take(values, rows, axis=0)


class DistinctEmbedding(layers.Embedding):
    """``keras.layers.Embedding`` for few of many words."""

    def call(self, inputs: Array) -> Array:
        """Return the vectors of words: (k,) ids → (k, e)."""
        return take_rows(self.embeddings, inputs)


class DistinctLSTM(layers.Layer):
    """An LSTM whose inputs x·W + b are computed once for each distinct token of a batch, however often it occurs.

    Equal to ``keras.layers.LSTM`` over the tokens' vectors, padding masked. x·W is two thirds of the multiplications of
    a step of the bundled model, and most tokens of a batch are repetitions. Padding comes last, so that no mask is
    needed: what the cell makes of it reaches no result.

    Args:
        units: size of the state.
        reverse: read from the last token to the first.
        name: of the layer.
    """

    def __init__(self, units: int, *, reverse: bool = False, name: str):
        super().__init__(name=name)
        self.reverse = reverse
        self.cell = layers.LSTMCell(units, name=f"{name}_cell")

    def build(self, vectors_shape: tuple[int, int], places_shape: tuple[int, int]) -> None:
        """Make the weights, those of ``keras.layers.LSTM``."""
        self.cell.build(vectors_shape)

    def _step(self, state: tuple[Array, Array], inputs: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        h, c = state
        i, f, g, o = ops.split(inputs + ops.matmul(h, self.cell.recurrent_kernel), 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        state = ops.sigmoid(o) * ops.tanh(c), c
        return state, state

    def call(self, vectors: Array, places: Array) -> tuple[Array, Array]:
        """Run over sequences.

        Args:
            vectors: (k, e), of the distinct tokens; the first is padding.
            places: int32 (n, steps), the row of each step's token, right-padded with 0; at least one token each.

        Returns:
            (n, units), the last state; (n, steps, units), the state at each token, at padding anything.
        """
        rows, units = ops.shape(places)[0], self.cell.units
        lengths = ops.sum(ops.cast(ops.not_equal(places, 0), "int32"), axis=1)
        mirrored = ops.maximum(lengths[:, None] - 1 - ops.arange(ops.shape(places)[1], dtype="int32"), 0)
        if self.reverse:
            places = ops.take_along_axis(places, mirrored, axis=1)
        projected = ops.matmul(vectors, self.cell.kernel) + self.cell.bias
        zeros = ops.zeros((rows, units))
        _, (states, _) = ops.scan(self._step, (zeros, zeros), ops.take(projected, ops.transpose(places), axis=0))
        ends = (lengths - 1) * rows + ops.arange(rows, dtype="int32")
        last = ops.take(ops.reshape(states, (-1, units)), ends, axis=0)
        states = ops.transpose(states, (1, 0, 2))
        return last, ops.take_along_axis(states, mirrored[:, :, None], axis=1) if self.reverse else states

    def compute_output_spec(self, vectors: Array, places: Array) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return the shapes of what ``call`` returns."""
        rows, steps = places.shape
        return tuple(keras.KerasTensor((*rest, self.cell.units)) for rest in ((rows,), (rows, steps)))
