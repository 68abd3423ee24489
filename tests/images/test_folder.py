"""The folder of an image model: one shape with that of text, and folders of older formats."""

import json
from pathlib import Path

import numpy as np
import pytest

from textsiam import ImageSiamese
from textsiam.inference.folder import FORMAT

OLD = Path(__file__).parent / "old"  # written by format 1: an encoder by name, a gallery; a Keras model, a sigmoid head
ANSWERS = json.loads((OLD / "answers.json").read_text())
IMAGES = np.load(OLD / "images.npy")


def answers_of(siamese):
    first, second = np.triu_indices(len(IMAGES), 1)
    return siamese.verify(IMAGES[first], IMAGES[second])


@pytest.mark.parametrize("name", ["dense", "sigmoid"])
def test_a_folder_of_format_1_answers_as_it_did(name):
    siamese, told = ImageSiamese.load(OLD / name), ANSWERS[name]
    verdicts = answers_of(siamese)
    assert siamese.threshold_ == told["threshold"]
    np.testing.assert_allclose(verdicts.distances, told["distances"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(verdicts.probabilities, told["probabilities"], rtol=1e-4, atol=1e-6)
    assert verdicts.same.tolist() == told["same"]
    if "names" in told:
        assert [answer.name for answer in siamese.identify(IMAGES)] == told["names"]
    figures = siamese.model_.metrics["dev"]
    assert figures["rows"] == 200
    assert "pairs" not in figures
    assert siamese.parameters().batch_size == 60


@pytest.mark.parametrize("name", ["dense", "sigmoid"])
def test_a_folder_of_format_1_is_written_in_the_shape_of_today(name, tmp_path, model_folder):
    old = ImageSiamese.load(OLD / name)
    old.save(tmp_path / "new")
    np.testing.assert_array_equal(answers_of(ImageSiamese.load(tmp_path / "new")).distances, answers_of(old).distances)
    config = json.loads((tmp_path / "new" / "config.json").read_text())
    text = json.loads((model_folder / "config.json").read_text())
    assert (config["format"], config["kind"], text["format"], text["kind"]) == (FORMAT, "images", FORMAT, "text")
    assert {"architecture", "training", "calibration", "threshold"} <= set(config) & set(text)
    assert {"encoder", "measures", "hidden", "loss", "margin"} <= set(config["architecture"]) & set(
        text["architecture"]
    )
    assert set(config["calibration"]) == set(text["calibration"])
    assert {"value", "objective"} <= set(config["threshold"]) & set(text["threshold"])
    assert {"epochs", "best_epoch", "minutes", "parameters"} <= set(config["training"]) & set(text["training"])


def test_figures_of_both_kinds_have_the_same_names(model_folder):
    of_text = json.loads((model_folder / "metrics.json").read_text())["dev"]
    of_images = ImageSiamese.load(OLD / "dense").model_.metrics["dev"]
    shared = {"rows", "positives", "threshold", "accuracy", "precision", "recall", "f1", "roc_auc"}
    assert shared <= set(of_text) & set(of_images)
