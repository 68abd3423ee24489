"""The recurrence in NumPy against a plain loop of the LSTM's equations."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from textsiam.inference import lstm as recurrence
from textsiam.inference.lstm import Projections, Recurrence, by_beginning, product_rows, shared_beginnings

UNITS, DIMENSIONS, WORDS = 5, 3, 30
POOLINGS = ["last", "maximum"]


@pytest.fixture(params=["tanh", "exp"])
def activation(request):
    """Both ways to compute tanh, whichever this processor would take."""
    return (np.tanh, 1.0) if request.param == "tanh" else (recurrence._tanh_by_exp, -2.0)


def weights(directions, seed=0):
    generator = np.random.default_rng(seed)
    shapes = [(DIMENSIONS, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,)]
    return [[generator.normal(0, 1, shape).astype(np.float32) for _ in range(directions)] for shape in shapes]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def plain_states(vectors, kernel, recurrent, bias):
    """Hochreiter and Schmidhuber's equations with a forget gate, in double precision, a vector at a time."""
    h = c = np.zeros(UNITS)
    for x in vectors.astype(float):
        i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        yield h


def sequences(rows, seed=1, longest=9):
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, longest + 1, rows)
    tokens = generator.integers(1, 4, (rows, longest))  # three words: many share their beginnings
    tokens[np.arange(longest) >= lengths[:, None]] = 0
    return tokens, lengths


def pooled(states, pooling):
    return {"last": states[-1], "maximum": np.max(states, axis=0)}[pooling]


@pytest.mark.parametrize("pooling", POOLINGS)
def test_many_sequences_equal_a_plain_loop(activation, pooling):
    embedding = np.random.default_rng(3).normal(0, 1, (WORDS, DIMENSIONS)).astype(np.float32)
    cells = Recurrence(*weights(2), pooling=pooling, tanh=activation)
    tokens, lengths = sequences(200)
    order = by_beginning(tokens, lengths)
    for direction in (0, 1):
        one = [parts[direction] for parts in weights(2)]
        projected = cells.project(embedding, direction)
        found = cells.many(direction, projected, tokens[order], lengths[order])
        expected = [
            pooled(list(plain_states(embedding[row[:length]], *one)), pooling)
            for row, length in zip(tokens[order], lengths[order], strict=True)
        ]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_few_sequences_equal_many(activation, pooling):
    embedding = np.random.default_rng(3).normal(0, 1, (WORDS, DIMENSIONS)).astype(np.float32)
    cells = Recurrence(*weights(2), pooling=pooling, tanh=activation)
    tokens, lengths = sequences(12)
    order = np.argsort(-lengths, kind="stable")
    tokens, lengths = tokens[order], lengths[order]
    projected = cells.project(embedding)
    inputs = projected[:, :, tokens.T].transpose(2, 0, 1, 3, 4)
    both = cells.few(inputs, lengths)
    for direction, found in enumerate((both[:, :UNITS], both[:, UNITS:])):
        expected = cells.many(direction, projected[:, direction], tokens, lengths)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_gates_far_from_zero_saturate(activation):
    kernels, recurrent, biases = weights(1)
    cells = Recurrence([kernels[0] * 1e4], recurrent, biases, pooling="last", tanh=activation)
    vectors = np.ones((1, DIMENSIONS), np.float32)
    found = cells.many(0, cells.project(vectors, 0), np.array([[0, 0, 0]]), np.array([3]))
    with np.errstate(over="ignore"):
        *_, expected = plain_states(np.ones((3, DIMENSIONS)), kernels[0] * 1e4, recurrent[0], biases[0])
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


def test_beginnings_that_are_shared_by_hand():
    tokens = np.array([[7, 8, 0], [7, 8, 9], [7, 8, 9], [7, 5, 9], [2, 5, 9]])
    new, node = shared_beginnings(tokens, np.array([2, 3, 3, 3, 3]))
    np.testing.assert_array_equal(new, np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0], [0, 1, 1], [1, 1, 1]], dtype=bool))
    np.testing.assert_array_equal(node[:, 0], [0, 0, 0, 0, 1])
    np.testing.assert_array_equal(node[:, 1], [0, 0, 0, 1, 2])
    np.testing.assert_array_equal(node[1:, 2], [0, 0, 1, 2])


def test_shared_beginnings_are_computed_once():
    tokens, lengths = sequences(500, longest=8)
    order = by_beginning(tokens, lengths)
    new, _ = shared_beginnings(tokens[order], lengths[order])
    distinct = {tuple(row[: end + 1]) for row, length in zip(tokens, lengths, strict=True) for end in range(length)}
    assert new.sum() == len(distinct) < lengths.sum() / 2


@pytest.mark.parametrize("largest", [1, 2**16, 2**31 - 1])
def test_order_of_beginnings_whatever_the_ids(largest):
    tokens, lengths = sequences(3000, longest=7)
    tokens = np.where(tokens, largest - tokens + 1, 0).clip(0).astype(np.int32)
    order = by_beginning(tokens, lengths).tolist()
    assert sorted(order) == list(range(3000))
    assert tokens[order].tolist() == sorted(tokens.tolist())


def test_order_of_sequences_of_nothing():
    assert sorted(by_beginning(np.zeros((3, 1), np.int32), np.ones(3, np.int64)).tolist()) == [0, 1, 2]


def test_products_of_beginnings_that_branch():
    assert product_rows(np.array([3, 30, 36, 40, 12])).tolist() == [0, 3, 36, 40, 12]


def test_long_sequences_come_last():
    lengths = np.array([30, 3, 15, 12, 13, 20, 21])
    tokens = (np.arange(30) < lengths[:, None]) * np.arange(1, 8)[::-1, None]
    assert by_beginning(tokens, lengths).tolist() == [3, 1, 5, 4, 2, 6, 0]


# Projections


@pytest.fixture
def projected():
    """Return a function: options → projections of 300 words in two directions, and x·W + b of all at once."""
    random = np.random.default_rng(0)

    def normal(*shape):
        return [random.normal(size=shape).astype(np.float32) for _ in range(2)]

    both = Recurrence(normal(5, 4 * UNITS), normal(UNITS, 4 * UNITS), normal(4 * UNITS), pooling="last")
    embedding = random.normal(size=(300, 5)).astype(np.float32)
    truth = [both.project(embedding, direction) for direction in range(2)]
    return lambda **options: (Projections(both, embedding, **options), truth)


def test_words_are_projected_when_they_are_met(projected):
    projections, expected = projected(block=7)
    ids = np.array([[5, 5, 299], [0, 12, 0]])
    assert projections.unknown(ids).tolist() == [0, 1, 42]
    with ThreadPoolExecutor(2) as pool:
        projections.learn(projections.unknown(ids), pool.map)
        assert projections.unknown(ids).size == 0
        assert projections.unknown(np.array([12, 14])).tolist() == [2]
        projections.learn(np.arange(15), pool.map)
    known = [*range(105), *range(294, 300)]
    for found, truth in zip(projections.all, expected, strict=True):
        np.testing.assert_allclose(found[:, known], truth[:, known], atol=1e-5)


def test_no_block_is_projected_twice(projected, monkeypatch):
    projections, _ = projected(block=10)
    given = []
    project = Recurrence.project
    monkeypatch.setattr(Recurrence, "project", lambda *args: given.append(len(args[1])) or project(*args))
    with ThreadPoolExecutor(8) as threads:
        for future in [threads.submit(projections.learn, np.arange(n % 4, 25)) for n in range(16)]:
            future.result()
    assert sum(given) == 2 * 25


def test_the_most_frequent_words_and_any_others(projected):
    projections, expected = projected(frequent_bytes=16 * UNITS * 2 * 10)
    for direction, truth in enumerate(expected):
        assert projections.frequent[direction].shape == (10, 4, UNITS)
        np.testing.assert_allclose(projections.frequent[direction], truth[:, :10].transpose(1, 0, 2), atol=1e-5)
        some = projections.of(np.array([7, 200, 7, 299]), direction)
        np.testing.assert_allclose(some, truth[:, [7, 200, 7, 299]].transpose(1, 0, 2), atol=1e-5)


def test_a_words_bits_do_not_depend_on_what_was_met_before(projected):
    words = np.random.default_rng(1).permutation(300)
    at_once, one_by_one = projected()[0], projected()[0]
    at_once.learn(at_once.unknown(words))
    for word in words:
        one_by_one.learn(one_by_one.unknown(word[None]))
    for direction in range(2):
        assert at_once.all[direction].tobytes() == one_by_one.all[direction].tobytes()
        alone = np.concatenate([at_once.of(word[None], direction) for word in words])
        assert at_once.of(words, direction).tobytes() == alone.tobytes()
