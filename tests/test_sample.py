"""The committed data and the scripts that made it."""

import csv
import gzip
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from textsiam.errors import TextsiamError
from textsiam.files.pairs import read_pairs
from textsiam.files.splits import split_pairs

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
COLUMNS = ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"]


def rows(name):
    """A table of data/ as Python's csv module reads it."""
    with gzip.open(DATA / name, "rt", encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t", strict=True))


def run(script, *arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "scripts" / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(scope="module")
def sides():
    header, *ids = rows("quora_split_ids.tsv.gz")
    assert header == ["id", "split"]
    return dict(ids)


def test_the_standard_split_has_its_ids(sides):
    assert len(sides) == len(rows("quora_split_ids.tsv.gz")) - 1 == 19_949
    assert sum(side == "dev" for side in sides.values()) == 9_974
    assert sum(side == "test" for side in sides.values()) == 9_975


@pytest.mark.parametrize(("name", "n", "duplicates"), [("train", 20_000, 7_273), ("dev", 2_000, 1_000)])
def test_the_sample(sides, name, n, duplicates):
    header, *pairs = rows(f"quora_sample_{name}.tsv.gz")
    assert header == COLUMNS
    assert len(pairs) == n
    assert sum(pair[5] == "1" for pair in pairs) == duplicates
    assert {sides.get(pair[0], "train") for pair in pairs} == {name}
    ids = [int(pair[0]) for pair in pairs]
    assert ids == sorted(set(ids))
    assert all(pair[3].strip() and pair[4].strip() for pair in pairs)
    assert read_pairs(DATA / f"quora_sample_{name}.tsv.gz").astype(str).to_numpy().tolist() == pairs


def test_the_readme_gives_the_measured_figures():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    for file in DATA.glob("*.gz"):
        line = next(line for line in text.splitlines() if line.startswith(f"| `{file.name}`"))
        assert f"| {file.stat().st_size:,} |" in line
        assert f"| {len(rows(file.name)) - 1:,} |" in line


def test_get_quora_refuses_a_file_that_is_not_the_full_one(tmp_path):
    done = run("get_quora.py", "--file", DATA / "quora_sample_train.tsv.gz", "--out", tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "must have at least 390,000 pairs; it has 20,000" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_download_is_whole_or_refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    from get_quora import download

    source = tmp_path / "source.tsv"
    source.write_bytes(b"question\n" * 1000)
    file = download(source.as_uri(), tmp_path / "file.tsv")
    assert file.read_bytes() == source.read_bytes()
    source.unlink()
    assert download(source.as_uri(), file) == file
    with pytest.raises(TextsiamError, match=r"could not be fetched.*--file"):
        download(source.as_uri(), tmp_path / "other.tsv")

    broken_off = io.BytesIO(b"question\n")
    broken_off.headers = {"Content-Length": "9000"}
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: broken_off)
    with pytest.raises(TextsiamError, match="9 of 9000 bytes"):
        download("http://example.org/", tmp_path / "other.tsv")
    assert not (tmp_path / "other.tsv").exists()


@pytest.fixture(scope="module")
def full():
    folder = os.environ.get("TEXTSIAM_DATA")
    if not folder:
        pytest.skip("TEXTSIAM_DATA names no folder")
    return Path(folder) / "quora_question_pairs.tsv.gz"


@pytest.mark.data
def test_the_sample_is_drawn_again(tmp_path, full):
    done = run("make_sample.py", "--file", full, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("quora_sample_train.tsv.gz", "quora_sample_dev.tsv.gz", "quora_split_ids.tsv.gz"):
        assert gzip.decompress((tmp_path / name).read_bytes()) == gzip.decompress((DATA / name).read_bytes())


@pytest.mark.data
def test_get_quora_splits_the_full_file(tmp_path, full):
    done = run("get_quora.py", "--file", full, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    sizes = {side: len(read_pairs(tmp_path / f"{side}.tsv.gz")) for side in ("train", "dev", "test")}
    assert sizes["dev"] == 9_974
    assert sizes["test"] == 9_975
    assert sizes["train"] >= 370_000


@pytest.mark.data
def test_the_full_set_can_be_cut_without_shared_questions(full, caplog):
    pairs = read_pairs(full)
    split = split_pairs(pairs, "disjoint")
    assert abs(len(split.dev) - 0.1 * len(pairs)) < 1
    assert abs(len(split.test) - 0.1 * len(pairs)) < 1
    train, dev, test = (
        {question.lower() for column in ("question1", "question2") for question in part[column]}
        for part in (split.train, split.dev, split.test)
    )
    assert not (train & dev or train & test or dev & test)
    assert not caplog.records
