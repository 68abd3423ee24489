"""The recipes on small made-up data, and the command line's images verbs: folders, figures, one line for a mistake."""

import gzip
import json
import struct

import keras
import numpy as np
import pytest
from PIL import Image
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


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A folder with a class each, and a table of pairs of its pictures."""
    folder = tmp_path_factory.mktemp("own")
    images, labels = patterns(4, 20, (16, 16))
    paths = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        paths.append(folder / "images" / f"class {label}" / f"{number}.png")
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(paths[-1])
    generator = np.random.default_rng(0)
    rows = ["path_a,path_b,same"]
    for _ in range(300):
        one, other = generator.choice(80, 2, replace=False)
        a, b = (paths[place].relative_to(folder) for place in (one, other))
        rows.append(f"{a},{b},{int(labels[one] == labels[other])}")
    (folder / "pairs.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def own_model(own, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "model"
    code, _, _ = invoke("train", "--images", own / "images", "--out", out, "--epochs", 10, "--calibration", "platt")
    assert code == 0
    return out


def test_own_images_are_trained_on_and_measured(own, own_model):
    assert {path.name for path in own_model.iterdir()} >= PICTURES
    code, said, _ = invoke("evaluate", "--model", own_model, "--images", own / "images", "--json", "-")
    assert code == 0
    figures = json.loads(said)
    assert figures["rows"] == 160
    assert figures["roc_auc"] > 0.95
    code, said, _ = invoke("evaluate", "--model", own_model, "--pairs", own / "pairs.csv")
    assert "rows             300" in said


def test_two_pictures_are_compared(own, own_model):
    same, other = (sorted((own / "images" / name).iterdir()) for name in ("class 0", "class 1"))
    _, said, _ = invoke("compare", same[0], same[1], "--model", own_model)
    assert said.startswith("same: distance 0.")
    _, said, _ = invoke("compare", same[0], other[0], "--model", own_model, "--json")
    answer = json.loads(said)
    assert answer["same"] is False
    assert answer["distance"] > answer["threshold"]
    assert 0 < answer["probability"] < 0.5


def test_own_pairs_are_trained_on(own, tmp_path):
    out = tmp_path / "model"
    options = ("--size", "16x16", "--epochs", 2, "--loss", "binary_crossentropy")
    code, said, _ = invoke("train", "--pairs", own / "pairs.csv", "--out", out, *options)
    assert code == 0
    assert "on 30 pairs" in said
    assert (out / "pairs.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--out", "m"), "Name one of --recipe, --images and --pairs"),
        (("train", "--out", "m", "--recipe", "mnist"), "no recipe 'mnist'; there are: mnist-dense"),
        (("train", "--out", "m", "--pairs", "none.csv"), "brought to one size"),
        (("train", "--out", "m", "--images", "none", "--size", "big"), "A size is HEIGHTxWIDTH"),
        (("train", "--out", "m", "--images", "none"), "none does not exist"),
        (("train", "--out", "m", "--recipe", "kinship"), "ORL faces are not downloaded"),
        (("evaluate", "--model", "none"), "Name one of --images and --pairs"),
        (("evaluate", "--model", "none", "--images", "none"), "no model folder none"),
        (("compare", "a.png", "b.png", "--model", "none"), "no model folder none"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, error = invoke(*arguments)
    assert code == 1
    assert message in error
    assert "\n" not in error
    assert not (tmp_path / "m").exists()
