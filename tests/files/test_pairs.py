"""`textsiam.files.pairs` against Python's csv module, hand-made tables and a breadth-first search."""

import csv
import gzip
import io
import sys
from collections import Counter, defaultdict, deque

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textsiam.errors import TextsiamError
from textsiam.files.pairs import read_pairs
from textsiam.files.splits import split_pairs
from textsiam.training.data import check_labels

HEADER = ["id", "question1", "question2", "is_duplicate"]
HOSTILE = [
    ["0", 'He said "why?"', "a,b\tc", "0"],
    ["1", "line one\nline two\r\nline three", "", "1"],
    ["2", "NA", "n/a", "0"],
    ["3", "null", "None", "1"],
    ["4", "नमस्ते 你好 🤔", "\u2028 \x85 \ufeff", "0"],
    ["5", " leading, trailing ", "'", "1"],
    ["007", "1.0", "nan", "0"],
]


def table(rows, header=HEADER, delimiter=","):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([header, *rows])
    return out.getvalue().encode()


def texts(frame):
    return frame.astype(str).to_numpy().tolist()


def message(excinfo):
    text = str(excinfo.value)
    assert len(text.splitlines()) == 1, text
    return text


# Reading


@pytest.mark.parametrize("name", ["p.csv", "p.tsv", "p.csv.gz", "P.TSV.GZ", "two.dots.csv"])
def test_hostile_tables_come_back_as_written(tmp_path, name):
    data = table(HOSTILE, delimiter="\t" if "tsv" in name.lower() else ",")
    (tmp_path / name).write_bytes(gzip.compress(data) if name.lower().endswith("gz") else data)
    pairs = read_pairs(tmp_path / name)
    assert list(pairs.columns) == HEADER
    assert texts(pairs) == HOSTILE
    assert pairs["is_duplicate"].dtype == np.int8


value = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
value |= st.sampled_from(["NA", "null", "n/a", '"', '""', "\n", "\r", "\r\n", "\ufeff", ",", "\t", "'", "#", "\\"])


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(value, value, value, st.sampled_from("01")), min_size=1, max_size=6), tabs=st.booleans())
def test_any_text_survives_the_round_trip(tmp_path_factory, rows, tabs):
    file = tmp_path_factory.mktemp("pairs") / ("p.tsv" if tabs else "p.csv")
    file.write_bytes(table(rows, delimiter="\t" if tabs else ","))
    assert texts(read_pairs(file)) == [list(row) for row in rows]


def test_a_byte_order_mark_blank_lines_and_old_line_ends_are_no_data(tmp_path):
    file = tmp_path / "p.csv"
    for newline in (b"\n", b"\r\n", b"\r"):
        lines = b"question1,question2,is_duplicate\n\na,b,1\n\n\nc,d,0\n\n".replace(b"\n", newline)
        file.write_bytes(b"\xef\xbb\xbf" + lines)
        pairs = read_pairs(file)
        assert list(pairs.columns) == ["question1", "question2", "is_duplicate"]
        assert texts(pairs) == [["a", "b", "1"], ["c", "d", "0"]]


def test_standard_input_is_csv(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(table(HOSTILE))))
    assert texts(read_pairs("-")) == HOSTILE
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(TextsiamError, match=r"^standard input is empty"):
        read_pairs("-")


def test_a_question_of_ten_megabytes(tmp_path):
    long = "why " * 2_500_000
    (tmp_path / "p.csv").write_bytes(table([["0", long, "b", "1"]]))
    assert read_pairs(tmp_path / "p.csv")["question1"][0] == long


def test_parquet_of_any_types_becomes_text(tmp_path):
    columns = {
        "question1": pa.array(["a", None, "NA"]),
        "question2": pa.array([b"x", b"\xc3\xa9", None]),
        "is_duplicate": pa.array([True, False, True]),
        "id": pa.array([7, 8, None]),
        "score": pa.array([0.5, None, 2.25]),
        "source": pa.array(["s", None, "s"]).dictionary_encode(),
        "tags": pa.array([["t"], None, []]),
    }
    pq.write_table(pa.table(columns), tmp_path / "p.parquet")
    pairs = read_pairs(tmp_path / "p.parquet")
    assert pairs.columns.tolist() == list(columns)
    assert texts(pairs) == [
        ["a", "x", "1", "7", "0.5", "s", "['t']"],
        ["", "é", "0", "8", "", "", ""],
        ["NA", "", "1", "", "2.25", "s", "[]"],
    ]


def test_what_pandas_writes_is_read(tmp_path):
    frame = pd.DataFrame({"question1": ["a", "b"], "question2": ["c", "d"], "is_duplicate": [1.0, 0.0]})
    frame.to_parquet(tmp_path / "p.parquet")
    frame.to_csv(tmp_path / "p.csv", index=False)
    for name in ("p.parquet", "p.csv"):
        assert texts(read_pairs(tmp_path / name)) == [["a", "c", "1"], ["b", "d", "0"]]


def test_columns_are_named_by_the_user(tmp_path):
    file = tmp_path / "p.csv"
    file.write_bytes(table([["x", "a", "b", "True"]], ["note", "left", "right", "same"]))
    pairs = read_pairs(file, question1="right", question2="left", label="same")
    assert pairs.to_dict("records") == [{"note": "x", "question2": "a", "question1": "b", "is_duplicate": 1}]
    assert list(read_pairs(file, question1="left", question2="right", require_label=False)) == [
        *["note", "question1", "question2", "same"]
    ]


def test_questions_can_be_swapped(tmp_path):
    (tmp_path / "p.csv").write_bytes(table([["0", "a", "b", "1"]]))
    swapped = read_pairs(tmp_path / "p.csv", question1="question2", question2="question1")
    assert (swapped["question1"][0], swapped["question2"][0]) == ("b", "a")


def test_without_labels(tmp_path):
    file = tmp_path / "p.csv"
    file.write_bytes(table([["0", "a", "b"]], HEADER[:3]))
    assert list(read_pairs(file, require_label=False)) == HEADER[:3]
    file.write_bytes(table(HOSTILE))
    assert read_pairs(file, require_label=False)["is_duplicate"].tolist() == [0, 1, 0, 1, 0, 1, 0]


def test_every_accepted_label(tmp_path):
    accepted = {"0": 0, "0.0": 0, "false": 0, "FALSE": 0, "1": 1, "1.0": 1, "True": 1, "tRuE": 1, " 1 ": 1}
    (tmp_path / "p.csv").write_bytes(table([["0", "a", "b", label] for label in accepted]))
    assert read_pairs(tmp_path / "p.csv")["is_duplicate"].tolist() == list(accepted.values())


def test_a_pattern_is_all_files_that_match_it(tmp_path):
    (tmp_path / "p-2.csv").write_bytes(table([["2", "e", "f", "0"]]))
    (tmp_path / "p-1.tsv.gz").write_bytes(
        gzip.compress(table([["0", "a", "b", "1"], ["1", "c", "d", "0"]], delimiter="\t"))
    )
    for pattern in (tmp_path / "p-*", f"file://{tmp_path}/p-[12].*"):
        pairs = read_pairs(pattern)
        assert texts(pairs) == [["0", "a", "b", "1"], ["1", "c", "d", "0"], ["2", "e", "f", "0"]]
        assert pairs.index.tolist() == [0, 1, 2]
    (tmp_path / "p-*").write_bytes(b"")  # a file of that very name comes first
    with pytest.raises(TextsiamError, match="does not end in"):
        read_pairs(tmp_path / "p-*")
    (tmp_path / "p-*").unlink()
    (tmp_path / "p-3.csv").write_bytes(table([["0", "a", "b", "2"]]))
    with pytest.raises(TextsiamError, match=r"p-3.csv, column 'is_duplicate': a label must be .* row 1 has '2'"):
        read_pairs(tmp_path / "p-*")
    (tmp_path / "p-3.csv").write_bytes(table([["a", "b", "1"]], HEADER[1:]))
    with pytest.raises(TextsiamError, match=r"p-3.csv has the columns question1, .*p-1.tsv.gz has id,"):
        read_pairs(tmp_path / "p-*")
    with pytest.raises(TextsiamError, match="There is no file"):
        read_pairs(tmp_path / "q-*.csv")


# Errors: one line each, with the value met

GOOD = table([["0", "a", "b", "1"], ["1", "c", "d", "0"]])
ERRORS = {
    "wrong column": ("p.csv", b"id,q1\n0,a\n", "no column 'question1'; it has: id, q1. Name it with question1=…"),
    "no label": ("p.csv", b"question1,question2\na,b\n", "it has: question1, question2. Name it with label=…"),
    "colons": ("p.csv", b"question1:question2\na:b\n", "question1:question2. If its values are separated by none of"),
    "column name over two lines": ("p.csv", b'"a\nb",c\n1,2\n', "it has: a b, c."),
    "two columns of a name": ("p.csv", b"question1,question1,is_duplicate\na,b,1\n", "two columns 'question1'"),
    "label 2": ("p.csv", GOOD + b"2,e,f,2\n", "a label must be 0, 1, true or false; row 3 has '2'"),
    "label of two lines": ("p.csv", GOOD + b'2,e,f,"ye\ns"\n', r"row 3 has 'ye\ns'"),
    "no label in a row": ("p.csv", GOOD + b"2,e,f,\n", "row 3 has ''"),
    "header alone": ("p.csv", GOOD.splitlines()[0], "0 rows under its header (id, question1, question2, is_duplicate)"),
    "empty": ("p.csv", b"", "p.csv is empty"),
    "blank lines alone": ("p.csv", b"\n\n", "p.csv is empty"),
    "empty gz": ("p.csv.gz", b"", "p.csv.gz is empty"),
    "too few fields": ("p.csv", GOOD + b'2,"e\ne",f,1\n3,g,h\n', "row 4 (line 6) has 3 fields, the header 4"),
    "too many fields": ("p.csv", GOOD + b"2,e,f,g,1\n", "row 3 (line 4) has 5 fields, the header 4"),
    "unclosed quote": ("p.csv", GOOD + b'2,"e,f,1\n3,g,h,1\n', "row 3 (line 4) has an unclosed or stray quote"),
    "stray quote": ("p.csv", GOOD + b'2,"e" e,f,1\n', "row 3 (line 4) has an unclosed or stray quote"),
    "latin-1": ("p.csv", GOOD + "2,é,f,1\n".encode("latin-1"), "row 3 (line 4) is not UTF-8: its byte 2 is 0xe9"),
    "utf-16": ("p.csv", GOOD.decode().encode("utf-16-le"), "has a NUL, its byte 1: the file is binary, or UTF-16"),
    "binary": ("p.csv", b"PK\x03\x04\x00\xff", "has a NUL, its byte 4: the file is binary, or UTF-16"),
    "gzip of few bytes": ("p.tsv.gz", gzip.compress(GOOD)[:7], "no complete gzip file"),
    "gzip broken off": ("p.csv.gz", gzip.compress(GOOD)[:-9], "no complete gzip file"),
    "gzip altered": ("p.csv.gz", gzip.compress(GOOD)[:12] + b"\xff\xff\xff", "no complete gzip file"),
    "no parquet": ("p.parquet", GOOD, "is no readable parquet: Parquet magic bytes not found"),
    "empty parquet": ("p.parquet", b"", "Parquet file size is 0 bytes. Rewrite it."),
    "unknown suffix": ("p.xlsx", GOOD, "p.xlsx does not end in .csv, .tsv, .csv.gz, .tsv.gz or .parquet"),
    "parquet in gz": ("p.parquet.gz", GOOD, "p.parquet.gz does not end in"),
    "no suffix": ("pairs", GOOD, "pairs does not end in"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "data", "expected"), ERRORS.values(), ids=ERRORS)
def test_a_bad_file_is_refused_in_one_line(tmp_path, name, data, expected):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(TextsiamError) as error:
        read_pairs(tmp_path / name)
    assert expected in message(error)
    assert str(tmp_path / name) in message(error)


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    for name, expected in (("missing.csv", "No such file"), ("folder.csv", "Is a directory"), ("", "Is a directory")):
        with pytest.raises(TextsiamError, match=expected) as error:
            read_pairs(tmp_path / name)
        assert str(tmp_path / name) in message(error)


def test_parquet_errors(tmp_path):
    file = tmp_path / "p.parquet"
    pq.write_table(pa.table([["a"], ["b"], [1]], names=["question1", "question1", "is_duplicate"]), file)
    with pytest.raises(TextsiamError, match="two columns 'question1'"):
        read_pairs(file)
    pq.write_table(
        pa.table({"question1": ["a"], "question2": ["b"], "is_duplicate": pa.array([None], pa.bool_())}), file
    )
    with pytest.raises(TextsiamError, match="row 1 has ''"):
        read_pairs(file)
    pq.write_table(pa.table({"question1": [b"\xff"], "question2": ["b"], "is_duplicate": [1]}), file)
    with pytest.raises(TextsiamError, match="UTF8") as error:
        read_pairs(file)
    message(error)
    pq.write_table(pa.table({"question1": ["a" * 500] * 50, "question2": ["b"] * 50, "is_duplicate": [1] * 50}), file)
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:4] + bytes(len(whole) - 60) + whole[-56:]):
        file.write_bytes(damaged)
        with pytest.raises(TextsiamError, match="is no readable parquet") as error:
            read_pairs(file)
        message(error)


def test_column_names_that_clash_are_refused(tmp_path):
    file = tmp_path / "p.csv"
    file.write_bytes(table([["a", "b", "c", "1"]], ["text", *HEADER[1:]]))
    with pytest.raises(TextsiamError, match="column 'question1' beside 'text'"):
        read_pairs(file, question1="text")
    with pytest.raises(TextsiamError, match="column 'is_duplicate' beside 'gold'"):
        read_pairs(file, label="gold", require_label=False)
    with pytest.raises(TextsiamError, match="received: question1 'text', question2 'text', label 'is_duplicate'"):
        read_pairs(file, question1="text", question2="text")


def test_errors_that_are_not_the_files_pass_through(tmp_path, monkeypatch):
    def exhausted(*_):
        raise MemoryError

    (tmp_path / "p.csv.gz").write_bytes(gzip.compress(GOOD))
    monkeypatch.setattr(gzip.GzipFile, "readline", exhausted)
    with pytest.raises(MemoryError):
        read_pairs(tmp_path / "p.csv.gz")


@pytest.mark.parametrize("labels", [[0, 1, 1], [False, True, True], np.array([0.0, 1, 1]), ["0", "TRUE", "1.0"]])
def test_labels_of_both_classes_pass(labels):
    checked = check_labels(labels)
    assert checked.dtype == np.int8
    assert checked.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([1, 1, 1], "must hold both 0 and 1; all 3 are 1"),
        ([0], "all 1 are 0"),
        ([0, 1, 2], "row 3 has '2'"),
        ([0.0, np.nan], "row 2 has"),
        ([0, 1, None], "row 3 has"),
        ([], r"shape (0,)"),
        ([[0], [1]], r"shape (2, 1)"),
    ],
)
def test_labels_that_cannot_be_trained_on(labels, expected):
    with pytest.raises(TextsiamError) as error:
        check_labels(labels, "The training labels")
    assert message(error).startswith("The training labels")
    assert expected in message(error)


# Splitting


def frame(edges, labels=None):
    labels = [0] * len(edges) if labels is None else labels
    rows = [(str(number), a, b, label) for number, ((a, b), label) in enumerate(zip(edges, labels, strict=True))]
    return pd.DataFrame(rows, columns=HEADER)


def labelled(n, share=0.37):
    return frame([(f"a{i}", f"b{i}") for i in range(n)], [int(i < round(n * share)) for i in range(n)])


def parts(split):
    return {side: getattr(split, side) for side in ("train", "dev", "test")}


def assert_partition(split, pairs):
    """Every row once, with its values and its index, in the old order."""
    for part in parts(split).values():
        assert part.index.is_monotonic_increasing
    pd.testing.assert_frame_equal(pd.concat(parts(split).values()).sort_index(), pairs)


@pytest.mark.parametrize("fractions", [(0.8, 0.1, 0.1), (0.9, 0.1, 0), (0.5, 0, 0.5), (1, 0, 0), (0.34, 0.33, 0.33)])
@pytest.mark.parametrize("n", [50, 1003])
def test_random_is_exact_and_stratified(n, fractions):
    pairs = labelled(n)
    split = split_pairs(pairs, "random", fractions=fractions, seed=3)
    assert_partition(split, pairs)
    for part, fraction in zip(parts(split).values(), fractions, strict=True):
        assert abs(len(part) - n * fraction) <= 1
        for label in (0, 1):
            wanted = fraction * (pairs["is_duplicate"] == label).sum()
            assert abs((part["is_duplicate"] == label).sum() - wanted) <= 2
    assert (len(split.dev) == 0) == (fractions[1] == 0)
    assert (len(split.test) == 0) == (fractions[2] == 0)


def test_random_draws_every_pair_equally_often():
    pairs = labelled(20, share=0.5)
    drawn = Counter(
        i for seed in range(600) for i in split_pairs(pairs, fractions=(0.6, 0.2, 0.2), seed=seed).test.index
    )
    counts = np.array([drawn[i] for i in range(20)])
    assert abs(counts - 120).max() < 5 * np.sqrt(600 * 0.2 * 0.8)


def test_seeds(tmp_path):
    pairs = labelled(200)
    for method in ("random", "disjoint"):
        first, again, other = (split_pairs(pairs, method, seed=seed).test.index.tolist() for seed in (1, 1, 2))
        assert first == again != other
    assert split_pairs(labelled(12), seed=0, fractions=(0.5, 0.25, 0.25)).sizes == {"train": 6, "dev": 3, "test": 3}
    assert repr(split_pairs(pairs)) == "Split(train=160, dev=20, test=20)"


def test_the_caller_keeps_his_frame_and_index():
    pairs = labelled(30).set_axis(range(100, 130))
    before = pairs.copy()
    assert_partition(split_pairs(pairs), before)
    pd.testing.assert_frame_equal(pairs, before)


def test_official_ids(tmp_path):
    pairs = labelled(6)
    listed = {"1": "dev", "4": "test", "2": "train", "99": "test"}
    for suffix, pack in ((".tsv", bytes), (".tsv.gz", gzip.compress)):
        file = tmp_path / f"ids{suffix}"
        file.write_bytes(pack(table(listed.items(), ["id", "split"], "\t")))
        for ids in (file, listed):
            split = split_pairs(pairs, "ids", ids=ids)
            assert_partition(split, pairs)
            assert [part["id"].tolist() for part in parts(split).values()] == [["0", "2", "3", "5"], ["1"], ["4"]]
    numbers = split_pairs(pairs.astype({"id": int}), "ids", ids={1: "dev"})
    assert numbers.dev["id"].tolist() == [1]


def components(edges):
    """Number of the connected component of every question, by breadth-first search."""
    neighbours = defaultdict(set)
    for a, b in edges:
        neighbours[a].add(b)
        neighbours[b].add(a)
    found = {}
    for number, start in enumerate(neighbours):
        queue = deque([start])
        while queue:
            question = queue.popleft()
            if question not in found:
                found[question] = number
                queue.extend(neighbours[question])
    return found


questions = st.integers(0, 25).map(lambda number: f"Question {number}?")


@settings(max_examples=100, deadline=None)
@given(
    edges=st.lists(st.tuples(questions, questions), min_size=1, max_size=40),
    seed=st.integers(0, 5),
    fractions=st.sampled_from([(0.8, 0.1, 0.1), (0.7, 0.3, 0), (0.5, 0, 0.5), (0.1, 0.45, 0.45)]),
)
def test_disjoint_keeps_components_whole(edges, seed, fractions):
    pairs = frame(edges)
    split = split_pairs(pairs, "disjoint", fractions=fractions, seed=seed)
    assert_partition(split, pairs)
    assert len(split.train)
    component = components(edges)
    sides = defaultdict(set)
    for side, part in parts(split).items():
        for question in [*part["question1"], *part["question2"]]:
            sides[component[question]].add(side)
    assert all(len(met) == 1 for met in sides.values())
    # No component left in train could bring dev or test nearer to its share.
    left = Counter(component[question] for question in split.train["question1"])
    for part, fraction in ((split.dev, fractions[1]), (split.test, fractions[2])):
        room = len(edges) * fraction - len(part)
        if fraction and len(left) > 1:
            assert all(abs(size - room) >= abs(room) - 1e-9 for size in left.values())
        assert fraction or part.empty


def test_disjoint_compares_questions_without_case_and_white_space():
    same = [("Why  is IT so?\n", "a"), ("why is it so?", "b"), ("STRASSE", "c"), ("straße", "d")]
    pairs = frame(same + [(f"x{i}", f"y{i}") for i in range(36)])
    for seed in range(20):
        split = split_pairs(pairs, "disjoint", fractions=(0.5, 0.25, 0.25), seed=seed)
        assert split.sizes == {"train": 20, "dev": 10, "test": 10}
        for first, second in ((0, 1), (2, 3)):
            assert sum({first, second} <= set(part.index) for part in parts(split).values()) == 1


def test_disjoint_sends_big_components_to_train(caplog):
    chain = [(f"q{i}", f"q{i + 1}") for i in range(60)]
    pairs = frame(chain + [(f"x{i}", f"y{i}") for i in range(940)])
    for seed in range(10):
        split = split_pairs(pairs, "disjoint", seed=seed)
        assert split.sizes == {"train": 800, "dev": 100, "test": 100}
        assert set(range(60)) <= set(split.train.index)
    assert not caplog.records


def test_disjoint_says_when_a_giant_spoils_the_shares(caplog):
    pairs = frame([("hub", f"q{i}") for i in range(95)] + [(f"x{i}", f"y{i}") for i in range(5)])
    split = split_pairs(pairs, "disjoint")
    assert split.sizes["train"] == 95
    assert sorted([len(split.dev), len(split.test)]) == [2, 3]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "10.0 were asked for" in caplog.text


BAD_SPLITS = {
    "method": (dict(method="stratified"), "received 'stratified'"),
    "sum": (dict(fractions=(0.8, 0.1, 0.2)), "received (0.8, 0.1, 0.2)"),
    "negative": (dict(fractions=(1.1, -0.1, 0)), "received (1.1, -0.1, 0)"),
    "no train": (dict(fractions=(0, 0.5, 0.5)), "received (0, 0.5, 0.5)"),
    "two": (dict(fractions=(0.9, 0.1)), "received (0.9, 0.1)"),
    "nan": (dict(fractions=(float("nan"), 0.1, 0.1)), "received (nan, 0.1, 0.1)"),
    "ids missing": (dict(method="ids"), "received 'ids' and ids=None"),
    "ids unused": (dict(ids={"1": "dev"}), "received 'random' and ids={'1': 'dev'}"),
    "no id met": (dict(method="ids", ids={"x9": "dev"}), "lists none of the pairs' ids: 0, 1, 2"),
    "unknown side": (dict(method="ids", ids={"1": "valid"}), "must say train, dev or test; 'valid' met"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), BAD_SPLITS.values(), ids=BAD_SPLITS)
def test_bad_arguments_of_a_split(arguments, expected):
    with pytest.raises(TextsiamError) as error:
        split_pairs(labelled(10), **arguments)
    assert expected in message(error)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"id\tsplit\n1\tdev\n1\ttest\n", "must list an id once; '1' stands there twice"),
        (b"id\tpart\n1\tdev\n", "has no column 'split'; it has: id, part"),
        (b"id\tsplit\n1\n", "row 1 (line 2) has 1 fields, the header 2"),
    ],
)
def test_bad_files_of_ids(tmp_path, data, expected):
    (tmp_path / "ids.tsv").write_bytes(data)
    with pytest.raises(TextsiamError) as error:
        split_pairs(labelled(10), "ids", ids=tmp_path / "ids.tsv")
    assert expected in message(error)


@pytest.mark.parametrize(
    ("method", "column", "ids"),
    [("random", "is_duplicate", None), ("ids", "id", {"1": "dev"}), ("disjoint", "question2", None)],
)
def test_a_split_needs_its_columns(method, column, ids):
    with pytest.raises(TextsiamError) as error:
        split_pairs(labelled(10).drop(columns=column), method, ids=ids)
    assert f"has no column '{column}'" in message(error)
    with pytest.raises(TextsiamError, match="0 rows"):
        split_pairs(labelled(10)[:0], method, ids=ids)
