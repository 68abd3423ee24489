"""`textsiam.siamese.measures`: every measure by hand, against plain Python, and as a property of all of them."""

import math
from itertools import pairwise

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from textsiam.errors import TextsiamError
from textsiam.inference.architecture import DEFAULT_MEASURES
from textsiam.siamese.measures import (
    MEASURES,
    euclidean_distance,
    lexical_similarities,
    select_measures,
    vector_similarities,
)
from textsiam.text.lexical import RARE_IDF, Lexicon, TokenSets

VECTOR = [measure for measure in MEASURES.values() if measure.kind == "vector"]
LEXICAL = [measure for measure in MEASURES.values() if measure.kind == "lexical"]
BY_NAME = {"ids": lambda measure: measure.name}

VALUES = st.floats(-100, 100, width=32) | st.sampled_from([0.0, -0.0, 1.0, 1e-6, 1e-20, 1e-38, 1e6, -1e6])
PAIRS_OF_VECTORS = st.tuples(st.integers(1, 3), st.integers(1, 9)).flatmap(
    lambda shape: st.tuples(*[arrays(np.float32, shape, elements=VALUES.map(np.float32))] * 2)
)

VOCABULARY = 12
IDF = np.float32([0, 1, 2.5, 9, 1.1, 8, 3.3, 1.7, 12.5, 1, 7.9, 7.95])
NUMERIC = np.array([False, False, True, True, False, False, True, False, False, False, True, False])
STEM = np.int32([0, 1, 2, 3, 4, 3, 6, 1, 8, 9, 10, 11])  # 5 is of the stem of 3, 7 of that of 1
LEXICON = Lexicon(IDF, NUMERIC, STEM)
QUESTIONS = st.lists(st.integers(1, VOCABULARY - 1), max_size=9)
TWO = st.tuples(QUESTIONS, QUESTIONS)
PAIRS_OF_QUESTIONS = st.lists(TWO, min_size=1, max_size=4) | st.lists(TWO, min_size=9, max_size=11)  # few and many


def pad(rows, extra=0):
    width = max(map(len, rows), default=0) + extra
    return np.array([[*row, *[0] * (width - len(row))] for row in rows], dtype=np.int32).reshape(len(rows), width)


def columns(pairs):
    return tuple(map(list, zip(*pairs, strict=True)))


def pad_both(questions1, questions2, extra=0):
    return np.split(pad([*questions1, *questions2], extra), 2)


def token_sets(questions1, questions2, extra=0):
    return TokenSets(np.stack([ids.T for ids in pad_both(questions1, questions2, extra)], axis=1), LEXICON)


def test_every_measure_is_registered_under_its_name():
    assert all(measure.name == name == measure.function.__name__ for name, measure in MEASURES.items())
    assert {measure.kind for measure in MEASURES.values()} == {"vector", "lexical", "late"}
    assert set(DEFAULT_MEASURES) <= set(MEASURES)
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


@pytest.mark.parametrize(
    ("name", "question1", "question2", "expected"),
    [
        ("idf_overlap", [1, 2, 3], [3, 4], 9 / (1 + 2.5 + 9 + 1.1)),
        ("idf_overlap", [3, 3, 3, 1], [3, 4], 9 / (1 + 9 + 1.1)),  # a repeated token counts once
        ("idf_overlap", [1], [2], 0),
        ("idf_overlap", [], [], 1),
        ("idf_overlap", [1], [], 0),
        ("shared_numbers", [1, 2, 3], [4, 3, 6], 1 / 3),
        ("shared_numbers", [1, 4], [5], 1),  # no number in either
        ("shared_numbers", [1, 2], [1], 0),
        ("shared_rare_words", [3, 5, 1], [5, 8, 2], 1 / 3),
        ("shared_rare_words", [1, 10], [2, 4], 1),  # idf 7.9 is just below 1 + ln 1000 = 7.907…
        ("shared_rare_words", [1, 11], [2, 4], 0),  # and 7.95 above
        ("stem_overlap", [1, 3], [7, 4], (1 + 1.7) / 2 / ((1 + 1.7) / 2 + 9 + 1.1)),  # a shared stem weighs the mean
        ("stem_overlap", [3, 5], [3], 1),
        ("bigram_overlap", [1, 2, 3], [2, 3, 4], 11.5 / (3.5 + 11.5 + 10.1)),
        ("bigram_overlap", [1, 2, 3], [3, 2, 1], 0),
        ("bigram_overlap", [1], [2], 1),  # neither has one
        ("bigram_overlap", [1], [1, 2], 0),
        ("idf_containment", [1, 2, 3], [3, 4], 9 / 10.1),
        ("idf_containment", [1, 2], [4, 1, 2, 3], 1),
        ("idf_containment", [1], [], 1),
        ("least_unshared", [1, 2, 3], [3, 4], 1 / 1.11),
        ("most_unshared", [1, 2, 3], [3, 4], 1 / 1.35),
        ("most_unshared", [1], [1], 1),
        ("length_ratio", [1, 2, 3], [3, 4], 2 / 3),
        ("length_ratio", [1, 1, 1, 1], [3], 1 / 4),
        ("length_ratio", [], [], 1),
        ("length_ratio", [], [1, 2], 1 / 2),
    ],
)
@pytest.mark.parametrize("extra", [0, 3])
def test_lexical_measures_by_hand(name, question1, question2, expected, extra):
    values = MEASURES[name].function(token_sets([question1], [question2], extra))
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, [[expected]], rtol=1e-6)


def test_rare_is_one_question_in_a_thousand():
    assert pytest.approx(1 + math.log((1 + 999_999) / (1 + 999))) == RARE_IDF


# Against plain Python


def weighted_jaccard(question1, question2, weight):
    union = sum(weight(token) for token in {*question1, *question2})
    return sum(weight(token) for token in {*question1} & {*question2}) / union if union else 1.0


def stem_jaccard(question1, question2):
    """Each question's own words weigh its stems, the first word of a stem counts."""
    weights = [{}, {}]
    for question, weight in zip((question1, question2), weights, strict=True):
        for token in question:
            weight.setdefault(STEM[token], float(IDF[token]))
    one, other = weights
    shared = sum((one[stem] + other[stem]) / 2 for stem in one.keys() & other.keys())
    union = sum(one.values()) + sum(other.values()) - shared
    return shared / union if union else 1.0


def bigrams(question):
    return list(pairwise(question))


def weigh(question):
    return sum(float(IDF[token]) for token in {*question})


def containment(question1, question2):
    lighter = min(weigh(question1), weigh(question2))
    return weigh({*question1} & {*question2}) / lighter if lighter else 1.0


def unshared(question1, question2, choose):
    weight = choose(weigh({*question1} - {*question2}), weigh({*question2} - {*question1}))
    return 1 / (1 + weight / 10)


LEXICAL_LOOPS = {
    "stem_overlap": stem_jaccard,
    "bigram_overlap": lambda a, b: weighted_jaccard(bigrams(a), bigrams(b), lambda two: float(IDF[list(two)].sum())),
    "idf_containment": containment,
    "least_unshared": lambda a, b: unshared(a, b, min),
    "most_unshared": lambda a, b: unshared(a, b, max),
    "idf_overlap": lambda a, b: weighted_jaccard(a, b, lambda token: float(IDF[token])),
    "shared_numbers": lambda a, b: weighted_jaccard(a, b, lambda token: int(NUMERIC[token])),
    "shared_rare_words": lambda a, b: weighted_jaccard(a, b, lambda token: int(IDF[token] > RARE_IDF)),
    "length_ratio": lambda a, b: min(len(a) or 1, len(b) or 1) / max(len(a), len(b), 1),
}


@given(PAIRS_OF_QUESTIONS, st.integers(0, 2))
def test_lexical_measures_equal_python_sets(pairs, extra):
    questions1, questions2 = columns(pairs)
    assert LEXICAL_LOOPS.keys() == {measure.name for measure in LEXICAL}
    ids1, ids2 = pad_both(questions1, questions2, extra)
    values = lexical_similarities(list(LEXICAL_LOOPS), ids1, ids2, LEXICON)
    expected = [[loop(*pair) for loop in LEXICAL_LOOPS.values()] for pair in pairs]
    np.testing.assert_allclose(values, expected, atol=2e-6)


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


@pytest.mark.parametrize("measure", LEXICAL, **BY_NAME)
def test_lexical_measures(measure):
    lowest, highest = measure.range

    @settings(max_examples=60)
    @given(PAIRS_OF_QUESTIONS, st.randoms(use_true_random=False))
    def check(pairs, random):
        questions1, questions2 = columns(pairs)
        values = measure.function(token_sets(questions1, questions2))
        assert values.dtype == np.float32
        assert values.shape == (len(pairs), 1)
        assert np.isfinite(values).all()
        assert ((values >= lowest) & (values <= highest)).all()
        assert values.tobytes() == measure.function(token_sets(questions2, questions1)).tobytes()
        shuffled = [random.sample(question, len(question)) for question in questions1]
        equal = measure.function(token_sets(questions1, questions1, extra=2))
        assert (equal == measure.of_equal).all()
        if measure.name != "bigram_overlap":  # the same words in another order too
            np.testing.assert_allclose(measure.function(token_sets(questions1, shuffled)), measure.of_equal, atol=1e-6)
        if measure.of_equal == highest:
            assert (values <= equal).all()
        single = [measure.function(token_sets([a], [b])) for a, b in pairs]
        np.testing.assert_allclose(np.concatenate(single), values, atol=1e-6)

    check()


def test_no_measure_changes_its_inputs():
    u, v = (np.random.default_rng(seed).normal(size=(4, 5)).astype(np.float32) for seed in (0, 1))
    before = u.copy(), v.copy()
    vector_similarities([measure.name for measure in VECTOR], u, v, np)
    np.testing.assert_array_equal((u, v), before)
    ids1, ids2 = pad_both([[1, 2, 2], [3]], [[2, 1], [4, 5]])
    before = ids1.copy(), ids2.copy(), IDF.copy()
    lexical_similarities([measure.name for measure in LEXICAL], ids1, ids2, LEXICON)
    for now, then in zip((ids1, ids2, IDF), before, strict=True):
        np.testing.assert_array_equal(now, then)


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
    names = ["length_ratio", "cosine", "idf_overlap", "product"]
    assert [measure.name for measure in select_measures(names)] == names
    u = np.ones((2, 3), np.float32)
    assert [value.shape for value in vector_similarities(names, u, u, np)] == [(2, 1), (2, 3)]
    lexical = lexical_similarities(["length_ratio", "idf_overlap"], *pad_both([[1, 2], [1]], [[1], [2]]), LEXICON)
    np.testing.assert_allclose(lexical, [[1 / 2, 1 / 3.5], [1, 0]], rtol=1e-6)
    assert lexical_similarities([], pad([[1], [2]]), pad([[1], [2]]), LEXICON).shape == (2, 0)


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
        select_measures(names)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
