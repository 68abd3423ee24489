"""`textsiam.siamese.measures`: every measure by hand, against plain Python, and as a property of all of them."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from textsiam.errors import TextsiamError
from textsiam.inference.architecture import DEFAULT_MEASURES
from textsiam.siamese.measures import MEASURES, check_names, euclidean_distance, vector_similarities
from textsiam.text.lexical import LEXICAL_MEASURES

VECTOR = [measure for measure in MEASURES.values() if measure.kind == "vector"]
BY_NAME = {"ids": lambda measure: measure.name}

VALUES = st.floats(-100, 100, width=32) | st.sampled_from([0.0, -0.0, 1.0, 1e-6, 1e-20, 1e-38, 1e6, -1e6])
PAIRS_OF_VECTORS = st.tuples(st.integers(1, 3), st.integers(1, 9)).flatmap(
    lambda shape: st.tuples(*[arrays(np.float32, shape, elements=VALUES.map(np.float32))] * 2)
)


def test_every_measure_is_registered_under_its_name():
    assert all(measure.name == name == measure.function.__name__ for name, measure in MEASURES.items())
    assert {measure.kind for measure in MEASURES.values()} == {"vector", "late"}
    assert set(DEFAULT_MEASURES) <= {*MEASURES, *LEXICAL_MEASURES}
    assert not {*MEASURES} & {*LEXICAL_MEASURES}
    assert [measure.name for measure in MEASURES.values() if not measure.symmetric] == ["difference_of_squares"]


# By hand


@pytest.mark.parametrize(
    ("name", "u", "v", "expected"),
    [
        ("absolute_difference", [1, -2, 0], [3, 1, 0], [2, 3, 0]),
        ("squared_difference", [1, -2, 0], [3, 1, 0], [4, 9, 0]),
        ("product", [1, -2, 0], [3, 1, 5], [3, -2, 0]),
        ("absolute_difference_of_squares", [1, -3, 0], [3, 1, 0], [8, 8, 0]),
        ("difference_of_squares", [1, -3, 0], [3, 1, 0], [-8, 8, 0]),
        ("cosine", [3, 4], [4, 3], [24 / 25]),
        ("cosine", [1, 0], [0, 7], [0]),
        ("cosine", [1, 2], [-2, -4], [-1]),
        ("cosine", [1e-4, 2e-4], [2e-4, 4e-4], [1]),
        ("cosine", [1e9, 2e9], [2e9, 4e9], [1]),
        ("cosine", [0, 0], [4, 3], [0]),
        ("cosine", [0, 0], [0, 0], [0]),
        ("euclidean_similarity", [1, 2], [4, 6], [1 / 6]),
        ("manhattan_similarity", [1, 2], [1.5, 1], [math.exp(-1.5)]),
        ("manhattan_similarity", [1, 2], [1e6, 1], [0]),
    ],
)
@pytest.mark.parametrize("namespace", [np, ops])
def test_vector_measures_by_hand(name, u, v, expected, namespace):
    (value,) = vector_similarities([name], np.float32([u]), np.float32([v]), namespace)
    np.testing.assert_allclose(ops.convert_to_numpy(value), np.float32([expected]), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("namespace", [np, ops])
def test_euclidean_distance_by_hand(namespace):
    distance = euclidean_distance(np.float32([[1, 2], [5, 5]]), np.float32([[4, 6], [5, 5]]), namespace)
    np.testing.assert_allclose(ops.convert_to_numpy(distance), [[5], [1e-6]], rtol=1e-6)


# Properties of all of them


@pytest.mark.parametrize("measure", VECTOR, **BY_NAME)
def test_vector_measures(measure):
    lowest, highest = measure.range

    @settings(max_examples=60)
    @given(PAIRS_OF_VECTORS)
    def check(vectors):
        u, v = vectors
        values = measure.function(u, v, np)
        assert values.dtype == np.float32
        assert values.shape == (len(u), u.shape[1] if measure.elementwise else 1)
        assert np.isfinite(values).all()
        assert ((values >= lowest) & (values <= highest)).all()
        swapped = measure.function(v, u, np)
        if measure.symmetric:
            assert values.tobytes() == swapped.tobytes()
        else:
            np.testing.assert_array_equal(values, -swapped)
        if measure.of_equal is not None:
            for x in (u, v):
                equal = measure.function(x, x.copy(), np)
                # √max(d², ε) puts equal vectors 1e-6 apart; a vector shorter than 1e-6 has no direction
                long_enough = np.linalg.norm(x.astype(np.float64), axis=1) > 2e-6
                usable = long_enough if measure.name == "cosine" else slice(None)
                np.testing.assert_allclose(equal[usable], measure.of_equal, atol=2e-6)
                if measure.of_equal == highest:
                    assert (values[usable] <= equal[usable] + 1e-6).all()
        tensors = ops.convert_to_numpy(measure.function(ops.convert_to_tensor(u), ops.convert_to_tensor(v), ops))
        assert tensors.dtype == np.float32
        np.testing.assert_allclose(tensors, values, rtol=1e-6, atol=1e-6)
        swapped = ops.convert_to_numpy(measure.function(ops.convert_to_tensor(v), ops.convert_to_tensor(u), ops))
        np.testing.assert_array_equal(tensors, swapped if measure.symmetric else -swapped)

    check()


def test_no_measure_changes_its_inputs():
    u, v = (np.random.default_rng(seed).normal(size=(4, 5)).astype(np.float32) for seed in (0, 1))
    before = u.copy(), v.copy()
    vector_similarities([measure.name for measure in VECTOR], u, v, np)
    np.testing.assert_array_equal((u, v), before)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes gradients with TensorFlow")
@pytest.mark.parametrize("function", [*(measure.function for measure in VECTOR), euclidean_distance])
@pytest.mark.parametrize(
    ("u", "v"),
    [
        ([1, 2], [1, 2]),
        ([0, 0], [0, 0]),
        ([0, 0], [1, 2]),
        ([1, 2], [-1, -2]),
        ([1e-20, 0], [0, 1e-20]),
        ([1, 0], [0, 1]),
    ],
)
def test_gradients_are_finite(function, u, v):
    import tensorflow as tf

    u, v = tf.constant([u], tf.float32), tf.constant([v], tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([u, v])
        total = ops.sum(function(u, v, ops))
        both = ops.sum(function(u, u, ops))
    gradients = [tape.gradient(total, u), tape.gradient(total, v), tape.gradient(both, u)]
    assert all(np.isfinite(ops.convert_to_numpy(gradient)).all() for gradient in gradients)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes gradients with TensorFlow")
def test_the_gradient_of_the_cosine_by_hand():
    import tensorflow as tf

    u, v = tf.constant([[1.0, 0.0]]), tf.constant([[3.0, 4.0]])
    with tf.GradientTape() as tape:
        tape.watch(u)
        value = ops.sum(MEASURES["cosine"].function(u, v, ops))
    # ∂cos/∂u = (v/|v| − cos·u/|u|) / |u| = (0.6, 0.8) − 0.6·(1, 0)
    np.testing.assert_allclose(tape.gradient(value, u), [[0, 0.8]], atol=1e-6)


# Choosing


def test_measures_come_in_the_order_they_are_named():
    u = np.ones((2, 3), np.float32)
    assert [value.shape for value in vector_similarities(["cosine", "product"], u, u, np)] == [(2, 1), (2, 3)]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["cosine", "kosinus"], "no similarity measure 'kosinus'; there are: absolute_difference, "),
        ([], "Choose one or more different similarity measures, not []"),
        (["cosine", "cosine"], "different similarity measures, not ['cosine', 'cosine']"),
    ],
)
def test_wrong_names_are_refused(names, words):
    with pytest.raises(TextsiamError) as error:
        check_names(names, MEASURES)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
