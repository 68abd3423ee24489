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
from dask.distributed import wait
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import textsiam
from textsiam import TextsiamError, load_model, score_frame
from textsiam.files.journal import Journal
from textsiam.inference.decisions import remote_decisions
from textsiam.inference.folder import write_bundle
from textsiam.scoring import cluster as distributed
from textsiam.scoring.part_folder import PartFolder
from textsiam.scoring.parts import Job, plan_file, score_part
from textsiam.scoring.rows import Options, Pace, ScoreSummary

ROWS, PART = 230, 10  # of a table; of a part
SMALL = Pace(chunk=PART // 2, segment=2)
COUNTS = ("rows", "duplicates", "blank_rows", "rejected_rows")


def score_file(*arguments, pace=SMALL, **options):
    """Score in parts so small that a short table has many."""
    return textsiam.score_file(*arguments, pace=pace, **options)


@pytest.fixture(scope="module")
def cluster():
    """Two processes, as scoring starts them itself."""
    with distributed._cluster(None, 2) as client:
        yield client


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
    header = tables[0][: tables[0].index(b"\n") + 1]
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


def test_answers_do_not_depend_on_the_parts(source, dask_score, model_folder):
    score_file(source / "in.csv", source / "local.csv", model=model_folder, pace=Pace(10_000))
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


def test_a_result_that_is_lost_with_its_worker_is_waited_for(tmp_path):
    """It had been announced as finished; a scheduler that is lost is another matter."""
    with distributed._cluster(None, 2) as client:
        run = distributed._Run(client, None, [], None, None)
        for _ in range(3):
            future = client.submit(os.getpid, pure=False)
            wait(future)
            assert future.status == "finished"
            holder = next(iter(client.who_has([future])[future.key]))
            os.kill(client.run(os.getpid, workers=[holder])[holder], signal.SIGKILL)
            deadline = time.monotonic() + 30
            while future.status == "finished" and time.monotonic() < deadline:
                time.sleep(0.001)
            assert run._result(future, "in.csv") > 0


def test_workers_that_are_killed_cost_nothing_but_time(source, model_folder):
    """SIGKILL a process while all score; then let one die half way through a part."""
    expected = score_file(source / "in.csv", source / "local.csv", model=model_folder)

    def die_half_way():
        from textsiam.scoring import parts as partitions

        def die(table, chunk, *_, **__):
            if chunk.raw[0] > b"H":
                os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError

        partitions.score_chunk = die

    with distributed._cluster(None, 2) as client:
        first, second = client.run(os.getpid).items()

        def kill(rows, _):
            if rows == ROWS // PART // 3 * PART:
                os.kill(first[1], signal.SIGKILL)
                client.run(die_half_way, workers=[second[0]])

        options = {"model": model_folder, "engine": "dask", "scheduler": client.scheduler.address}
        found = score_file(source / "in.csv", source / "o.csv", progress=kill, **options)
        client.wait_for_workers(2, timeout=30)
        assert not {first[1], second[1]} & set(client.run(os.getpid).values())
    assert counts(found) == counts(expected)
    assert joined(source / "o.csv") == (source / "local.csv").read_bytes()


def test_a_scheduler_that_is_lost_gets_one_line(source, dask_score, model_folder, tmp_path):
    code = """
import sys
import time
from textsiam.scoring import cluster
if __name__ == "__main__":
    with cluster._processes(1) as address:
        print(address, flush=True)
        sys.stdin.read()
"""
    (tmp_path / "in_host.py").write_text(code)
    command = [sys.executable, tmp_path / "in_host.py"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as host:
        address = host.stdout.readline().strip()
        with pytest.raises(TextsiamError, match=r"scheduler was lost. The same call resumes"):
            dask_score(source / "in.csv", source / "o.csv", scheduler=address, progress=lambda *_: host.kill())
    assert dask_score(source / "in.csv", source / "o.csv").resumed_rows >= PART


def test_a_part_that_costs_worker_after_worker_gets_one_line(source, dask_score, monkeypatch):
    monkeypatch.setattr(distributed, "plan_file", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(TextsiamError, match=r"in.csv has cost 4 workers their lives"):
        dask_score(source / "in.csv", source / "o.csv")
    assert left(source) == []


CLIENT = """
import os, signal, sys, time
from textsiam import score_file
from textsiam.scoring.rows import Pace
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
source, output, model, scheduler, after, number = sys.argv[1:]

def stop(rows, _):
    if rows >= int(after):
        if number == "SIGINT":
            os.killpg(0, signal.SIGINT)  # as a terminal does: to the workers too
        else:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)

if __name__ == "__main__":
    options = {"scheduler": scheduler} if scheduler else {"workers": 1}
    options["pace"] = Pace(5, 2)
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
    command += ["", "50", "SIGINT"]
    process = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, start_new_session=True)
    assert process.stderr.splitlines()[-1] == "KeyboardInterrupt"
    assert process.stderr.startswith("Traceback")
    assert process.stderr.count("Traceback") == 1  # ours, no worker's
    assert dask_score(source / "in.csv", source / "o.csv").resumed_rows >= 50


# Going on, and refusing to


def stopped(source, dask_score, **options):
    """Break off after a third of the rows."""

    def stop(rows, _):
        if rows >= ROWS // 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dask_score(source / "in.csv", source / "o.csv", progress=stop, **options)


@pytest.mark.parametrize("change", ["threshold", "column", "model", "input", "shorter", "files"])
def test_a_run_of_other_work_is_not_gone_on_with(source, dask_score, model_folder, change, tmp_path):
    stopped(source, dask_score)
    given, options = source / "in.csv", {}
    if change == "threshold":
        options["threshold"] = 0.9
    elif change == "column":
        options["question1"] = "id"
    elif change == "model":
        bundle = load_model(model_folder).bundle
        options["model"] = source / "in_model"
        write_bundle(options["model"], replace(bundle, config={**bundle.config, "threshold": {"value": 0.3}}))
    elif change == "input":
        given.write_bytes(given.read_bytes().replace(b"0003", b"0333"))
    elif change == "shorter":
        given.write_bytes(given.read_bytes()[:300])
        given.write_bytes(given.read_bytes()[: given.read_bytes().rindex(b"\n", 0, 250) + 1] + b"Why?,Who?,1,\n")
    else:
        given = str(source / "in*.csv")
        shutil.copy(source / "in.csv", source / "in2.csv")
    with pytest.raises(TextsiamError, match="unfinished run"):
        dask_score(given, source / "o.csv", **options)
    again = dask_score(given, source / "o.csv", overwrite=True, **options)
    whole_run = dask_score(given, source / "whole.csv", **options)
    assert counts(again) == counts(whole_run)
    assert joined(source / "o.csv") == joined(source / "whole.csv")
    assert len(parts_of(source / "o.csv")) == len(parts_of(source / "whole.csv"))


def test_the_end_of_a_run_can_be_done_again(source, dask_score, monkeypatch):
    for owner, name in ((PartFolder, "rename"), (Journal, "remove")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, lambda _: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                dask_score(source / "in.csv", source / f"{name}.csv")
    assert left(source) == ["remove.csv", "remove.csv.journal", "rename.csv.journal", "rename.csv.part"]
    for name in ("rename", "remove"):
        summary = dask_score(source / "in.csv", source / f"{name}.csv")
        assert (summary.rows, summary.resumed_rows) == (ROWS, ROWS)
    assert left(source) == ["remove.csv", "rename.csv"]


@pytest.mark.parametrize("text", ["nonsense", '{"work": {}, "step": {}}'])
def test_a_journal_or_index_that_is_none(source, dask_score, text):
    stopped(source, dask_score)
    for path in (source / "o.csv.part" / "_parts.jsonl", source / "o.csv.journal"):
        before = path.read_bytes()
        path.write_text(f"{text}\n")
        with pytest.raises(TextsiamError, match="journal"):
            dask_score(source / "in.csv", source / "o.csv")
        path.write_bytes(before)
    path.write_text(text)
    assert dask_score(source / "in.csv", source / "o.csv", overwrite=True).resumed_rows == 0


def test_an_index_edited_by_hand_is_refused(source, dask_score):
    stopped(source, dask_score)
    index = source / "o.csv.part" / "_parts.jsonl"
    written = index.read_bytes()
    for old, new in ((b'"duplicates": ', b'"duplicates": 1'), (b'"rows": 10,', b'"rows": 11,'), (b"in.csv", b"im.csv")):
        assert old in written
        index.write_bytes(written.replace(old, new, 1))
        with pytest.raises(TextsiamError, match="cannot be read as a journal"):
            dask_score(source / "in.csv", source / "o.csv")
    index.write_bytes(written)
    assert dask_score(source / "in.csv", source / "o.csv").resumed_rows >= ROWS // 3


def test_a_folder_of_parts_that_was_lost(source, dask_score):
    stopped(source, dask_score)
    (source / "o.csv.part").rename(source / "in_another_place")
    with pytest.raises(TextsiamError, match="is lost"):
        dask_score(source / "in.csv", source / "o.csv")


def test_an_output_is_replaced_only_when_told(source, dask_score, model_folder):
    dask_score(source / "in.csv", source / "o.csv")
    with pytest.raises(TextsiamError, match="exists already"):
        dask_score(source / "in.csv", source / "o.csv")
    with pytest.raises(TextsiamError, match="has no column 'q'"):
        dask_score(source / "in.csv", source / "o.csv", question1="q", overwrite=True)
    assert left(source) == ["o.csv"]
    assert dask_score(source / "in.parquet", source / "o.csv", overwrite=True).rows == ROWS
    with pytest.raises(TextsiamError, match="is a folder"):
        score_file(source / "in.csv", source / "o.csv", model=model_folder, overwrite=True)
    (source / "precious.csv").mkdir()
    with pytest.raises(TextsiamError, match="did not make"):
        dask_score(source / "in.csv", source / "precious.csv", overwrite=True)


def test_two_runs_onto_one_output(source, dask_score):
    with FileLock(source / ".o.csv.lock"), pytest.raises(TextsiamError, match="Another run"):
        dask_score(source / "in.csv", source / "o.csv")


# Rows that cannot be read


@pytest.fixture
def bad(source):
    """Spoil two rows; return the folder."""
    lines = [b"id,question1,question2"] + [b"%d,Why %d?,Who?" % (row, row) for row in range(1, 51)]
    lines[13], lines[44] = b"13,only", b'44,"a"b,c'
    (source / "in.csv").write_bytes(b"\n".join(lines) + b"\n")
    return source


def test_a_bad_row_stops_with_file_and_row(bad, dask_score):
    (bad / "in-0.csv").write_bytes(b"id,question1,question2\n0,Why?,Who?\n")
    (bad / "in-1.csv").write_bytes((bad / "in.csv").read_bytes())
    with pytest.raises(TextsiamError) as error:
        dask_score(bad / "in-*.csv", bad / "o.csv")
    assert "in-1.csv, row 13 (line 14) has 2 fields, the header 3" in str(error.value)
    assert "\n" not in str(error.value)


def test_skipped_rows_lie_beside_the_parts(bad, dask_score, model_folder):
    expected = score_file(bad / "in.csv", bad / "local.csv", model=model_folder, bad_rows="skip")
    found = dask_score(bad / "in.csv", bad / "o.csv", bad_rows="skip")
    assert counts(found) == counts(expected) == [48, 1, 0, 2][:1] + counts(expected)[1:]
    assert joined(bad / "o.csv") == (bad / "local.csv").read_bytes()
    names = sorted(path.name for path in (bad / "o.csv" / "_rejected").iterdir())
    assert names == ["part-00000-00001.csv.csv", "part-00000-00004.csv.csv"]
    assert joined(bad / "o.csv" / "_rejected") == (bad / "local.csv.rejected.csv").read_bytes()


PIECES = st.sampled_from(
    [b"Why?", b"Who?", b" ", b"a", b",", b",", b'"', b'""', b"\n", b"\n", b"\r\n", b"\r", b"\xc3\xa9", b"\xff", b"\0"]
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=120), st.booleans(), st.sampled_from(["in.csv", "in.csv.gz"]))
def test_parts_of_whatever_bytes_are_what_the_local_engine_writes(tmp_path, model_folder, pieces, bom, name):
    data = b"\xef\xbb\xbf" * bom + b"question1,question2\nWhy?,Who?\n" + b"".join(pieces)
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    folder = tmp_path / "o.csv"
    shutil.rmtree(folder, ignore_errors=True)
    for path in (folder, folder / "_attempts", folder / "_rejected"):
        path.mkdir()
    questions = "question1", "question2"
    here = remote_decisions(model_folder)
    job = Job(str(folder), str(folder / "_attempts"), ".csv", here, Options(questions, skip=True, pace=Pace(2, 2)))
    options = {"bad_rows": "skip", "overwrite": True, "pace": Pace(2, 2)}
    expected = score_file(tmp_path / name, tmp_path / "local.csv", model=model_folder, **options)
    parts = plan_file(job, 0, str(tmp_path / name)).parts
    found = ScoreSummary()
    for part in reversed(parts):  # in any order
        found += score_part(job, part)
    assert counts(found) == counts(expected)
    assert joined(folder) == (tmp_path / "local.csv").read_bytes()
    if found.rejected_rows:
        assert joined(folder / "_rejected") == (tmp_path / "local.csv.rejected.csv").read_bytes()


# One line for every mistake


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"engine": "spark"}, "engine is 'local' or 'dask', not 'spark'"),
        ({"engine": "local", "workers": 2}, 'engine="dask"'),
        ({"engine": "local", "scheduler": "tcp://a:1"}, 'engine="dask"'),
        ({"scheduler": "tcp://a:1", "workers": 2}, "not both"),
        ({"workers": 0}, "at least 1, not 0"),
        ({"source": "-"}, "not standard input"),
        ({"output": "-"}, "not standard input or output"),
        ({"source": "none-*.csv"}, "There is no file"),
        ({"source": "none.csv"}, "There is no file"),
        ({"source": "file:///none.csv", "scheduler": True}, "cannot be read"),
        ({"source": "nobody://none.csv"}, "cannot be read: Protocol not known"),
        ({"source": "in*t"}, "does not end in .csv"),
        ({"output": "o.xls"}, "does not end in .csv"),
        ({"output": "none/o.csv"}, "There is no folder"),
        ({"scheduler": "nonsense"}, "No Dask scheduler answers at nonsense"),
        ({"model": "loaded"}, "Give its folder"),
    ],
)
def test_wrong_choices_get_one_line(source, model_folder, cluster, monkeypatch, change, words):
    monkeypatch.chdir(source)
    (source / "in.txt").touch()
    options = {"source": "in.csv", "output": "o.csv", "engine": "dask", "model": model_folder, **change}
    if options["model"] == "loaded":
        options["model"] = load_model(model_folder)
    if options.get("scheduler") is True:
        options["scheduler"] = cluster.scheduler.address
    with pytest.raises(TextsiamError) as error:
        score_file(**options)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert left(source) == []


def test_tables_of_other_columns(source, dask_score):
    (source / "in-1.csv").write_text("id,question1,question2\n1,Why?,Who?\n")
    (source / "in-2.csv").write_text("question1,question2\nWhy?,Who?\n")
    with pytest.raises(TextsiamError, match=r"in-\d.csv has the columns \w.*; \S*in-\d.csv has \w"):
        dask_score(source / "in-*.csv", source / "o.csv")


def test_tables_without_rows(source, dask_score):
    (source / "in-1.csv").write_text("question1,question2\n")
    with pytest.raises(TextsiamError, match="0 rows"):
        dask_score(source / "in-1.csv", source / "o.csv")
    assert left(source) == []
    (source / "in-2.csv").write_text("question1,question2\nWhy?,Who?\n")
    assert dask_score(source / "in-*.csv", source / "o.csv").rows == 1


def test_a_worker_of_another_model_or_textsiam(model_folder):
    there = remote_decisions(model_folder)
    assert there.load().threshold == load_model(model_folder).threshold
    with pytest.raises(TextsiamError, match="is another than the client's"):
        replace(there, digest="other").load()
    with pytest.raises(TextsiamError, match=r"the client 9\.9\. Install the same"):
        replace(there, version="9.9").load()
    assert remote_decisions(None).folder is None  # wherever textsiam lies there


def test_an_input_that_changes_meanwhile(source, model_folder, tmp_path):
    frame = pd.read_parquet(source / "in.parquet")
    job = Job(
        str(tmp_path),
        str(tmp_path / "_attempts"),
        ".csv",
        remote_decisions(model_folder),
        Options(("question1", "question2"), pace=Pace(5, 2)),
    )
    (tmp_path / "_attempts").mkdir()
    for name in ("in.csv", "in.parquet"):
        part = plan_file(job, 0, str(source / name)).parts[4]
        assert score_part(job, part).rows == PART
        changed = frame.assign(id=frame["id"].replace("0045", "9999"))
        changed.to_csv(source / name, index=False) if name == "in.csv" else changed.to_parquet(
            source / name, index=False, row_group_size=33
        )
        with pytest.raises(TextsiamError, match="changed while it was being scored"):
            score_part(job, part)
    assert list((tmp_path / "_attempts").iterdir()) == []
    with pytest.raises(TextsiamError, match="does not see"):
        score_part(replace(job, attempts=str(tmp_path / "elsewhere")), part)


def test_without_dask(source, model_folder):
    code = """
import sys
import time
sys.modules["distributed"] = sys.modules["dask"] = None  # importing them fails
from textsiam.cli.main import main
sys.argv = ["textsiam", "score", *sys.argv[1:]]
main()
"""
    command = [sys.executable, "-c", code, source / "in.csv", "-o", source / "o.csv", "--model", model_folder]
    assert subprocess.run(command, check=True).returncode == 0
    command[command.index(source / "o.csv")] = source / "p.csv"
    found = subprocess.run([*command, "--engine", "dask"], check=False, capture_output=True, text=True)
    assert found.returncode == 1
    assert found.stderr == (
        "textsiam: This needs distributed, which is not installed. Install it: pip install 'textsiam[dask]'\n"
    )
    assert left(source) == ["o.csv"]


def test_the_command_line(source, cluster, model_folder):
    command = [sys.executable, "-m", "textsiam", "score", source / "in.csv", "-o", source / "o.csv"]
    command += ["--model", model_folder, "--engine", "dask", "--scheduler", cluster.scheduler.address]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    assert found.stdout == ""
    assert found.stderr.startswith(f"{ROWS} rows: ")
    assert found.stderr.count("\n") == 1


# Frames


FRAME = pd.DataFrame(
    {
        "question1": ["How do I learn chess?", None, "Why?", "  ", "How do I learn yoga?"],
        "question2": ["What is the best way to learn chess?", "Who?", "why?", "Who?", "Which hotel in oslo is good?"],
        "id": ["01", "02", "03", "04", "05"],
    },
    index=[3, 3, 1, 0, 7],
)


def expected_frame(model_folder, threshold):
    model = load_model(model_folder)
    asked = FRAME.iloc[[0, 2, 4]]
    probabilities = model.probabilities(asked["question1"].tolist(), asked["question2"].tolist())
    probability = [probabilities[0], float("nan"), probabilities[1], float("nan"), probabilities[2]]
    duplicate = [int(p >= threshold) if p == p else None for p in probability]
    return FRAME.assign(duplicate_probability=probability, duplicate=pd.array(duplicate, dtype="Int8"))


def test_score_frame_of_pandas(model_folder):
    before = FRAME.copy()
    found = score_frame(FRAME, model=model_folder, threshold=0.4)
    pd.testing.assert_frame_equal(found, expected_frame(model_folder, 0.4))
    pd.testing.assert_frame_equal(FRAME, before)
    with_model = score_frame(FRAME, model=load_model(model_folder), threshold=0.4)
    pd.testing.assert_frame_equal(with_model, found)


@pytest.mark.parametrize("where", ["cluster", "threads"])
def test_score_frame_of_dask(model_folder, cluster, where):
    import dask.dataframe as dd

    frame = dd.from_pandas(FRAME, npartitions=3, sort=False)
    lazy = score_frame(frame, model=model_folder, threshold=0.4)
    assert isinstance(lazy, dd.DataFrame)
    found = lazy.compute(scheduler=cluster if where == "cluster" else "threads")
    expected = expected_frame(model_folder, 0.4)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, atol=1e-6)
    assert (lazy.dtypes == found.dtypes).all()
    assert lazy[["duplicate"]].sum().compute(scheduler="threads")["duplicate"] == expected["duplicate"].sum()


@pytest.mark.parametrize(
    ("frame", "options", "words"),
    [
        ([("a", "b")], {}, "takes a frame of pandas or Dask, or an Arrow table, not list"),
        (FRAME, {"question1": "q"}, "The frame has no column 'q'; it has: question1, question2, id."),
        (FRAME.assign(duplicate=1), {}, "'duplicate' already"),
        (FRAME.assign(question2=1), {}, "row 1 of column 'question2' has 1 .int."),
        (FRAME, {"threshold": 2}, "threshold is a probability"),
    ],
)
def test_score_frame_says_what_is_wrong(model_folder, frame, options, words):
    with pytest.raises(TextsiamError, match=words):
        score_frame(frame, model=model_folder, **options)
