"""The images verbs: own data are trained on, pictures compared, enrolled and identified; one line for a mistake."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from textsiam import ImageSiamese, TextsiamError
from textsiam.cli import main as cli

PICTURES = {"curves.png", "pairs.png", "distances.png", "embeddings.png"}
OLD = Path(__file__).parent.parent / "images" / "old"


def patterns(classes, each, shape, seed=0):
    """Noisy images, each class with a pattern of its own."""
    generator = np.random.default_rng(seed)
    base = np.random.default_rng(99).integers(0, 200, (classes, *shape))
    labels = np.tile(np.arange(classes), each)
    noise = generator.integers(0, 56, (len(labels), *shape))
    return (base[labels] + noise).astype(np.uint8), labels


def invoke(*arguments):
    """Run a verb in this process: (exit code, standard output, error line)."""
    result = CliRunner().invoke(cli.app, ["images", *map(str, arguments)])
    if isinstance(result.exception, TextsiamError):
        return 1, result.stdout, str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


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


@pytest.fixture
def known(tmp_path):
    """Return a copy of a model folder that knows two names, a file of the user's in it."""
    shutil.copytree(OLD / "dense", tmp_path / "model")
    (tmp_path / "model" / "notes.txt").write_text("of the user")
    (tmp_path / "model" / "more").mkdir()
    (tmp_path / "model" / "more" / "notes.txt").write_text("of the user, too")
    return tmp_path / "model"


@pytest.fixture
def shots(tmp_path):
    """Return pictures, most of another size than the model's."""
    paths = []
    for number, image in enumerate(np.load(OLD / "images.npy")[:4]):
        paths.append(tmp_path / f"{number}.png")
        picture = Image.fromarray(image[..., 0])
        (picture if number == 0 else picture.resize((20, 30)).convert("RGB")).save(paths[-1])
    return paths


def test_a_name_is_enrolled_and_told(known, shots):
    history = (known / "history.json").read_bytes()
    code, said, _ = invoke("enroll", "José", shots[0], shots[1], "--model", known)
    assert (code, said) == (0, f"{known}: José is known by 2 pictures; names in all: 3\n")
    code, said, _ = invoke("identify", shots[0], "--model", known)
    assert said.startswith(f"{shots[0]}: José, distance 0.00")
    _, said, _ = invoke("identify", *shots[:2], "--model", known, "-k", 2, "--threshold", 9, "--json")
    answers = json.loads(said)
    assert [answer["picture"] for answer in answers] == [str(path) for path in shots[:2]]
    for answer in answers:
        assert answer["name"] == answer["matches"][0]["name"]
        assert answer["threshold"] == 9
        assert len(answer["matches"]) == 2
        assert answer["distance"] == answer["matches"][0]["distance"] <= answer["matches"][1]["distance"]
    _, said, _ = invoke("identify", shots[2], "--model", known, "-k", 3, "--threshold", 0)
    assert said.startswith(f"{shots[2]}: unknown, distance ")
    assert len(said.splitlines()) == 4
    assert (known / "history.json").read_bytes() == history
    assert (known / "notes.txt").read_text() == "of the user"
    assert (known / "more" / "notes.txt").read_text() == "of the user, too"
    assert [path.name for path in known.parent.iterdir() if path.name.startswith(".")] == []


def test_a_name_is_enrolled_through_a_link(known, shots, tmp_path):
    (tmp_path / "link").symlink_to(known)
    assert invoke("enroll", "Ann", shots[0], "--model", tmp_path / "link")[0] == 0
    assert (tmp_path / "link").is_symlink()
    assert "Ann" in ImageSiamese.load(known).model_.gallery.names


def test_names_enrolled_at_once_are_all_kept(known, shots):
    command = [sys.executable, "-m", "textsiam", "images", "enroll"]
    runs = [
        subprocess.Popen([*command, f"name {number}", shots[number], "--model", known], stderr=subprocess.PIPE)
        for number in range(3)
    ]
    assert [run.communicate()[1][-300:] for run in runs] == [b""] * 3
    assert set(ImageSiamese.load(known).model_.gallery.names) == {"bar 0", "bar 1", "name 0", "name 1", "name 2"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("enroll", "unknown", "0.png"), "A name is a text other than 'unknown'"),
        (("enroll", " ", "0.png"), "A name is a text"),
        (("enroll", "two\nlines", "0.png"), "A name is one line of text"),
        (("enroll", "\udcff", "0.png"), "A name is one line of text"),
        (("enroll", "Ann", "none.png"), "none.png does not exist"),
        (("enroll", "Ann", "0.png", "text.png"), "text.png is no png"),
        (("identify", "text.png"), "text.png is no png"),
        (("identify", "0.png", "-k", 0), "k is a number of names, at least 1, not 0"),
        (("identify", "0.png", "--threshold", "nan"), "threshold is a distance, a finite number, not nan"),
        (("compare", "0.png", "1.png", "--threshold", "inf"), "threshold is a distance, a finite number, not inf"),
    ],
    ids=str,
)
def test_a_mistake_about_names_is_one_line_and_changes_nothing(arguments, message, known, shots, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text.png").write_text("no picture")
    before = {path: path.read_bytes() for path in known.rglob("*.*") if path.is_file()}
    code, _, error = invoke(*arguments, "--model", known)
    assert code == 1
    assert message in error
    assert "\n" not in error
    assert {path: path.read_bytes() for path in known.rglob("*.*") if path.is_file()} == before


def test_nobody_is_known_at_first(shots):
    code, _, error = invoke("identify", shots[0], "--model", OLD / "sigmoid")
    assert code == 1
    assert error == "Nobody is enrolled. Enroll a name with its images first."
