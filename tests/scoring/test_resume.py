"""Scoring that is stopped and gone on with, rows that cannot be read, and hostile tables."""

import csv
import gzip
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import textsiam
from textsiam import TextsiamError, load_model
from textsiam.files.opening import open_table
from textsiam.files.pairs import read_table
from textsiam.inference.model import Model
from textsiam.scoring import file as scoring
from textsiam.scoring.outputs import ParquetOutput, TextOutput
from textsiam.scoring.rows import Pace

HEADER = b"id,question1,question2\n"


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text())))


SMALL = Pace(chunk=5, segment=2)


def score_file(*arguments, pace=SMALL, **options):
    """Score in pieces so small that a short table has many."""
    return textsiam.score_file(*arguments, pace=pace, **options)


class Killed(BaseException):
    """What nobody catches, as nobody catches SIGKILL."""


@pytest.fixture(scope="module")
def model(model_folder):
    return load_model(model_folder)


@pytest.fixture
def source(tmp_path, toy_pairs):
    pairs, _ = toy_pairs(57, seed=3)
    frame = pd.DataFrame(pairs, columns=["question1", "question2"])
    frame["id"] = [f"{number:04}" for number in range(len(frame))]
    frame.to_csv(tmp_path / "in.csv", index=False)
    frame.to_parquet(tmp_path / "in.parquet", index=False)
    return tmp_path


def left(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("in."))


def break_off(monkeypatch, after):
    """Let the run die at the so-manieth write to a file or journal."""
    count = iter(range(10_000))

    def dying(function):
        def call(*arguments, **named):
            if next(count) == after:
                raise Killed
            return function(*arguments, **named)

        return call

    for owner, name in (
        (TextOutput, "write"),
        (TextOutput, "commit"),
        (TextOutput, "finish"),
        (ParquetOutput, "write"),
        (ParquetOutput, "commit"),
        (ParquetOutput, "finish"),
        (ParquetOutput, "clean"),
        (scoring.Journal, "note"),
        (scoring.Journal, "remove"),
    ):
        monkeypatch.setattr(owner, name, dying(getattr(owner, name)))


@pytest.mark.parametrize(
    ("given_file", "output"),
    [("in.csv", "o.csv"), ("in.csv", "o.tsv.gz"), ("in.csv", "o.parquet"), ("in.parquet", "o.parquet")],
)
def test_a_run_stopped_anywhere_is_gone_on_with_to_the_byte(source, model, given_file, output):
    whole = source / f"whole.{output}"
    expected = score_file(source / given_file, whole, model=model)
    target, stops = source / output, 0
    for after in range(100):
        with pytest.MonkeyPatch.context() as patch:
            break_off(patch, after)
            try:
                score_file(source / given_file, target, model=model)
            except Killed:
                stops += 1
            else:
                break
        if not target.exists() or (source / f"{output}.journal").exists():  # else it died when all was done
            summary = score_file(source / given_file, target, model=model)
            assert (summary.rows, summary.duplicates) == (expected.rows, expected.duplicates)
        assert target.read_bytes() == whole.read_bytes(), after
        target.unlink()
        shutil.rmtree(f"{target}.part", ignore_errors=True)  # all that a death after the very last step may leave
        assert left(source) == [whole.name]
    assert stops > 20
    assert left(source) == sorted([output, whole.name])


def test_a_stopped_run_does_not_begin_anew(source, model, monkeypatch):
    with pytest.MonkeyPatch.context() as patch:
        break_off(patch, 20)
        with pytest.raises(Killed):
            score_file(source / "in.csv", source / "o.csv", model=model)
    assert left(source) == ["o.csv.journal", "o.csv.part", "o.csv.rejected.part"]
    assert score_file(source / "in.csv", source / "o.csv", model=model).resumed_rows >= 20


def stopped(source, model, **options):
    with pytest.MonkeyPatch.context() as patch:
        break_off(patch, 20)
        with pytest.raises(Killed):
            score_file(source / "in.csv", source / "o.csv", model=model, **options)


@pytest.mark.parametrize("change", ["threshold", "column", "model", "input"])
def test_a_run_of_other_work_is_not_gone_on_with(source, model, trained, change):
    stopped(source, model)
    options = {"model": model}
    if change == "threshold":
        options["threshold"] = 0.9
    elif change == "column":
        options["question1"] = "id"
    elif change == "model":
        config = {**model.bundle.config, "threshold": {"value": 0.3}}
        options["model"] = Model(replace(model.bundle, config=config))
    else:
        data = (source / "in.csv").read_bytes()
        (source / "in.csv").write_bytes(data.replace(b"0003", b"0333"))
    with pytest.raises(TextsiamError, match="unfinished run"):
        score_file(source / "in.csv", source / "o.csv", **options)
    score_file(source / "in.csv", source / "o.csv", overwrite=True, **options)
    again = score_file(source / "in.csv", source / "whole.csv", **options)
    assert (source / "o.csv").read_bytes() == (source / "whole.csv").read_bytes()
    assert again.rows == 57


def test_rows_added_behind_are_no_change(source, model):
    stopped(source, model)
    with (source / "in.csv").open("a") as file:
        file.write("Why?,What for?,9999\n")
    assert score_file(source / "in.csv", source / "o.csv", model=model).rows == 58


def test_two_runs_onto_one_output(source, model):
    with FileLock(source / ".o.csv.lock"), pytest.raises(TextsiamError, match="Another run"):
        score_file(source / "in.csv", source / "o.csv", model=model)


def test_killed_for_real(source, model_folder, model):
    """SIGKILL at random moments; scripts/kill_scoring.py does it a hundred times on more rows."""
    score_file(source / "in.csv", source / "whole.csv", model=model)
    code = (
        "import sys, time; from textsiam import score_file; from textsiam.scoring.rows import Pace\n"
        "score_file(sys.argv[1], sys.argv[2], model=sys.argv[3], progress=lambda *_: time.sleep(0.02), pace=Pace(2, 2))"
    )
    command = [sys.executable, "-c", code, source / "in.csv", source / "o.csv", model_folder]
    draw = random.Random(0)
    for _ in range(3):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        journal = source / "o.csv.journal"
        deadline = time.monotonic() + 30
        while not journal.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True)
    whole, found = (rows_of(source / name) for name in ("whole.csv", "o.csv"))
    for a, b in zip(whole, found, strict=True):
        assert a["id"] == b["id"]
        assert float(a["duplicate_probability"]) == pytest.approx(float(b["duplicate_probability"]), abs=1.1e-5)


def test_a_part_that_was_lost(source, model):
    stopped(source, model)
    (source / "o.csv.part").unlink()
    with pytest.raises(TextsiamError, match="is lost"):
        score_file(source / "in.csv", source / "o.csv", model=model)
    assert score_file(source / "in.csv", source / "o.csv", model=model, overwrite=True).resumed_rows == 0


@pytest.mark.parametrize("text", ["nonsense", "[]", "[" * 100_000, '{"work": {}, "step": {}}'])
def test_a_journal_that_is_none(source, model, text):
    stopped(source, model)
    (source / "o.csv.journal").write_text(text)
    with pytest.raises(TextsiamError, match="journal"):
        score_file(source / "in.csv", source / "o.csv", model=model)
    assert score_file(source / "in.csv", source / "o.csv", model=model, overwrite=True).rows == 57


def edits(value):
    """Give every number, flag, text and list of JSON values changed, one at a time."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from ({**value, name: changed} for changed in edits(inner))
            yield {other: kept for other, kept in value.items() if other != name}
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield from (value + 1, value - 1, -value - 1, str(value), None, 10**400)
    elif isinstance(value, str):
        yield from (value + "0", value[1:], None)
    elif isinstance(value, list):
        yield value * 2
        yield from ([*value[:n], changed, *value[n + 1 :]] for n, inner in enumerate(value) for changed in edits(inner))
    else:
        yield 0.5


def test_a_journal_edited_by_hand_is_refused(source, model):
    stopped(source, model)
    journal = source / "o.csv.journal"
    written = json.loads(journal.read_text())
    before = {path: path.read_bytes() for path in source.iterdir()}
    count = 0
    for count, edited in enumerate(edits(written), 1):  # noqa: B007
        journal.write_text(json.dumps(edited))
        with pytest.raises(TextsiamError, match="cannot be read as a journal"):
            score_file(source / "in.csv", source / "o.csv", model=model)
        journal.write_bytes(before[journal])
        assert {path: path.read_bytes() for path in source.iterdir()} == before  # nothing was lost by trying
    assert count > 80
    journal.write_text(json.dumps(written))  # laid out otherwise, and the same
    assert score_file(source / "in.csv", source / "o.csv", model=model).resumed_rows == 50


def test_a_journal_of_before_checksums_is_refused_with_the_cure(source, model):
    stopped(source, model)
    journal = source / "o.csv.journal"
    journal.write_text(
        json.dumps({name: value for name, value in json.loads(journal.read_text()).items() if name != "sha256"})
    )
    with pytest.raises(TextsiamError, match="another textsiam wrote it") as error:
        score_file(source / "in.csv", source / "o.csv", model=model)
    assert error.value.cure == "Start anew with overwrite=True."


def test_old_line_ends_are_gone_on_with(source, model):
    data = (source / "in.csv").read_bytes().replace(b"\n", b"\r")
    (source / "in.csv").write_bytes(data)
    score_file(source / "in.csv", source / "whole.csv", model=model)
    stopped(source, model)
    assert score_file(source / "in.csv", source / "o.csv", model=model).resumed_rows > 0
    assert (source / "o.csv").read_bytes() == (source / "whole.csv").read_bytes()


def test_a_gzip_file_cut_between_two_runs(source, model):
    data = gzip.compress((source / "in.csv").read_bytes())
    (source / "in.csv.gz").write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        break_off(patch, 20)
        with pytest.raises(Killed):
            score_file(source / "in.csv.gz", source / "o.csv", model=model)
    (source / "in.csv.gz").write_bytes(data[:200])
    with pytest.raises(TextsiamError, match="has changed since"):
        score_file(source / "in.csv.gz", source / "o.csv", model=model)


# Rows that cannot be read


def test_what_is_written_from_parquet_can_be_read_again(tmp_path, model):
    pairs = {
        "question1": ["Why?", "W\0hy?", "a\r\nb"],
        "question2": ["Who?", 'say "x"', "\ufeff,\t"],
        "id": ["1", "2", "3"],
    }
    pd.DataFrame(pairs).to_parquet(tmp_path / "in.parquet", index=False, row_group_size=1)
    for name in ("o.csv", "o.tsv.gz"):
        with pytest.raises(TextsiamError, match=r"in.parquet, row 2 has a NUL.* Write parquet") as error:
            score_file(tmp_path / "in.parquet", tmp_path / name, model=model)
        assert 'bad_rows="skip"' in error.value.cure
        summary = score_file(tmp_path / "in.parquet", tmp_path / name, model=model, bad_rows="skip")
        assert (summary.rows, summary.rejected_rows) == (2, 1)
        assert (
            read_table(tmp_path / name)[list(pairs)].to_numpy().tolist()
            == pd.DataFrame(pairs).iloc[[0, 2]].to_numpy().tolist()
        )
        rejected = (tmp_path / f"{name}.rejected.csv").read_bytes()
        assert rejected.startswith(b'row,line,reason,text\n2,,"has a NUL')
        assert b"W\0hy?" in rejected
    score_file(tmp_path / "in.parquet", tmp_path / "o.parquet", model=model)
    assert pd.read_parquet(tmp_path / "o.parquet")["question1"].tolist() == pairs["question1"]


def test_a_column_with_a_nul_in_its_name(tmp_path, model):
    pd.DataFrame({"question1": ["a"], "question2": ["b"], "i\0d": ["1"]}).to_parquet(tmp_path / "in.parquet")
    with pytest.raises(TextsiamError, match="NUL in the name of a column"):
        score_file(tmp_path / "in.parquet", tmp_path / "o.csv", model=model)
    assert left(tmp_path) == []


BAD = {
    "few fields": (b"1,only\n", "has 2 fields, the header 3"),
    "many fields": (b"1,a,b,c\n", "has 4 fields, the header 3"),
    "NUL": (b"1,a\0,b\n", "NUL"),
    "UTF-8": (b"1,caf\xe9,b\n", "0xe9"),
    "quote": (b'1,"a"b,c\n', "quote"),
}


@pytest.mark.parametrize(("output", "d"), [("o.csv", ","), ("o.tsv", "\t")])
def test_a_chunk_of_bad_rows_only(tmp_path, model, output, d):
    rows = ["a,b", "1", "2", "what is it,what is it", ",what", "3", "4"]
    (tmp_path / "in.csv").write_text("\n".join(rows) + "\n")
    columns = {"question1": "a", "question2": "b"}
    summary = score_file(tmp_path / "in.csv", tmp_path / output, model=model, bad_rows="skip", pace=Pace(2), **columns)
    assert (summary.rows, summary.blank_rows, summary.rejected_rows) == (2, 1, 4)
    kept = (tmp_path / output).read_text().splitlines()[1:]
    assert kept == [row.replace(",", d) for row in ("what is it,what is it,1.000000,1", ",what,,")]


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_row_stops_or_is_skipped(tmp_path, model, kind):
    bad, reason = BAD[kind]
    (tmp_path / "in.csv").write_bytes(HEADER + b"0,Why?,What for?\n" + bad + b"2,Who?,Whom?\n")
    with pytest.raises(TextsiamError) as error:
        score_file(tmp_path / "in.csv", tmp_path / "o.csv", model=model)
    assert "row 2 (line 3)" in str(error.value)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)
    assert left(tmp_path) == []
    summary = score_file(tmp_path / "in.csv", tmp_path / "o.csv", model=model, bad_rows="skip")
    assert (summary.rows, summary.rejected_rows) == (2, 1)
    rows = (tmp_path / "o.csv").read_bytes().splitlines()
    assert [row[:2] for row in rows] == [b"id", b"0,", b"2,"]
    rejected = (tmp_path / "o.csv.rejected.csv").read_bytes()
    assert bad.rstrip(b"\n").replace(b'"', b'""') in rejected
    assert rejected.startswith(b"row,line,reason,text\n2,3,")


def test_a_quote_that_never_closes_costs_one_row(tmp_path, model):
    rows = b"".join(b"%d,Why?,Who?\n" % number for number in range(50))
    (tmp_path / "in.csv").write_bytes(HEADER + b'0,"open,Who?\n' + rows)
    summary = score_file(tmp_path / "in.csv", tmp_path / "o.csv", model=model, bad_rows="skip")
    assert (summary.rows, summary.rejected_rows) == (50, 1)


def test_a_row_of_several_lines_with_too_few_fields_swallows_no_other(tmp_path, model):
    rows = b"".join(b"%d,Why?,Who?\n" % number for number in range(10))
    (tmp_path / "in.csv").write_bytes(HEADER + b'c,"oops,2\n' + rows + b'z,say hi"\n')
    summary = score_file(tmp_path / "in.csv", tmp_path / "o.csv", model=model, bad_rows="skip")
    assert (summary.rows, summary.rejected_rows) == (10, 2)


def test_parquet_of_any_columns(tmp_path, model):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [["Why?", None], ["Who?", "Whom?"], [b"\xff\x00", b"b"], [1, 2], [3, 4]]
    table = pa.table(columns, names=["question1", "question2", "bytes", "same", "same"])
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=1)
    assert score_file(tmp_path / "in.parquet", tmp_path / "o.parquet", model=model).blank_rows == 1
    found = pq.ParquetFile(tmp_path / "o.parquet").read()
    assert found.select(range(5)).equals(table)
    assert left(tmp_path) == ["o.parquet"]
    with pytest.raises(TextsiamError, match="column 'bytes' holds values that are no text"):
        score_file(tmp_path / "in.parquet", tmp_path / "o.csv", model=model)


def test_a_gzip_file_that_ends_early(tmp_path, model):
    rows = b"".join(b"%d,Why %d?,Who %d?\n" % (n, n * n, n * 7) for n in range(5000))
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(HEADER + rows)[:-2000])
    with pytest.raises(TextsiamError, match="no complete gzip file"):
        score_file(tmp_path / "in.csv.gz", tmp_path / "o.csv", model=model)
    summary = score_file(tmp_path / "in.csv.gz", tmp_path / "o.csv", model=model, bad_rows="skip")
    assert summary.rejected_rows == 1
    assert 1000 < summary.rows < 5000


def test_bom_line_ends_and_no_last_line_end_stay(tmp_path, model):
    data = b"\xef\xbb\xbf" + HEADER.replace(b"\n", b"\r\n") + b'007,"Why?",Who?\r\n\r\n"8",n/a,null'
    (tmp_path / "in.csv").write_bytes(data)
    score_file(tmp_path / "in.csv", tmp_path / "o.csv", model=model)
    header, first, second = (tmp_path / "o.csv").read_bytes().split(b"\r\n")[:3]
    assert header == b"\xef\xbb\xbfid,question1,question2,duplicate_probability,duplicate"
    assert first.startswith(b'007,"Why?",Who?,0.')
    assert second.startswith(b'"8",n/a,null,')
    assert (tmp_path / "o.csv").read_bytes().endswith(b"\r\n")


@pytest.mark.parametrize("content", [b"", b"\n\n", HEADER, b"\xff\xfeq\0", b"a\0b,c\n", b'"a\n'])
def test_tables_without_rows_or_header_get_one_line(tmp_path, model, content):
    (tmp_path / "in.csv").write_bytes(content)
    with pytest.raises(TextsiamError) as error:
        score_file(tmp_path / "in.csv", tmp_path / "o.csv", model=model)
    assert "\n" not in str(error.value)
    assert left(tmp_path) == []


# Choices


def test_formulas_stay_unless_told(tmp_path, model):
    (tmp_path / "in.csv").write_bytes(HEADER + b"=1+1,-Why?,@Who?\n")
    score_file(tmp_path / "in.csv", tmp_path / "o.csv", model=model)
    assert b"\n=1+1,-Why?,@Who?," in (tmp_path / "o.csv").read_bytes()
    score_file(tmp_path / "in.csv", tmp_path / "safe.csv", model=model, spreadsheet_safe=True)
    assert b"\n'=1+1,'-Why?,'@Who?," in (tmp_path / "safe.csv").read_bytes()


def test_prior_moves_probabilities_by_bayes_rule(source, model):
    score_file(source / "in.csv", source / "o.csv", model=model)
    score_file(source / "in.csv", source / "p.csv", model=model, prior=0.05)
    for a, b in zip(*(rows_of(source / name) for name in ("o.csv", "p.csv")), strict=True):
        p, found = float(a["duplicate_probability"]), float(b["duplicate_probability"])
        odds = p / (1 - p) * (0.05 / 0.95) / (model.prior / (1 - model.prior)) if p < 1 else float("inf")
        assert found == pytest.approx(odds / (1 + odds) if p < 1 else 1, abs=1e-4)
        assert b["duplicate"] == str(int(found >= model.threshold))


def test_precision_sets_the_threshold(source, model):
    ladder = model.bundle.config["precisions"]
    assert [precision for precision, _ in ladder] == sorted({precision for precision, _ in ladder})
    reached, threshold = ladder[-1]
    assert model.threshold_for(reached - 0.004) == threshold
    score_file(source / "in.csv", source / "o.csv", model=model, precision=reached)
    for row in rows_of(source / "o.csv"):
        assert row["duplicate"] == str(int(float(row["duplicate_probability"]) >= threshold - 1e-6))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"precision": 0.9, "threshold": 0.5}, "without threshold"),
        ({"precision": 2}, "precision is a share"),
        ({"prior": 1}, "prior is a share"),
        ({"prior": "x"}, "prior is a share"),
        ({"bad_rows": "drop"}, "bad_rows is"),
        ({"threshold": 3}, "threshold"),
        ({"question2": "question1"}, "different columns; received: question1 'question1', question2 'question1'"),
    ],
)
def test_wrong_choices_get_one_line(source, model, options, words):
    with pytest.raises(TextsiamError, match=words):
        score_file(source / "in.csv", source / "o.csv", model=model, **options)
    assert left(source) == []


# Hostile tables


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12) | st.sampled_from(
    ["", "NA", "null", "0012", "1e5", '"', '""', "a\nb", "a\r\nb", ",", "\t", "=1", " x ", "9007199254740993", "'"]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=12),
    st.sampled_from([",", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.integers(1, 5),
)
def test_every_byte_of_hostile_tables_stays(tmp_path, model, rows, delimiter, end, quoting, chunk):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["id", "question1", "question2"])
    writer.writerows(rows)
    suffix = "csv" if delimiter == "," else "tsv"
    (tmp_path / f"in.{suffix}").write_bytes(text.getvalue().encode())
    given, wanted = tmp_path / f"in.{suffix}", tmp_path / f"o.{suffix}"
    summary = score_file(given, wanted, model=model, overwrite=True, pace=Pace(chunk))
    found = list(
        csv.reader(io.StringIO((tmp_path / f"o.{suffix}").read_bytes().decode(), newline=""), delimiter=delimiter)
    )
    assert [tuple(row[:3]) for row in found[1:]] == rows
    assert summary.rows == len(rows)
    position = 0
    with open_table(tmp_path / f"in.{suffix}") as table:  # the bytes of each row stand in the output, in order
        output = (tmp_path / f"o.{suffix}").read_bytes()
        for part in table.chunks(3):
            for raw in part.raw:
                position = output.index(raw + delimiter.encode(), position) + len(raw)


def test_values_that_must_be_quoted_are_when_the_format_changes(tmp_path, model):
    frame = pd.DataFrame({"question1": ["a\rb", 'say "x"', "tab\there"], "question2": ["a,b", "two\nlines", "\r"]})
    frame.to_parquet(tmp_path / "in.parquet", index=False)
    for name in ("o.csv", "o.tsv"):
        score_file(tmp_path / "in.parquet", tmp_path / name, model=model)
        pd.testing.assert_frame_equal(read_table(tmp_path / name)[list(frame)], frame, check_dtype=False)


def mutated(data, draw):
    """Change a few bytes of a file."""
    data = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 8])):
        place = draw.randrange(len(data))
        kind = draw.randrange(4)
        if kind == 0:
            data[place] = draw.randrange(256)
        elif kind == 1:
            data[place:place] = draw.choice([b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b'""', b"\t"])
        elif kind == 2:
            del data[place : place + draw.choice([1, 5, 100])]
        else:
            data[place:place] = data[place : place + 40]
    return bytes(data)


@pytest.mark.parametrize("name", ["in.csv", "in.csv.gz"])
def test_mutated_files_give_an_answer_or_one_line(source, model, name):
    data = (source / "in.csv").read_bytes()
    data = gzip.compress(data) if name.endswith(".gz") else data
    draw = random.Random(1)
    outcomes = {"answer": 0, "line": 0}
    for _ in range(int(os.environ.get("TEXTSIAM_MUTATIONS", "150"))):
        (source / name).write_bytes(mutated(data, draw))
        try:
            summary = score_file(source / name, source / "o.csv", model=model, overwrite=True, bad_rows="skip")
        except TextsiamError as error:
            assert "\n" not in str(error)
            outcomes["line"] += 1
        else:
            outcomes["answer"] += 1
            assert len(read_table(source / "o.csv")) == summary.rows if summary.rows else True
    assert outcomes["answer"] > 0


def test_the_journal_is_plain_json(source, model):
    stopped(source, model)
    assert json.loads((source / "o.csv.journal").read_text())["step"]["position"]["rows"] == 50
