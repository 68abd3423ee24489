"""Tables as people have them: other delimiters and encodings, gzip under any name, headers with what nobody sees."""

import codecs
import csv
import gzip
import io
import os
import threading

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from textsiam import TextsiamError, read_pairs
from textsiam.files.encodings import encode, open_text, unescape
from textsiam.files.opening import Format, open_table
from textsiam.files.pairs import read_table
from textsiam.files.tables import seen

HEADER = ["id", "question1", "question2", "is_duplicate"]
ROWS = [["0", "a, b; c | d\te", 'say "é"', "1"], ["1", "two\nlines", "—", "0"], ["2", "", "n/a", "1"]]


def written(delimiter=",", header=HEADER, rows=ROWS, end="\r\n"):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows([header, *rows])
    return out.getvalue()


def texts(frame):
    return frame.astype(str).to_numpy().tolist()


# Delimiters


@pytest.mark.parametrize("name", ["p.csv", "p.tsv"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("before", ["", "\ufeff", "sep=;\r\n", '\ufeff"sep=|"\n', "SEP=,\n", "sep=\t\r"])
def test_the_delimiter_is_found_or_said(tmp_path, name, delimiter, before):
    said = next((sign for sign in ",;\t|" if f"={sign}" in before), delimiter)
    (tmp_path / name).write_bytes((before + written(said)).encode())
    assert texts(read_pairs(tmp_path / name)) == ROWS
    assert texts(read_pairs(tmp_path / name, delimiter=said)) == ROWS
    with open_table(tmp_path / name, HEADER) as table:
        assert table.delimiter == said
        assert (table.preamble + table.header).decode().startswith(before)


@pytest.mark.parametrize("delimiter", ["^", ":", " ", "é", "\x1f", "\\t"])
def test_any_delimiter_can_be_named(tmp_path, delimiter):
    (tmp_path / "p.csv").write_bytes(written(delimiter.replace("\\t", "\t")).encode())
    assert texts(read_pairs(tmp_path / "p.csv", delimiter=delimiter)) == ROWS


def test_the_delimiter_that_a_name_promises_comes_first(tmp_path):
    (tmp_path / "p.csv").write_text("question1,question2;x;y;z\na,b;c;d;e\n")
    assert read_table(tmp_path / "p.csv", ["question1"]).columns.tolist() == ["question1", "question2;x;y;z"]
    (tmp_path / "p.csv").write_text("note, or not;question1;question2\na,a;b;c\n")
    assert read_pairs(tmp_path / "p.csv", require_label=False)["question2"].tolist() == ["c"]
    assert read_table(tmp_path / "p.csv").columns.tolist() == ["note", " or not;question1;question2"]


def test_a_line_that_says_the_delimiter_counts_as_a_line(tmp_path):
    (tmp_path / "p.csv").write_text("sep=;\nquestion1;question2\na;b\nc\n")
    with pytest.raises(TextsiamError, match=r"row 2 \(line 4\) has 1 fields, the header 2"):
        read_pairs(tmp_path / "p.csv", require_label=False)
    (tmp_path / "p.csv").write_text("sep=;\n")
    with pytest.raises(TextsiamError, match="is empty"):
        read_pairs(tmp_path / "p.csv")


@pytest.mark.parametrize("delimiter", ["", "ab", '"', "\n", "\0", 7])
def test_what_is_no_delimiter_is_refused(delimiter):
    with pytest.raises(TextsiamError, match="delimiter is one character"):
        read_pairs("none.csv", delimiter=delimiter)


# Encodings


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_a_byte_order_mark_tells_the_encoding(tmp_path, mark, encoding, zipped):
    data = mark + written("\t").encode(encoding)
    (tmp_path / "p.csv").write_bytes(gzip.compress(data) if zipped else data)  # Excel's "Unicode text", under any name
    assert texts(read_pairs(tmp_path / "p.csv")) == ROWS


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "UTF-16LE", "utf_8_sig", "gb18030", "mac-roman", "utf-7"])
def test_an_encoding_can_be_named(tmp_path, encoding):
    (tmp_path / "p.csv").write_bytes(written(";").encode(encoding))
    assert texts(read_pairs(tmp_path / "p.csv", encoding=encoding)) == ROWS


def test_utf_16_without_a_mark_is_little_endian(tmp_path):
    (tmp_path / "p.csv").write_bytes(written().encode("utf-16-le"))
    assert texts(read_pairs(tmp_path / "p.csv", encoding="utf-16")) == ROWS


@pytest.mark.parametrize("encoding", ["nonsense", "rot13", "base64", "", 5, "a\0b"])
def test_what_is_no_encoding_is_refused(encoding):
    with pytest.raises(TextsiamError, match="There is no encoding"):
        read_pairs("none.csv", encoding=encoding)


def test_a_row_that_is_not_of_the_encoding(tmp_path):
    good = written(rows=ROWS[:1], end="\n").encode("utf-16")
    (tmp_path / "p.csv").write_bytes(good + "1,a,\ud800,1\n".encode("utf-16-le", "surrogatepass"))
    with pytest.raises(TextsiamError, match=r"row 2 \(line 3\) is not utf-16-le"):
        read_pairs(tmp_path / "p.csv")
    (tmp_path / "p.csv").write_bytes(b"question1,question2\na,\x81\n")
    with pytest.raises(TextsiamError, match=r"row 1 \(line 2\) is not cp1252"):
        read_pairs(tmp_path / "p.csv", encoding="cp1252", require_label=False)


@given(st.text(max_size=40), st.sampled_from(["utf-16-le", "utf-16-be", "utf-32-le", "gb18030", "utf-8"]))
@example("\ufeffa\r\n", "utf-16-le")
def test_text_of_any_encoding_comes_back_to_the_byte(text, encoding):
    text = text.encode("utf-8", "replace").decode()
    data = text.encode(encoding)
    stream, _ = open_text(io.BytesIO(data), "it", encoding)
    as_utf8 = stream.read()
    assert as_utf8 == text.encode()
    assert encode(as_utf8, encoding) == data


@given(st.binary(max_size=40), st.integers(0, 50), st.sampled_from(["utf-16-le", "cp1252", "shift_jis", "utf-32-be"]))
def test_bytes_that_are_no_text_are_kept_apart(data, place, encoding):
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF8, b"\x1f\x8b")):  # marks, gzip
        return
    stream, _ = open_text(io.BytesIO(data), "it", encoding)
    whole = stream.read()
    stream.seek(place)
    assert stream.read() == whole[place:]
    if encoding == "cp1252":
        assert unescape(whole).decode("utf-8", "surrogateescape").encode("cp1252", "surrogateescape") == data


# Gzip


def test_gzip_is_told_by_its_first_bytes(tmp_path):
    (tmp_path / "p.csv").write_bytes(gzip.compress(written().encode()))
    (tmp_path / "q.csv.gz").write_bytes(written().encode())
    for name in ("p.csv", "q.csv.gz"):
        assert texts(read_pairs(tmp_path / name)) == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_pipe_is_read_but_once(tmp_path, encoding, zipped):
    data = written(";").encode(encoding)
    data = gzip.compress(data) if zipped else data
    os.mkfifo(tmp_path / "p.csv")

    def write():
        with (tmp_path / "p.csv").open("wb", buffering=0) as pipe:
            for place in range(len(data)):
                pipe.write(data[place : place + 1])

    writer = threading.Thread(target=write)
    writer.start()
    assert texts(read_pairs(tmp_path / "p.csv")) == ROWS
    writer.join()


def test_standard_input_of_any_kind(monkeypatch):
    for data in (written("|").encode(), gzip.compress(written().encode()), written("\t").encode("utf-16")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert texts(read_pairs("-")) == ROWS


# Headers


@pytest.mark.parametrize(
    "name", [" question1 ", "\xa0question1", "ques\u200btion1", "\ufeffquestion1\u200e", "question1\t"]
)
def test_what_nobody_sees_in_a_name_makes_no_difference(tmp_path, name):
    (tmp_path / "p.csv").write_bytes(written(header=["id", name, "question2 ", "\u2060is_duplicate"]).encode())
    assert read_pairs(tmp_path / "p.csv").columns.tolist() == HEADER
    assert texts(read_pairs(tmp_path / "p.csv", question1=f" {seen(name)}")) == ROWS


def test_the_name_to_the_letter_comes_first(tmp_path):
    (tmp_path / "p.csv").write_text("question1 ,question1,question2\nno,yes,b\n")
    pairs = read_pairs(tmp_path / "p.csv", require_label=False)
    assert pairs["question1"].tolist() == ["yes"]
    assert pairs.columns.tolist() == ["question1 ", "question1", "question2"]
    (tmp_path / "p.csv").write_text("question1 , question1,question2\na,b,c\n")
    with pytest.raises(TextsiamError, match="two columns 'question1'"):
        read_pairs(tmp_path / "p.csv", require_label=False)


def test_names_that_are_not_asked_for_may_be_anything(tmp_path):
    (tmp_path / "p.csv").write_text("note,question1,,question2,note,,note,note.1\n1,a,2,b,3,4,5,6\n")
    pairs = read_pairs(tmp_path / "p.csv", require_label=False)
    assert pairs.columns.tolist() == ["note", "question1", "", "question2", "note.1", ".1", "note.2", "note.1.1"]
    assert texts(pairs) == [["1", "a", "2", "b", "3", "4", "5", "6"]]


def test_a_long_line_without_a_quote_has_no_stray_one(tmp_path):
    (tmp_path / "p.csv").write_bytes(b"question1,question2\na," + b"b" * (65 << 20) + b"\n")
    with pytest.raises(TextsiamError, match=r"row 1 \(line 2\) is too long: no end of it within 64 MB"):
        read_pairs(tmp_path / "p.csv", require_label=False)


def test_a_form_is_plain():
    assert Format() == Format(None, None)
    assert Format("\\t").delimiter == "\t"
