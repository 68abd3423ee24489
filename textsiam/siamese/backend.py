"""Keras, whatever its backend: initial weights from a seed, and generators of dropout that an epoch can set."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

import keras
import numpy as np
from keras import ops

from textsiam.errors import TextsiamError

_building = Lock()  # Python's random state is the process's


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw the initial weights of what is built inside from a seed.

    Keras seeds its initializers from Python's random state: it is set, and given back as it was.
    """
    with _building:
        state = random.getstate()
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(state)


def seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Set the generators of dropout, so that they depend on the epoch alone: checkpoints leave their state out."""
    for number, generator in enumerate(_seed_generators(model)):
        generator.state.assign(np.array([(seed + number) % (1 << 32), epoch << 16], dtype=np.uint32))


def _seed_generators(model: keras.Model) -> list[keras.random.SeedGenerator]:
    generators = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            generators += _seed_generators(layer)
        elif isinstance(getattr(layer, "seed_generator", None), keras.random.SeedGenerator):
            generators.append(layer.seed_generator)
    return generators


def values_of(variables: Mapping[str, keras.Variable]) -> dict[str, np.ndarray]:
    """Return what variables hold, arrays of their own, by name."""
    return {name: np.array(ops.convert_to_numpy(variable)) for name, variable in variables.items()}


def assign(variables: Mapping[str, keras.Variable], values: Mapping[str, np.ndarray]) -> None:
    """Put values into variables, by name; others are left alone.

    Raises:
        TextsiamError: one is missing or has another shape.
    """
    for name, variable in variables.items():
        if name not in values or values[name].shape != tuple(variable.shape):
            raise TextsiamError(f"The weights are of another network: {name} is missing or has another shape.")
        variable.assign(values[name])
