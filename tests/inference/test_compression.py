"""Smaller weights, and what becomes of the answers."""

from dataclasses import replace

import numpy as np
import pytest

from textsiam import TextsiamError
from textsiam.inference.compression import compress_weights, expand_weights, prune_vocabulary
from textsiam.inference.folder import write_bundle
from textsiam.inference.model import Model

SAME = ("How do I learn chess?", "What is the best way to learn chess?")


def columns(pairs):
    return [list(column) for column in zip(*pairs, strict=True)]


def test_compressed_weights_are_close_and_small(trained):
    weights = trained.model_.bundle.weights
    back = expand_weights(compress_weights(weights))
    assert back.keys() == weights.keys()
    embedding = weights["embedding.embeddings"]
    error = np.abs(back["embedding.embeddings"] - embedding)
    assert (error <= np.abs(embedding).max(axis=1, keepdims=True) / 254 + 1e-6).all()
    for name, array in weights.items():
        assert back[name].dtype == array.dtype
        if name != "embedding.embeddings":
            np.testing.assert_allclose(back[name], array, rtol=1e-3, atol=1e-6)
    assert compress_weights(weights)["embedding.embeddings.int8"].nbytes == embedding.nbytes / 4


def test_a_row_of_zeros_survives_compression():
    weights = {"embedding.embeddings": np.zeros((2, 3), np.float32)}
    np.testing.assert_array_equal(expand_weights(compress_weights(weights))["embedding.embeddings"], np.zeros((2, 3)))


def test_a_compressed_model_answers_nearly_the_same(trained, toy_pairs, tmp_path):
    bundle = trained.model_.bundle
    write_bundle(tmp_path / "model", replace(bundle, weights=compress_weights(bundle.weights)))
    pairs = columns(toy_pairs(100, seed=3)[0])
    found = Model.load(tmp_path / "model").scores(*pairs)
    np.testing.assert_allclose(found, trained.model_.scores(*pairs), atol=0.1)


def test_an_int8_array_without_its_scale_gets_one_line(trained):
    weights = compress_weights(trained.model_.bundle.weights)
    del weights["embedding.embeddings.scale"]
    with pytest.raises(TextsiamError, match="scale"):
        Model(replace(trained.model_.bundle, weights=weights))


def test_pruned_words_become_unknown(trained):
    pruned = Model(prune_vocabulary(trained.model_.bundle, 10))
    full = trained.model_.preprocessor.vocabulary
    vocabulary = pruned.preprocessor.vocabulary
    assert vocabulary.tokens == full.tokens[:10]
    assert vocabulary.encode([full.tokens[9]]) == full.encode([full.tokens[9]])
    assert vocabulary.encode([full.tokens[10]])[0] <= vocabulary.oov_buckets
    assert prune_vocabulary(trained.model_.bundle, 10**6).vocabulary == trained.model_.bundle.vocabulary
