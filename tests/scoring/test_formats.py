"""Tables as people have them: their bytes stay and runs are resumed, whatever delimiter and encoding they have."""

import gzip

import pandas as pd
import pytest

import textsiam
from textsiam import TextsiamError, load_model
from textsiam.files.opening import Format
from textsiam.files.pairs import read_table
from textsiam.inference.decisions import remote_decisions
from textsiam.scoring.parts import Job, plan_file, score_part
from textsiam.scoring.rows import Options, Pace

SMALL = Pace(chunk=5, segment=2)
KINDS = {
    "semicolons": ("in.csv", "question1;question2;note", ";", "utf-8"),
    "Excel's line": ("in.csv", "\ufeffsep=|\r\nquestion1|question2|note", "|", "utf-8"),
    "Unicode text": ("in.csv", "\ufeffquestion1\tquestion2\tnote", "\t", "utf-16-le"),
    "big-endian": ("in.tsv", "\ufeffquestion1\tquestion2\tnote", "\t", "utf-16-be"),
    "cp1252": ("in.csv", "question1; question2 ;note;note", ";", "cp1252"),
    "gzip without its name": ("in.csv", "question1,question2\xa0,note", ",", "gzip"),
}


def score_file(*arguments, **options):
    return textsiam.score_file(*arguments, pace=SMALL, **options)


@pytest.fixture(scope="module")
def model(model_folder):
    return load_model(model_folder)


@pytest.fixture(params=KINDS)
def table(request, tmp_path, toy_pairs):
    """Give a table of 57 rows, its bytes before gzip, its delimiter and encoding, and how to read it."""
    name, header, d, encoding = KINDS[request.param]
    more = d if header.count("note") == 2 else ""
    rows = [f'{a}{d}"{b}\nor {d} not?"{d}é—{more}' for a, b in toy_pairs(57, seed=3)[0]]
    codec = "utf-8" if encoding == "gzip" else encoding
    data = "".join(f"{line}\r\n" for line in [header, *rows]).encode(codec)
    (tmp_path / name).write_bytes(gzip.compress(data) if encoding == "gzip" else data)
    options = {"encoding": "cp1252"} if encoding == "cp1252" else {}
    return tmp_path / name, data, d, codec, options


def test_every_byte_stays(table, model):
    source, data, d, codec, options = table
    target = source.with_name(f"out{source.suffix}")
    assert score_file(source, target, model=model, **options).rows == 57
    found = target.read_bytes()
    added = f"{d}duplicate_probability{d}duplicate".encode(codec)
    assert added in found
    found, position = found.replace(added, b"", 1), 0
    for line in data.split("\r\n".encode(codec))[:-1]:  # each stands in the output, in order
        position = found.index(line, position) + len(line)


def test_what_is_written_is_read_again(table, model):
    source, _, _, _, options = table
    target = source.with_name(f"out{source.suffix}")
    score_file(source, target, model=model, **options)
    read = {"require_label": False, **options}
    pairs, scored = textsiam.read_pairs(source, **read), textsiam.read_pairs(target, **read)
    assert list(scored) == [*pairs, "duplicate_probability", "duplicate"]
    pd.testing.assert_frame_equal(scored[list(pairs)], pairs)
    expected = model.probabilities(pairs["question1"].tolist(), pairs["question2"].tolist())
    assert (scored["duplicate_probability"].astype(float) - expected).abs().max() < 1e-5
    other = source.with_name("other.tsv" if source.suffix == ".csv" else "other.csv")
    score_file(source, other, model=model, **options)  # of the other kind: its own delimiter, UTF-8
    assert other.read_bytes().decode().split("\n")[0].count("\t" if other.suffix == ".tsv" else ",") >= 4
    pd.testing.assert_frame_equal(textsiam.read_pairs(other, require_label=False), scored)
    score_file(source, other, model=model, overwrite=True, spreadsheet_safe=True, **options)
    safe = source.with_name(f"safe{source.suffix}")
    score_file(source, safe, model=model, spreadsheet_safe=True, **options)
    pd.testing.assert_frame_equal(textsiam.read_pairs(safe, **read), scored)


def test_a_stopped_run_is_resumed_to_the_byte(table, model):
    source, _, d, codec, options = table
    target, whole = source.with_name(f"out{source.suffix}"), source.with_name(f"whole{source.suffix}")
    score_file(source, whole, model=model, **options)

    def stop(rows, _):
        if rows > limit:
            raise KeyboardInterrupt

    for limit in (11, 29, 52):  # noqa: B007
        with pytest.raises(KeyboardInterrupt):
            score_file(source, target, model=model, progress=stop, **options)
    options |= {"delimiter": d, "encoding": codec}  # what they were found to be
    assert score_file(source, target, model=model, **options).resumed_rows == 50
    assert target.read_bytes() == whole.read_bytes()


def test_a_run_of_another_encoding_is_not_resumed(tmp_path, model):
    (tmp_path / "in.csv").write_bytes(b"question1,question2\n" + b"a,b\n" * 20 + b"caf\xc3\xa9,b\n")

    def stop(rows, _):
        if rows > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_file(tmp_path / "in.csv", tmp_path / "out.csv", model=model, progress=stop)
    with pytest.raises(TextsiamError, match="unfinished run of another options"):
        score_file(tmp_path / "in.csv", tmp_path / "out.csv", model=model, encoding="cp1252")


def test_parts_are_what_the_local_engine_writes(table, model_folder, model):
    source, _, _, codec, options = table
    whole, folder = source.with_name(f"whole{source.suffix}"), source.with_name("parts")
    score_file(source, whole, model=model, **options)
    for path in (folder, folder / "_attempts", folder / "_rejected"):
        path.mkdir()
    form = Format(**options)
    chosen = Options(("question1", "question2"), pace=SMALL, form=form)
    job = Job(str(folder), str(folder / "_attempts"), source.suffix, remote_decisions(model_folder), chosen)
    parts = plan_file(job, 0, str(source)).parts
    for part in reversed(parts):
        score_part(job, part)
    tables = [(folder / part.name).read_bytes() for part in parts]
    end = "duplicate\r\n".encode(codec)
    header = tables[0][: tables[0].index(end) + len(end)]
    assert header + b"".join(part.removeprefix(header) for part in tables) == whole.read_bytes()


def test_skipped_rows_of_another_encoding(tmp_path, model):
    rows = "question1;question2\r\na;é\r\nonly é\r\n".encode("utf-16")
    (tmp_path / "in.csv").write_bytes(rows + "x;\udc00y\r\n".encode("utf-16-le", "surrogatepass"))
    summary = score_file(tmp_path / "in.csv", tmp_path / "o.csv", model=model, bad_rows="skip")
    assert (summary.rows, summary.rejected_rows) == (1, 2)
    rejected = (tmp_path / "o.csv.rejected.csv").read_bytes()
    assert '"only é"\n'.encode() in rejected
    assert rejected.endswith(b'"x;\x00\xdcy"\n')


# Formulas


SIGNS = ["=", "+", "-", "@", "＝", "＋", "－", "＠"]


@pytest.mark.parametrize(
    "value",
    [
        *(f"{before}{sign}1" for sign in SIGNS for before in ("", " ", "\u3000", " \n", "\xa0")),
        "\tx",
        "\rx",
        "\nx",
        "\r\n=1",
    ],
)
def test_what_a_spreadsheet_would_run_is_made_text(tmp_path, model, value):
    frame = pd.DataFrame({"question1": [value, "Why = 1?"], "question2": ["a-b", "a@b"], value: ["", " 1 "]})
    frame.to_parquet(tmp_path / "in.parquet", index=False)
    score_file(tmp_path / "in.parquet", tmp_path / "safe.csv", model=model, spreadsheet_safe=True)
    safe = read_table(tmp_path / "safe.csv")
    assert safe.columns[2] == f"'{value}"
    assert safe.iloc[:, :3].to_numpy().tolist() == [[f"'{value}", "a-b", ""], ["Why = 1?", "a@b", " 1 "]]
