"""The published encoder of 2019 against a plain loop of its equations; Keras's is compared in test_network."""

import numpy as np
import pytest

from textsiam.inference.architecture import Architecture
from textsiam.inference.baseline2019 import BaselineEncoder

UNITS, DIMENSIONS, WORDS, STEPS = 4, 3, 20, 6
MADE_OF = Architecture("lstm_flat", UNITS, DIMENSIONS, ("cosine",), (), flat_length=STEPS)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.fixture
def weights():
    random = np.random.default_rng(0)
    return {name: random.normal(0, 0.7, shape).astype(np.float32) for name, shape in MADE_OF.shapes(WORDS).items()}


def states_of_a_loop(ids, weights):
    kernel, recurrent, bias = (
        weights[f"forward.{part}"].astype(float) for part in ("kernel", "recurrent_kernel", "bias")
    )
    h = c = np.zeros(UNITS)
    for word in ids:
        i, f, g, o = np.split(weights["embedding.embeddings"][word] @ kernel + h @ recurrent + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * max_with_zero(g)
        h = sigmoid(o) * max_with_zero(c)
        yield from h


def max_with_zero(x):
    return np.maximum(x, 0)


@pytest.mark.parametrize("longest", [1, STEPS, STEPS + 3])
@pytest.mark.parametrize("rows", [1, 7, 512])
def test_every_step_is_kept_padding_too(weights, longest, rows):
    random = np.random.default_rng(1)
    lengths = random.integers(1, longest + 1, 30)
    ids = random.integers(1, WORDS, (30, longest)).astype(np.int32)
    ids[np.arange(longest) >= lengths[:, None]] = 0
    encodings = BaselineEncoder(MADE_OF, weights, rows=rows).encode(ids, lengths)
    assert encodings.vectors.shape == (30, MADE_OF.width) == (30, STEPS * UNITS)
    assert encodings.vectors.dtype == np.float32
    assert encodings.states.shape[0] == 0
    for row, found in zip(ids.tolist(), encodings.vectors, strict=True):
        steps = (row + [0] * STEPS)[:STEPS]
        np.testing.assert_allclose(found, list(states_of_a_loop(steps, weights)), rtol=1e-4, atol=1e-6)
