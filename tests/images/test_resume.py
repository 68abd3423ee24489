"""Training of image networks that is killed, and resumed: the same network to the last bit."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from textsiam import ImageSiamese
from textsiam.errors import TextsiamError
from textsiam.images.data.read import LabelledImages
from textsiam.images.recipes import Options
from textsiam.siamese.checkpoints import discard

# Killed as soon as the third epoch has ended: the second is the last whole one on the disk.
DIE = """
import json, logging, os, signal, sys
import numpy as np
from textsiam import ImageSiamese

class Killer(logging.Handler):
    def emit(self, record):
        if record.getMessage().startswith("Epoch 3 of"):
            os.kill(os.getpid(), signal.SIGKILL)

logger = logging.getLogger("textsiam.siamese.epochs")
logger.setLevel(logging.INFO)
logger.addHandler(Killer())
data, parameters = np.load(sys.argv[1]), json.loads(sys.argv[2])
call = ImageSiamese(**parameters).fit_pairs if "same" in data else ImageSiamese(**parameters).fit
call(*data.values(), checkpoints=sys.argv[3])
"""
COMMON = {"encoder": "dense", "encoder_options": {"units": [16, 8]}, "epochs": 4, "batch_size": 32}


def images(count, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, count)
    pixels = random.integers(0, 90, (count, 8, 8), dtype=np.uint8)
    pixels[np.arange(count), 2 * labels] += 150
    return {"images": pixels, "labels": labels}


def pairs(count):
    one, other = images(count), images(count, seed=1)
    return {"a": one["images"], "b": other["images"], "same": (one["labels"] == other["labels"]).astype(int)}


@pytest.mark.parametrize(
    ("data", "more"),
    [
        (images(200), {"loss": "triplet", "mining": "nearest", "shift": 1, "mirror": True}),
        (pairs(200), {"loss": "binary_crossentropy", "hidden": [8], "dropout": 0.3}),
    ],
    ids=["triplets", "pairs"],
)
def test_a_killed_training_resumed_is_the_uninterrupted_one(tmp_path, data, more):
    file, folder, parameters = tmp_path / "data.npz", tmp_path / "checkpoints", {**COMMON, **more}
    np.savez(file, **data)
    command = [sys.executable, "-c", DIE, str(file), json.dumps(parameters), str(folder)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    assert len(json.loads((folder / "progress.json").read_text())["history"]["loss"]) == 2

    def train(**options):
        model = ImageSiamese(**parameters)
        return (model.fit_pairs if "same" in data else model.fit)(*data.values(), **options)

    with pytest.raises(TextsiamError, match="other data or parameters"):
        ImageSiamese(**{**parameters, "margin": 0.5}).fit(**images(200), checkpoints=folder, resume=True)
    whole, resumed = train(), train(checkpoints=folder, resume=True)
    assert resumed.history_ == whole.history_
    assert len(resumed.history_["loss"]) == 4
    expected = whole.model_.network.get_weights()
    for name, weights in resumed.model_.network.get_weights().items():
        np.testing.assert_array_equal(weights, expected[name], err_msg=name)
    assert resumed.threshold_ == whole.threshold_


def test_what_follows_training_may_change(tmp_path):
    ImageSiamese(**COMMON).fit(**images(100), checkpoints=tmp_path)
    resumed = ImageSiamese(**COMMON, calibration="platt", verbose=1)
    assert resumed.fit(**images(100), checkpoints=tmp_path, resume=True).model_.calibration is not None


def test_a_recipe_of_two_networks_keeps_two_trainings(tmp_path):
    options = Options(checkpoints=tmp_path / "all")
    data = LabelledImages(**images(100))
    for name in ("first", "network"):
        ImageSiamese(**COMMON).fit(data.images, data.labels, **options.keeping(name))
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["first", "network"]
    (tmp_path / "all" / "first" / "thesis.txt").write_text("precious")
    discard(tmp_path / "all")
    assert [path.name for path in (tmp_path / "all").rglob("*")] == ["first", "thesis.txt"]
    (tmp_path / "all" / "first" / "thesis.txt").unlink()
    assert Options().keeping() == {"checkpoints": None, "resume": False}
