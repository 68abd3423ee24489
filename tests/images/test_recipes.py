"""The recipes on small made-up data, and the command line's images verbs: folders, figures, one line for a mistake."""

import gzip
import json
import struct

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

from textsiam import ImageSiamese
from textsiam.cli import main as cli
from textsiam.errors import TextsiamError
from textsiam.images.data.read import LabelledImages
from textsiam.images.experiment import tenths
from textsiam.images.recipes import RECIPES, Options, all_pairs, read_dataset, write_pair_table

# A fifth of 240 images, each once; neighbours in 10 classes of 6, twice; 60 images, twice; all pairs of 160.
PAIRS = {"mnist-dense": 24, "mnist-lenet": 100, "mnist-conv": 100, "fashion-conv": 120, "faces-triplet": 12720}
PAIRS["kinship"] = PAIRS["faces-triplet"]
TRAINED_ON = {
    "mnist-dense": (168, None),
    "mnist-lenet": (216, None),
    "mnist-conv": (216, None),
    "fashion-conv": (216, None),
    "faces-triplet": (192, None),
    "kinship": (None, 896),
}
PICTURES = {"curves.png", "pairs.png", "distances.png", "embeddings.png"}


def patterns(classes, each, shape, seed=0):
    """Noisy images, each class with a pattern of its own."""
    generator = np.random.default_rng(seed)
    base = np.random.default_rng(99).integers(0, 200, (classes, *shape))
    labels = np.tile(np.arange(classes), each)
    noise = generator.integers(0, 56, (len(labels), *shape))
    return (base[labels] + noise).astype(np.uint8), labels


def write_idx(path, array):
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name in ("mnist", "fashion_mnist"):
        (folder / name).mkdir()
        for part, each, seed in (("train", 24, 0), ("t10k", 6, 1)):
            images, labels = patterns(10, each, (28, 28), seed)
            write_idx(folder / name / f"{part}-images-idx3-ubyte.gz", images)
            write_idx(folder / name / f"{part}-labels-idx1-ubyte.gz", labels)
    (folder / "faces_orl").mkdir()
    images, subjects = patterns(22, 16, (28, 23))
    np.savez(folder / "faces_orl" / "faces.npz", images=images, subject=subjects + 1)
    return folder


def invoke(*arguments):
    """Run a verb in this process: (exit code, standard output, error line)."""
    result = CliRunner().invoke(cli.app, ["images", *map(str, arguments)])
    if isinstance(result.exception, TextsiamError):
        return 1, result.stdout, str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("name", RECIPES)
def test_one_command_runs_a_recipe(name, data_dir, tmp_path):
    out = tmp_path / "model"
    code, said, error = invoke("train", "--recipe", name, "--data-dir", data_dir, "--out", out, "--epochs", 1)
    assert (code, error) == (0, "")
    assert "test accuracy" in said
    assert ("one-shot" in said) == (name == "faces-triplet")
    model = ImageSiamese.load(out)
    figures = json.loads((out / "metrics.json").read_text())
    assert set(figures) == {"dev", "test"}
    assert figures["test"]["threshold"] == model.threshold_ == figures["dev"]["threshold"]
    assert {path.name for path in out.iterdir()} >= PICTURES
    assert len(json.loads((out / "history.json").read_text())["loss"]) == 1
    assert figures["test"]["rows"] == PAIRS[name]
    assert figures["test"]["positives"] >= (PAIRS[name] // 2 if "-conv" in name or "mnist" in name else 10 * 120)
    trained_on = json.loads((out / "config.json").read_text())["training"]
    assert (trained_on.get("images"), trained_on.get("pairs")) == TRAINED_ON[name]


def test_subjects_of_the_test_are_in_no_other_part(data_dir):
    from textsiam.images.recipes import _subjects

    options = [Options(data_dir, rotation=rotation) for rotation in (0, 1)]
    tested = []
    for option in options:
        parts = _subjects(RECIPES["faces-triplet"], option)
        subjects = [set(part.labels) for part in parts]
        assert [len(group) for group in subjects] == [7, 5, 10]
        assert set.union(*subjects) == set(range(1, 23))
        tested.append(subjects[2])
    assert not tested[0] & tested[1]
    with pytest.raises(TextsiamError, match="rotation lies from 0 to 1 for 22 subjects"):
        _subjects(RECIPES["faces-triplet"], Options(data_dir, rotation=2))


def test_all_pairs_are_those_of_a_plain_loop():
    labels = np.array(["a", "b", "a", "c"])
    pairs = all_pairs(labels)
    expected = [(i, j, int(labels[i] == labels[j])) for i in range(4) for j in range(i + 1, 4)]
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.same.tolist(), strict=True)) == expected


def test_rows_are_cut_into_parts_without_a_rest():
    parts = tenths(57, seed=3, train=0.7)
    assert [len(part) for part in parts] == [40, 5, 12]
    assert sorted(np.concatenate(parts)) == list(range(57))
    with pytest.raises(TextsiamError, match="ten or more; got 9"):
        tenths(9, seed=0)


def test_a_table_of_pairs_holds_the_images(tmp_path):
    images, labels = patterns(3, 4, (6, 5, 1))
    pairs = write_pair_table(tmp_path / "table", LabelledImages(images, labels), seed=0)
    assert (len(pairs), int(pairs.same.sum())) == (96, 48)
    a, b, same = next(pairs.batches(96, size=(6, 5), channels=1))
    where = [[int(path.stem) for path in paths] for paths in (pairs.paths_a, pairs.paths_b)]
    np.testing.assert_array_equal(a, images[where[0]])
    np.testing.assert_array_equal(b, images[where[1]])
    np.testing.assert_array_equal(same, labels[where[0]] == labels[where[1]])


def test_without_a_folder_keras_downloads(monkeypatch):
    images, labels = patterns(10, 2, (28, 28))
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: ((images, labels), (images[:5], labels[:5])))
    assert read_dataset("mnist", None, "test").images.shape == (5, 28, 28, 1)

    def fail():
        raise OSError("no network")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    with pytest.raises(TextsiamError, match=r"cannot be downloaded: no network.*data_dir=…"):
        read_dataset("mnist", None, "train")
    with pytest.raises(TextsiamError, match=r"ORL faces are not downloaded.*data_dir=…"):
        read_dataset("faces_orl", None, "train")
