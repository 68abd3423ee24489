"""`textsiam.inference.projections` against x·W + b computed for all words at once."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from textsiam.inference import projections as module
from textsiam.inference.lstm import Recurrence
from textsiam.inference.projections import Projections

WORDS, SIZE, UNITS = 300, 5, 4


@pytest.fixture
def both():
    random = np.random.default_rng(0)

    def weights(*shape):
        return [random.normal(size=shape).astype(np.float32) for _ in range(2)]

    recurrence = Recurrence(weights(SIZE, 4 * UNITS), weights(UNITS, 4 * UNITS), weights(4 * UNITS), pooling="last")
    embedding = random.normal(size=(WORDS, SIZE)).astype(np.float32)
    return Projections(recurrence, embedding), [recurrence.project(embedding, direction) for direction in range(2)]


def test_words_are_projected_when_they_are_met(both, monkeypatch):
    monkeypatch.setattr(module, "_TOGETHER", 7)
    projections, expected = both
    ids = np.array([[5, 5, 299], [0, 12, 0]])
    assert projections.unknown(ids).tolist() == [0, 5, 12, 299]
    with ThreadPoolExecutor(2) as pool:
        projections.learn(projections.unknown(ids), pool)
        assert projections.unknown(ids).size == 0
        assert projections.unknown(np.array([12, 13])).tolist() == [13]
        projections.learn(np.arange(100), pool)
    known = [*range(100), 299]
    for projected, truth in zip(projections.all, expected, strict=True):
        np.testing.assert_allclose(projected[:, known], truth[:, known], atol=1e-5)


def test_no_word_is_projected_twice(both, monkeypatch):
    projections, _ = both
    given = []
    project = Recurrence.project
    monkeypatch.setattr(Recurrence, "project", lambda *args: given.append(len(args[1])) or project(*args))
    with ThreadPoolExecutor(8) as threads:
        for future in [threads.submit(projections.learn, np.arange(n % 4, 250), None) for n in range(16)]:
            future.result()
    assert sum(given) == 2 * 250


def test_the_most_frequent_words_and_any_others(both, monkeypatch):
    monkeypatch.setattr(module, "_FREQUENT", 16 * UNITS * 2 * 10)
    projections, expected = both
    for direction, truth in enumerate(expected):
        assert projections.frequent[direction].shape == (10, 4, UNITS)
        np.testing.assert_allclose(projections.frequent[direction], truth[:, :10].transpose(1, 0, 2), atol=1e-5)
        some = projections.of(np.array([7, 200]), direction)
        np.testing.assert_allclose(some, truth[:, [7, 200]].transpose(1, 0, 2), atol=1e-5)
