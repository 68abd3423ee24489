"""The scripts that measure, as far as they run without other systems and the full data."""

import os
from pathlib import Path

import pandas as pd
import pytest

from textsiam import load_model, read_pairs

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the benchmark runs on Linux")
def test_the_profile_of_the_benchmark_adds_up(tmp_path, monkeypatch):
    for name in ("TF_CPP_MIN_LOG_LEVEL", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_PROGRESS_BARS"):
        monkeypatch.setenv(name, "1")  # the benchmark sets them; they end with this test
    import bench

    pairs = read_pairs(ROOT / "data" / "quora_sample_dev.tsv.gz")[:300]
    parts, speed = bench.profile(load_model(), pairs, 1, tmp_path)
    assert {name.split(":")[0] for name in parts} == set(bench.STAGES)
    in_memory = sum(value for name, value in parts.items() if not name.startswith("file"))
    assert in_memory == pytest.approx(speed["one core"])
    assert speed["share"] == pytest.approx(speed["encoder"] / speed["product"])


def test_the_table_of_the_images_says_what_is_met():
    import image_results

    figures = {"accuracy": 0.985, "minutes": 2.5}
    rows = image_results.table({"mnist-dense": {"a": figures, "b": {**figures, "accuracy": 0.979}}}).splitlines()
    accuracy, minutes = ([cell.strip() for cell in row.strip("|").split("|")] for row in rows[-2:])
    assert accuracy[:5] == ["mnist-dense", "2", "accuracy", "0.9820", "0.9790 – 0.9850"]
    assert (accuracy[7], minutes[7]) == ("yes", "**no**")


def test_a_teacher_is_heard_as_much_as_the_labels(tmp_path):
    import results

    train = pd.DataFrame({"question1": ["null", 'a "b"'], "question2": ["c", "d"], "is_duplicate": [1, 0]})
    mined = pd.DataFrame({"question1": ["e"], "question2": ["f"], "is_duplicate": [0.3]})
    file = tmp_path / "taught.tsv.gz"
    pd.concat([train.assign(is_duplicate=[0.5, 0.25]), mined]).to_csv(file, sep="\t", index=False)
    learnt = results.with_teacher(train, file)
    assert learnt["question1"].tolist() == ["null", 'a "b"', "e"]
    assert learnt["is_duplicate"].tolist() == [0.75, 0.125, 0.3]
    with pytest.raises(SystemExit, match="does not begin with the train pairs"):
        results.with_teacher(train.iloc[::-1], file)


def test_the_table_of_results_adds_the_mean_of_seeds():
    import results

    part = dict.fromkeys(results.FIGURES, 0.5) | {"rows": 1000}
    first = {"minutes": 10.0, "dev": part, "test": part}
    second = {"minutes": 20.0, "dev": {**part, "accuracy": 0.7}}
    rows = results.table({"clean": first, "fast": first, "clean.1": second}).splitlines()[4:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [[row[0], row[2], row[4], row[-1]] for row in cells] == [
        ["clean", "dev", "0.5000", "10"],
        ["clean.1", "dev", "0.7000", "20"],
        ["clean, mean of 2", "dev", "0.6000", "15"],
        ["clean", "test", "0.5000", "10"],
        ["fast", "dev", "0.5000", "10"],
        ["fast", "test", "0.5000", "10"],
    ]
    assert {row[3] for row in cells} == {"1,000"}
