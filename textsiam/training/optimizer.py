"""Adam, but for the vectors of words that a batch does not have."""

from typing import Any

import keras
from keras import ops

from textsiam.siamese.measures import Array
from textsiam.training.distinct import take_rows

_WORDS = "embedding/embeddings"  # how the path of the word vectors ends


class LazyAdam(keras.optimizers.Adam):
    """Adam (Kingma and Ba 2015) that leaves alone the vectors, and their moments, of words that a batch does not have.

    Plain Adam moves them all on at every step; of 36,000 words a batch has some 2,500. The variant is known by this
    name.
    """

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the moments, and note which variable has a row for each word."""
        super().build(variables)
        self._words = {number for number, variable in enumerate(variables) if variable.path.endswith(_WORDS)}

    def update_step(self, gradient: Any, variable: Any, learning_rate: Array) -> None:
        """Move a variable on by its gradient."""
        number = self._get_variable_index(variable)
        if number not in self._words:
            super().update_step(gradient, variable, learning_rate)
        elif type(gradient).__name__ == "IndexedSlices":  # the rows are known
            self._move_rows(gradient, variable, learning_rate, self._momentums[number], self._velocities[number])
        else:
            moved = self._momentums[number], self._velocities[number], variable
            before = [ops.copy(ops.convert_to_tensor(values)) for values in moved]
            super().update_step(gradient, variable, learning_rate)
            occurs = ops.any(ops.not_equal(gradient, 0), axis=1, keepdims=True)
            for values, kept in zip(moved, before, strict=True):
                self.assign(values, ops.where(occurs, ops.convert_to_tensor(values), kept))

    def _move_rows(self, gradient: Any, variable: Any, learning_rate: Array, m: Any, v: Any) -> None:
        """Do as ``Adam.update_step`` does, with some rows."""
        rows, values = gradient.indices, gradient.values
        step = ops.cast(self.iterations + 1, values.dtype)
        rate = ops.cast(learning_rate, values.dtype)
        rate *= ops.sqrt(1 - ops.power(self.beta_2, step)) / (1 - ops.power(self.beta_1, step))

        def moved(moment: Any, towards: Array, share: float) -> Array:
            old = take_rows(moment, rows)
            new = old + (towards - old) * (1 - share)
            self.assign(moment, type(gradient)(new, rows))
            return new

        m, v = moved(m, values, self.beta_1), moved(v, ops.square(values), self.beta_2)
        self.assign_sub(variable, type(gradient)(rate * m / (ops.sqrt(v) + self.epsilon), rows))
