"""An LSTM for training, in Keras: what a token gives to the gates is computed once a batch."""

from typing import Any

import keras
from keras import layers, ops

from textsiam.measures import Array


class _Cell(layers.LSTMCell):
    """An LSTM cell that is given x·W + b instead of x."""

    def project(self, vectors: Array) -> Array:
        """Return x·W + b: (k, e) → (k, 4 · units)."""
        return ops.matmul(vectors, self.kernel) + self.bias

    def call(self, inputs: Array, states: Any, training: bool = False) -> tuple[Array, list[Array]]:
        """Return the state, and what the next step needs."""
        h, c = states
        i, f, g, o = ops.split(inputs + ops.matmul(h, self.recurrent_kernel), 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        h = ops.sigmoid(o) * ops.tanh(c)
        return h, [h, c]


class DistinctLSTM(layers.Layer):
    """An LSTM whose inputs x·W + b are computed once for each distinct token of a batch, however often it occurs.

    Equal to ``keras.layers.LSTM`` over the tokens' vectors, padding masked. x·W is two thirds of the multiplications of
    a step of the bundled model, and most tokens of a batch are repetitions.

    Args:
        units: size of the state.
        reverse: read from the last token to the first.
        name: of the layer.
    """

    def __init__(self, units: int, *, reverse: bool = False, name: str):
        super().__init__(name=name)
        self.reverse = reverse
        self.cell = _Cell(units, name=f"{name}_cell")
        self.steps = layers.RNN(self.cell, return_sequences=True, return_state=True, go_backwards=reverse)

    def build(self, vectors_shape: tuple[int, int], places_shape: tuple[int, int]) -> None:
        """Make the weights, those of ``keras.layers.LSTM``."""
        self.cell.build(vectors_shape)
        self.steps.build((*places_shape, 4 * self.cell.units))

    def call(self, vectors: Array, places: Array) -> tuple[Array, Array]:
        """Run over sequences.

        Args:
            vectors: (k, e), of the distinct tokens; the first is padding.
            places: int32 (n, steps), the row of each step's token, right-padded with 0.

        Returns:
            (n, units), the last state; (n, steps, units), the state at each token, at padding anything.
        """
        inputs = ops.take(self.cell.project(vectors), places, axis=0)
        states, last, _ = self.steps(inputs, mask=ops.not_equal(places, 0))
        return last, ops.flip(states, axis=1) if self.reverse else states

    def compute_output_spec(self, vectors: Array, places: Array) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return the shapes of what ``call`` returns."""
        rows, steps = places.shape
        return tuple(keras.KerasTensor((*rest, self.cell.units)) for rest in ((rows,), (rows, steps)))
