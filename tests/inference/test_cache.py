"""Questions remembered, in bounded memory."""

import numpy as np

from textsiam import load_model
from textsiam.inference.cache import QuestionCache

SAME = ("How do I learn chess?", "What is the best way to learn chess?")


def columns(pairs):
    return [list(column) for column in zip(*pairs, strict=True)]


def test_the_cache_changes_no_answer(model_folder, toy_pairs):
    pairs = columns(toy_pairs(200, seed=3)[0])
    plain, caching = load_model(model_folder), load_model(model_folder, cache_bytes=10**6)
    for _ in range(2):
        np.testing.assert_allclose(caching.probabilities(*pairs), plain.probabilities(*pairs), atol=1e-5)
    assert len(caching.cache) == len(set(pairs[0] + pairs[1]))
    assert plain.cache is None


def test_a_remembered_question_is_not_encoded_again(model_folder, monkeypatch):
    model = load_model(model_folder, cache_bytes=10**6)
    probability = model.probabilities([SAME[0]], [SAME[1]])
    monkeypatch.setattr(model.network, "encode", None)
    np.testing.assert_array_equal(model.probabilities([SAME[1]], [SAME[0]]), probability)


def test_the_cache_is_bounded_and_forgets_the_least_recent():
    vector = np.zeros(100, np.float32)
    one = QuestionCache._bytes("a", vector)
    cache = QuestionCache(3 * one)
    for text in "abc":
        cache.put(text, vector)
    assert cache.get("a") is not None
    cache.put("d", vector)
    assert [text for text in "abcd" if cache.get(text) is not None] == ["a", "c", "d"]
    assert cache.size == 3 * one
    cache.put("x" * 10_000, vector)
    assert (len(cache), cache.size) == (0, 0)
