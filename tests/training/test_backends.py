"""Keras's backends: JAX learns what TensorFlow learns."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

TRAIN = """
import json, sys
import keras
import textsiam
pairs, labels, dev = json.load(open(sys.argv[2]))
classifier = textsiam.DuplicateClassifier.load(sys.argv[1])
classifier.set_params(warm_start=True, dropout=0.0, epochs=1, learning_rate=0.003, batch_size=32)
classifier.fit(pairs, labels, dev)
weights = {name: float(array.std()) for name, array in classifier.model_.bundle.weights.items()}
print(json.dumps([keras.backend.backend(), classifier.history_, weights]))
"""


def train(backend, model, data):
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", TRAIN, str(model), str(data)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    used, history, weights = json.loads(done.stdout.splitlines()[-1])
    assert used == backend
    return history, weights


@pytest.mark.skipif(not find_spec("jax"), reason="needs pip install 'textsiam[jax]'")
def test_an_epoch_on_jax_is_an_epoch_on_tensorflow(model_folder, toy_pairs, tmp_path):
    pairs, labels = toy_pairs(300, seed=1)
    data = tmp_path / "pairs.json"
    # Labels that contradict what the model knows: otherwise there is no loss, and none to compare.
    data.write_text(json.dumps([pairs, labels[::-1], toy_pairs(100, seed=2)]))
    (expected, weights), (found, others) = (train(backend, model_folder, data) for backend in ("tensorflow", "jax"))
    assert expected["loss"][0] > 0.1
    assert found["loss"] == pytest.approx(expected["loss"], abs=1e-4)
    assert found["val_loss"] == pytest.approx(expected["val_loss"], abs=1e-4)
    assert others == pytest.approx(weights, rel=1e-3)
