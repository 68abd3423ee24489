"""Scoring tables: nothing of the user's changes, nothing half-written stays."""

import gzip

import pandas as pd
import pytest

from textsiam import TextsiamError, load_model, score_file
from textsiam.files.pairs import read_table
from textsiam.inference.decisions import decisions
from textsiam.scoring.rows import Pace

ROWS = [
    {"id": "0012", "question1": "What's new?", "question2": 'He said "hi", why?', "note": "NA"},
    {"id": "9007199254740993", "question1": "n/a", "question2": "null", "note": ""},
    {"id": "=1+1", "question1": "", "question2": "Is it?", "note": "two\nlines"},
    {"id": "2026-11-22", "question1": "如何学习Python?", "question2": "How do I learn 😀?", "note": "1.50"},
    {"id": " x ", "question1": "  ", "question2": "", "note": "tab\there"},
]
ADDED = ["duplicate_probability", "duplicate"]


def names(folder):
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def frame():
    return pd.DataFrame(ROWS, dtype=str)


def write(frame, path):
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="\t" if ".tsv" in path.name else ",")
    return path


@pytest.mark.parametrize("source", ["in.csv", "in.tsv", "in.csv.gz", "in.parquet"])
@pytest.mark.parametrize("output", ["out.csv", "out.tsv", "out.tsv.gz", "out.parquet"])
def test_every_value_comes_back(frame, source, output, tmp_path, model_folder, trained):
    summary = score_file(write(frame, tmp_path / source), tmp_path / output, model=model_folder)
    scored = read_table(tmp_path / output)
    pd.testing.assert_frame_equal(scored[list(frame)], frame)
    assert list(scored) == [*frame, *ADDED]
    assert (summary.rows, summary.blank_rows) == (5, 2)
    assert (scored.loc[[2, 4], ADDED] == "").all(axis=None)
    full = frame.loc[[0, 1, 3], ["question1", "question2"]]
    expected = trained.predict_proba(full)[:, 1]
    found = scored.loc[[0, 1, 3], "duplicate_probability"].tolist()
    if output == "out.parquet":
        assert [float(value) for value in found] == [round(p, 6) for p in expected]
    else:
        assert found == [f"{p:.6f}" for p in expected]
    assert summary.duplicates == (expected >= trained.model_.threshold).sum()


def test_the_same_input_gives_the_same_bytes(frame, tmp_path, model_folder):
    source = write(frame, tmp_path / "in.csv")
    for name in ("a.csv.gz", "b.csv.gz"):
        score_file(source, tmp_path / name, model=model_folder)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).startswith(b"id,question1")


def test_chunks_do_not_show(tmp_path, model_folder, toy_pairs):
    pairs, _ = toy_pairs(100, seed=1)
    source = write(pd.DataFrame(pairs, columns=["question1", "question2"]), tmp_path / "in.csv")
    score_file(source, tmp_path / "whole.csv", model=model_folder)
    calls = []
    score_file(
        source,
        tmp_path / "chunks.csv",
        model=model_folder,
        progress=lambda rows, share: calls.append((rows, share)),
        pace=Pace(chunk=7),
    )
    whole, chunks = read_table(tmp_path / "whole.csv"), read_table(tmp_path / "chunks.csv")
    difference = whole["duplicate_probability"].astype(float) - chunks["duplicate_probability"].astype(float)
    assert difference.abs().max() <= 1.1e-5
    assert calls[0][0] == 7
    assert calls[-1] == (100, 1)


def test_answers_do_not_depend_on_what_a_model_remembers(frame, tmp_path, model_folder):
    model = load_model(model_folder, cache_bytes=10**6)
    score_file(write(frame, tmp_path / "in.csv"), tmp_path / "out.csv", model=model)
    assert len(model.cache) == 0
    assert decisions(model).model.cache is None
    assert model.cache is not None


def test_an_output_is_replaced_only_when_told(frame, tmp_path, model_folder):
    source = write(frame, tmp_path / "in.csv")
    (tmp_path / "out.csv").write_text("precious")
    with pytest.raises(TextsiamError, match="overwrite=True"):
        score_file(source, tmp_path / "out.csv", model=model_folder)
    assert (tmp_path / "out.csv").read_text() == "precious"
    score_file(source, tmp_path / "out.csv", model=model_folder, overwrite=True)
    assert (tmp_path / "out.csv").read_text() != "precious"


def test_a_full_disk_leaves_nothing_half_written(frame, tmp_path, model_folder, monkeypatch):
    source = write(frame, tmp_path / "in.csv")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("textsiam.scoring.outputs.TextOutput.write", full)
    with pytest.raises(TextsiamError, match="No space left"):
        score_file(source, tmp_path / "out.csv", model=model_folder)
    assert names(tmp_path) == ["in.csv"]


def test_a_table_that_was_scored_before_is_refused(frame, tmp_path, model_folder):
    source = write(frame.assign(duplicate="1"), tmp_path / "in.csv")
    with pytest.raises(TextsiamError, match="'duplicate' already"):
        score_file(source, tmp_path / "out.csv", model=model_folder)


def test_a_pattern_is_the_dask_engines(tmp_path, model_folder):
    with pytest.raises(TextsiamError, match="is a pattern") as error:
        score_file(tmp_path / "in-*.csv", tmp_path / "out.csv", model=model_folder)
    assert error.value.cure == 'Add engine="dask".'


def test_a_question_of_ten_megabytes(tmp_path, model_folder):
    huge = "word " * 2_000_000
    source = write(pd.DataFrame({"question1": [huge], "question2": ["word word"]}), tmp_path / "in.csv")
    assert score_file(source, tmp_path / "out.csv", model=model_folder).rows == 1


def test_rate_of_nothing_is_zero():
    from textsiam.scoring.file import ScoreSummary

    assert ScoreSummary().pairs_per_second == 0.0
    assert ScoreSummary(rows=14, seconds=2.0, resumed_rows=4).pairs_per_second == 5.0
