"""Text tables: several rows read at once are the rows that are read one by one."""

import csv
import gzip
import io
import time
from dataclasses import asdict

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from textsiam import TextsiamError
from textsiam.files.delimited import LIMITS, Limits, TextTable

PIECES = st.sampled_from(
    [b"a,b\n", b"a,b\r\n", b'"c,""d",e\n', b"\n", b"\r\n", b'"', b",", b"x", b"\r", b"\0", b"\xff", "é,😀\n".encode()]
)
FILES = st.lists(st.just(b"a,b\n") | PIECES, max_size=25).map(b"".join)
WHOLE = 6, 1 << 20, 1 << 25


class Slow(io.BytesIO):
    """A pipe, which gives what has come in, however little."""

    def read1(self, size=-1):
        return super().read1(min(size, 5))


def read(stream, size, limits=LIMITS):
    """Everything that reading a table says."""
    try:
        table = TextTable(stream, ",", "table", limits=limits)
    except TextsiamError as error:
        return str(error)
    return [(asdict(chunk), table.position()) for chunk in table.chunks(size)]


def one_by_one(stream, size, limits=LIMITS):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TextTable, "_several", lambda *_: False)
        return read(stream, size, limits)


@given(FILES, st.integers(1, 6), st.sampled_from([3, 17, 1 << 20]), st.sampled_from([10, 1 << 25]))
@example(b"a,b\na,\0\nc,d\n", *WHOLE)
@example(b'a,b\n"a,b\nc,d\n', *WHOLE)
@example(b'a,b\na,"b\nc"\nd,e\n', *WHOLE)
@example(b'a,b\r\na,"b\rc"\r\nd,e\r\n', *WHOLE)
@example(b'a,b\r\na,"b\rc"\nd,e\r\n', *WHOLE)
@example(b"a,b\r\na,b\nc,d\r\n", *WHOLE)
@example(b"a,b\n" * 9, 6, 1 << 20, 10)
def test_rows_read_together_are_those_read_one_by_one(data, size, block, most):
    data = b"question1,question2\n" + data
    zipped = gzip.compress(data)[:-9]  # its end is missing
    limits = Limits(chunk=most, together=block)
    expected = one_by_one(io.BytesIO(data), size, limits)
    assert read(io.BytesIO(data), size, limits) == expected
    assert read(Slow(data), size, limits) == expected
    cut = one_by_one(gzip.GzipFile(fileobj=io.BytesIO(zipped)), size, limits)
    assert read(gzip.GzipFile(fileobj=io.BytesIO(zipped)), size, limits) == cut


@pytest.fixture
def together(monkeypatch):
    """How many rows were read at once, call by call."""
    counts, several = [], TextTable._several

    def counted(self, chunk, *limits):
        before = len(chunk)
        done = several(self, chunk, *limits)
        counts.append(len(chunk) - before)
        return done

    monkeypatch.setattr(TextTable, "_several", counted)
    return counts


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_sound_table_is_read_together_as_the_csv_module_reads_it(together, end):
    rows = [[f"{n}", f'what, "really", is {n}?' * (n % 9), "é" * (n % 3)] for n in range(1000)]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows([["id", "question1", "question2"], *rows])
    table = TextTable(io.BytesIO(text.getvalue().encode()), ",", "table")
    chunks = list(table.chunks(300))
    assert [row for chunk in chunks for row in chunk.rows] == rows
    lines = [raw + own for chunk in chunks for raw, own in zip(chunk.raw, chunk.ends, strict=True)]
    assert b"".join([b"id,question1,question2", end.encode(), *lines]).decode() == text.getvalue()
    assert sum(together) == len(rows)
    assert len(together) < 10


def test_a_row_of_two_lines_has_few_others_read_one_by_one(together):
    row = b"what is this and what is that,why is this not the same as that\n"
    table = TextTable(io.BytesIO(b"a,b\n" + row * 9000 + b'"a\nb",c\n' + row * 9000), ",", "table")
    (chunk,) = table.chunks(100_000)
    assert len(chunk) == 18_001
    assert sum(together) > 16_000


def test_what_was_read_ahead_can_be_skipped_and_left():
    data = b"question1,question2\n" + b"a,b\nc,d\ne,f\n" * 5
    table = TextTable(io.BytesIO(data), ",", "table")
    chunks = table.chunks(2)
    next(chunks)
    early = table.position()
    next(chunks)
    late = table.position()
    again = TextTable(io.BytesIO(data), ",", "table")
    assert again.skip(early)
    assert next(again.chunks(2)).rows == [["e", "f"], ["a", "b"]]
    assert again.position() == late
    again.seek(early)
    assert next(again.chunks(2)).rows == [["e", "f"], ["a", "b"]]
    again = TextTable(io.BytesIO(data), ",", "table")
    next(again.chunks(1))
    assert again.skip(late)  # from the middle of what was read ahead
    assert next(again.chunks(1)).rows == [["c", "d"]]


def test_a_disk_that_fails_is_one_line():
    class Failing(io.BytesIO):
        def read1(self, size=-1):
            raise OSError(5, "Input/output error")

    table = TextTable(Failing(b"question1,question2\na,b\n"), ",", "table")
    with pytest.raises(TextsiamError, match="table cannot be read after row 0: Input/output error"):
        list(table.chunks(5))


def test_many_stray_quotes_take_linear_time():
    rows = b"".join(b'%d","what is %d","what was %d\n' % (n, n, n) for n in range(6000))
    stream = io.BytesIO(b"id,question1,question2\n" + rows + b"1,Why?,Who?\n")
    start = time.perf_counter()
    chunks = list(TextTable(stream, ",", "table", limits=Limits(wasted=10_000)).chunks(1000))
    assert sum(map(len, chunks)) == 1
    assert sum(len(chunk.unsound) for chunk in chunks) == 6000
    assert time.perf_counter() - start < 5
