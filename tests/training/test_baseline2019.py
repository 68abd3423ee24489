"""The published recipe of 2019: batches of one length, the encoder, the preset."""

import keras
import numpy as np

from textsiam import DuplicateClassifier
from textsiam.inference.architecture import Architecture
from textsiam.inference.baseline2019 import BaselineEncoder
from textsiam.training.baseline2019 import FullLengthBatches, build_baseline_encoder
from textsiam.training.batches import PairArrays
from textsiam.training.presets import preset


def test_a_batch_is_ids_of_one_length():
    ids = np.zeros((25, 7), np.int32)
    ids[np.arange(7) < np.random.default_rng(0).integers(1, 7, 25)[:, None]] = 9
    ids[:, 0] = np.arange(1, 26)
    pairs = PairArrays(ids, ids[::-1], np.zeros((25, 0), np.float32), np.arange(25, dtype=np.float32))
    batches = FullLengthBatches(pairs, 10, seed=0)
    inputs, labels = zip(*(batches[index] for index in range(len(batches))), strict=True)
    assert sorted(len(label) for label in labels) == [5, 10, 10]
    for given, label in zip(inputs, labels, strict=True):
        assert set(given) == {"question1", "question2"}
        rows = label[:, 0].astype(int)
        np.testing.assert_array_equal(given["question1"], ids[rows, :6])
        np.testing.assert_array_equal(given["question2"], ids[::-1][rows, :6])


def test_the_encoder_is_the_one_that_serves():
    architecture = Architecture("lstm_flat", 4, 3, ("cosine",), (), flat_length=6)
    vectors = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    encoder = build_baseline_encoder(architecture, vectors)
    kernel, recurrent, bias = map(keras.ops.convert_to_numpy, encoder.get_layer("forward").weights)
    weights = {
        "embedding.embeddings": vectors,
        "forward.kernel": kernel,
        "forward.recurrent_kernel": recurrent,
        "forward.bias": bias,
    }
    ids = np.random.default_rng(1).integers(0, 20, (30, 6)).astype(np.int32)
    served = BaselineEncoder(architecture, weights).encode(ids, np.full(30, 6)).vectors
    np.testing.assert_allclose(encoder.predict(ids, verbose=0), served, rtol=1e-4, atol=1e-6)


def test_the_published_preset_trains_and_is_as_published(toy_pairs):
    pairs, labels = toy_pairs(80, seed=1)
    classifier = DuplicateClassifier(**{**preset("singh2019"), "epochs": 1, "vector_size": 8}).fit(pairs, labels)
    assert classifier.model_.preprocessor.tokenizer("Why is 7 not prime?") == ["prime"]
    assert not classifier.model_.architecture.symmetric
    weights = classifier.model_.bundle.weights
    assert weights["hidden_0.kernel"].shape == (2 * 30 * 64 + 1, 100)
    assert weights["forward.recurrent_kernel"].shape == (64, 256)
