"""Scoring on a Dask cluster: the answers of the local engine, whatever dies on the way."""

import csv
import gzip
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pandas as pd
import pytest
from filelock import FileLock

from textsiam import TextsiamError, distributed, load_model, score_file, score_frame, scoring
from textsiam.parts import PartFolder
from textsiam.runtime import Model

ROWS, PART = 230, 10  # of a table; of a part
COUNTS = ("rows", "duplicates", "blank_rows", "rejected_rows")


@pytest.fixture(scope="module")
def cluster():
    """Two processes, as scoring starts them itself."""
    with distributed._cluster(None, 2) as client:
        yield client


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Parts so small that a short table has many."""
    for module in (scoring, distributed):
        monkeypatch.setattr(module, "CHUNK", PART // 2)
        monkeypatch.setattr(module, "SEGMENT", 2)


@pytest.fixture
def dask_score(cluster, model_folder):
    def score(source, output, **options):
        options = {"model": model_folder, "scheduler": cluster.scheduler.address, **options}
        return score_file(source, output, engine="dask", **options)

    return score


@pytest.fixture
def source(tmp_path, toy_pairs):
    """Write the same hostile rows as csv, gzipped tsv and parquet; return the folder."""
    pairs, _ = toy_pairs(ROWS, seed=3)
    frame = pd.DataFrame(pairs, columns=["question1", "question2"], dtype=str)
    frame["id"] = [f"{number:04}" for number in range(ROWS)]
    frame["note"] = ["two\nlines", 'say "x", y', "tab\there", "=1", "", "é😀", " x ", "a\r\nb", "NA", "1e5"] * (
        ROWS // 10
    )
    frame.loc[17, "question1"] = "  "
    frame.loc[118, "question2"] = ""
    frame.loc[::7, "question2"] += "\nor not?"
    frame.to_csv(tmp_path / "in.csv", index=False)
    frame.to_csv(tmp_path / "in.tsv.gz", index=False, sep="\t", lineterminator="\r\n")
    frame.to_parquet(tmp_path / "in.parquet", index=False, row_group_size=33)
    return tmp_path


def parts_of(folder):
    return sorted(path for path in folder.iterdir() if not path.name.startswith("_"))


def joined(folder):
    """Return the tables of a folder, the header once."""
    tables = [path.read_bytes() for path in parts_of(folder)]
    if folder.suffix == ".gz":
        tables = [gzip.decompress(table) for table in tables]
    header = os.path.commonprefix(tables)
    header = header[: header.index(b"\n") + 1]
    return header + b"".join(table.removeprefix(header) for table in tables)


def whole(path):
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def left(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(("in", ".")))


def counts(summary):
    return [getattr(summary, name) for name in COUNTS]


# The same answers


@pytest.mark.parametrize(
    ("given", "output"),
    [
        ("in.csv", "o.csv"),
        ("in.tsv.gz", "o.tsv.gz"),
        ("in.tsv.gz", "o.csv"),
        ("in.parquet", "o.csv"),
    ],
)
def test_parts_side_by_side_are_what_the_local_engine_writes(source, dask_score, model_folder, given, output):
    expected = score_file(source / given, source / f"local.{output}", model=model_folder)
    calls = []
    found = dask_score(source / given, source / output, progress=lambda *call: calls.append(call))
    assert counts(found) == counts(expected)
    assert found.blank_rows == 2
    assert joined(source / output) == whole(source / f"local.{output}")
    suffix = output.removeprefix("o")
    assert [path.name for path in parts_of(source / output)] == [
        f"part-00000-{number:05}{suffix}" for number in range(ROWS // PART)
    ]
    assert left(source) == sorted([f"local.{output}", output])
    assert calls[-1] == (ROWS, 1)
    assert [rows for rows, _ in calls] == list(range(PART, ROWS + 1, PART))


@pytest.mark.parametrize("given", ["in.csv", "in.parquet"])
def test_parquet_keeps_its_types(source, dask_score, model_folder, given):
    score_file(source / given, source / "local.parquet", model=model_folder)
    dask_score(source / given, source / "o.parquet")
    expected = pd.read_parquet(source / "local.parquet")
    found = pd.read_parquet(source / "o.parquet")  # a folder, as every reader of parquet takes it
    pd.testing.assert_frame_equal(found, expected)


def test_answers_do_not_depend_on_the_parts(source, dask_score, model_folder, monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK", 10_000)
    score_file(source / "in.csv", source / "local.csv", model=model_folder)
    dask_score(source / "in.csv", source / "o.csv")
    one, other = (
        list(csv.DictReader(io.StringIO(text.decode(), newline="")))
        for text in (whole(source / "local.csv"), joined(source / "o.csv"))
    )
    for a, b in zip(one, other, strict=True):
        for name in a:
            if name == "duplicate_probability" and a[name]:
                assert float(a[name]) == pytest.approx(float(b[name]), abs=1.01e-6)
            else:
                assert a[name] == b[name]


@pytest.mark.parametrize("address", ["", "file://"])
def test_a_pattern_takes_files_in_the_order_of_their_names(source, dask_score, model_folder, address):
    names = ["in-b.csv", "in-a.csv", "in-c.csv"]
    for name, rows in zip(names, (25, 12, 1), strict=True):
        pd.read_csv(source / "in.csv", dtype=str, keep_default_na=False).head(rows).to_csv(source / name, index=False)
    summary = dask_score(f"{address}{source}/in-*.csv", source / "o.csv")
    assert summary.rows == 38
    local = []
    for name in sorted(names):
        score_file(source / name, source / f"local-{name}", model=model_folder)
        local.append((source / f"local-{name}").read_bytes())
    header = local[0][: local[0].index(b"\n") + 1]
    assert joined(source / "o.csv") == header + b"".join(table.removeprefix(header) for table in local)
    assert [path.name[5:16] for path in parts_of(source / "o.csv")] == [
        "00000-00000",
        "00000-00001",
        "00001-00000",
        "00001-00001",
        "00001-00002",
        "00002-00000",
    ]


def test_whatever_fsspec_reaches(source, model_folder):
    """Files in memory, which only workers of this process see."""
    import fsspec
    from distributed import Client, LocalCluster

    data = {"in.csv": (source / "in.csv").read_bytes(), "in.parquet": (source / "in.parquet").read_bytes()}
    score_file(source / "in.csv", source / "local.csv", model=model_folder)
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0") as threads,
        Client(threads) as client,
    ):
        for name, content in data.items():
            fsspec.filesystem("memory").pipe(f"/pairs/{name}", content)
            output = source / f"{name}.csv"
            score_file(
                f"memory://pairs/{name[:-1]}*",
                output,
                model=model_folder,
                engine="dask",
                scheduler=client.scheduler.address,
            )
            assert len(list(csv.reader(io.StringIO(joined(output).decode(), newline="")))) == ROWS + 1
        assert joined(source / "in.csv.csv") == (source / "local.csv").read_bytes()
    score_file("memory://pairs/in.csv", source / "remote.csv", model=model_folder)  # the local engine reaches it too
    assert (source / "remote.csv").read_bytes() == (source / "local.csv").read_bytes()


# Whatever dies


def test_a_worker_that_is_killed_costs_nothing_but_time(source, model_folder):
    """SIGKILL one of two real processes while both score."""
    expected = score_file(source / "in.csv", source / "local.csv", model=model_folder)
    with distributed._cluster(None, 2) as client:
        before = client.run(os.getpid)
        killed = []

        def kill(rows, _):
            if rows >= ROWS // 3 and not killed:
                killed.append(next(iter(before.values())))
                os.kill(killed[0], signal.SIGKILL)

        found = score_file(
            source / "in.csv",
            source / "o.csv",
            model=model_folder,
            engine="dask",
            scheduler=client.scheduler.address,
            progress=kill,
        )
        client.wait_for_workers(2, timeout=30)
        assert killed[0] not in client.run(os.getpid).values()
    assert killed
    assert counts(found) == counts(expected)
    assert joined(source / "o.csv") == (source / "local.csv").read_bytes()


CLIENT = """
import os, signal, sys, time
from textsiam import distributed, score_file
distributed.CHUNK, distributed.SEGMENT = 5, 2
source, output, model, scheduler, after, number = sys.argv[1:]

def stop(rows, _):
    if rows >= int(after):
        os.kill(os.getpid(), getattr(signal, number))
        time.sleep(60)

if __name__ == "__main__":
    options = {"scheduler": scheduler} if scheduler else {"workers": 1}
    score_file(source, output, model=model, engine="dask", progress=stop, **options)
"""


def test_a_killed_client_is_gone_on_with(source, dask_score, model_folder, cluster, tmp_path):
    score_file(source / "in.csv", source / "local.csv", model=model_folder)
    (tmp_path / "in_client.py").write_text(CLIENT)
    command = [sys.executable, tmp_path / "in_client.py", source / "in.csv", source / "o.csv", model_folder]
    process = subprocess.run([*command, cluster.scheduler.address, "100", "SIGKILL"], check=False)
    assert process.returncode == -signal.SIGKILL
    assert left(source) == ["local.csv", "o.csv.journal", "o.csv.part"]
    with pytest.raises(TextsiamError, match="unfinished run of another options"):
        dask_score(source / "in.csv", source / "o.csv", threshold=0.99)
    finished = parts_of(source / "o.csv.part")
    finished[3].unlink()
    with (source / "o.csv.part" / "_parts.jsonl").open("a") as index:
        index.write('{"part": {"name": "part-0000')  # what a crash cut off
    found = dask_score(source / "in.csv", source / "o.csv")
    assert found.resumed_rows >= 90
    assert found.rows == ROWS
    assert joined(source / "o.csv") == (source / "local.csv").read_bytes()
    assert left(source) == ["local.csv", "o.csv"]


def test_ctrl_c_stops_a_cluster_of_its_own_at_once(source, dask_score, model_folder, tmp_path):
    (tmp_path / "in_client.py").write_text(CLIENT)
    command = [sys.executable, tmp_path / "in_client.py", source / "in.csv", source / "o.csv", model_folder]
    process = subprocess.run([*command, "", "50", "SIGINT"], check=False, capture_output=True, timeout=60)
    assert process.stderr.splitlines()[-1] == b"KeyboardInterrupt"
    assert b"distributed" not in process.stderr.replace(b"distributed.py", b"").replace(b"/distributed/", b"")
    assert dask_score(source / "in.csv", source / "o.csv").resumed_rows >= 50
