"""`textsiam.cli.main`: what becomes of the library's errors, of Ctrl-C and of closed outputs at the command line."""

import ast
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

import textsiam
from textsiam.cli.cures import in_options
from textsiam.cli.main import app, verb_of

PACKAGE = Path(textsiam.__file__).parent
# Parameters that no verb has: of functions that only Python calls, or that a verb always gives.
PYTHON_ONLY = {"small_classes", "shape", "folder"}


def verbs():
    """Give the names on the way to every verb."""

    def walk(command, names):
        children = getattr(command, "commands", {})
        if not children:
            yield " ".join(names)
        for name, child in children.items():
            yield from walk(child, [*names, name])

    return list(walk(typer.main.get_command(app), []))


def told(cure, verb):
    return in_options(cure, verb_of(verb.split())[1].params)


@pytest.mark.parametrize(
    ("verb", "cure", "expected"),
    [
        (
            "score a.csv",
            "Choose another, or replace it with overwrite=True.",
            "Choose another, or replace it with --force.",
        ),
        ("score a.csv", 'Or go on without such rows: bad_rows="skip".', "Or go on without such rows: --bad-rows skip."),
        ("score", "Name one with output=…", "Name one with --output"),
        ("score", 'Add engine="dask".', "Add --engine dask."),
        ("score", "Give scheduler=… or workers=…, not both.", "Give --scheduler or --workers, not both."),
        ("score", "Give pairs=… and workers=2.", "Give PAIRS and --workers 2."),
        ("train x --out y", "Name it with label=…", "Name it with --label"),
        ("train x --out y", "Set dropout=0.25.", "Set --dropout 0.25."),
        ("train", "Leave random_state=… out.", "Leave --seed out."),
        ("train", "Start anew with resume=False.", "Start anew without --resume."),
        ("train", "Leave out resume=True to start anew.", "Leave out --resume to start anew."),
        ("images train", "Replace it with overwrite=True.", "Replace it with --force."),
        ("compare a b", "Replace it with overwrite=True.", "Replace it with overwrite=True."),  # it has no such option
        ("info", "Say x=1.", "Say x=1."),
        ("info", "Name one with model=…", "Name one with DIR"),
        ("", "Say model=…", "Say model=…"),
    ],
)
def test_a_cure_names_the_options_of_the_verb(verb, cure, expected):
    assert told(cure, verb) == expected


@pytest.mark.parametrize("verb", verbs())
def test_every_option_of_every_verb_stands_for_its_parameter(verb):
    for parameter in verb_of(verb.split())[1].params:
        if parameter.param_type_name == "argument":
            shown = (parameter.metavar or parameter.name.upper()).strip("[].")
            assert told(f"Name {parameter.name}=…", verb) == f"Name {shown}"
            continue
        flags = [*parameter.opts, *parameter.secondary_opts]
        assert told(f"Give {parameter.name}=…, or not.", verb).split(",")[0].removeprefix("Give ") in flags
        assert told(f'With {parameter.name}="a b".', verb).endswith(" 'a b'.")


def test_every_parameter_that_a_cure_names_is_an_option_of_some_verb():
    known = {parameter.name for verb in verbs() for parameter in verb_of(verb.split())[1].params}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "TextsiamError" and len(node.args) == 2:
                found |= set(re.findall(r"\b([a-z]\w*)=(?:True|False|…|\\?[\"'])", ast.unparse(node.args[1])))
    assert found - PYTHON_ONLY <= known
    assert {"overwrite", "bad_rows"} <= found


def run(*arguments, redirection=""):
    command = [sys.executable, "-m", "textsiam", *map(str, arguments)]
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.skipif(os.name != "posix", reason="closes a descriptor as a shell does")
@pytest.mark.parametrize("arguments", [("compare", "a", "b"), ("info",), ("evaluate", "--behaviour", "--json", "-")])
def test_an_answer_that_nobody_can_read_is_an_error(arguments):
    closed = run(*arguments, redirection=">&-")
    assert (closed.returncode, closed.stderr.count("\n")) == (1, 1)
    assert "Standard output is closed" in closed.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_under_standard_output_is_an_error():
    full = run("compare", "a", "b", redirection=">/dev/full")
    assert (full.returncode, full.stderr.count("\n")) == (1, 1)
    assert "No space left" in full.stderr


@pytest.mark.parametrize("questions", [("-5 + 3 = ?", "-x"), ("--", "-5", "-6"), ("-1", "--help me")])
def test_a_question_may_begin_with_a_dash(questions):
    compared = run("compare", "--threshold", "0.5", *questions)
    assert compared.returncode == 0, compared.stderr
    assert "probability" in compared.stdout


@pytest.mark.parametrize("arguments", [("a", "--jsno"), ("a", "b", "--modle", "x")])
def test_an_option_that_compare_does_not_have_is_no_question(arguments):
    assert run("compare", *arguments).returncode == 2


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_an_interrupt_is_one_line(tmp_path):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("question1,question2\n" + "a,b\n" * 3_000_000)
    command = [sys.executable, "-m", "textsiam", "score", str(pairs), "-o", str(tmp_path / "scored.csv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while len(list(tmp_path.iterdir())) == 1 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error.decode().splitlines()) == (130, ["textsiam: Interrupted."])
