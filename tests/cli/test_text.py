"""The command line: every verb, its exit codes, one clear line for a user's mistake."""

import contextlib
import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from textsiam.cli import main as cli
from textsiam.errors import TextsiamError
from textsiam.inference.model import BUNDLED

VERBS = ("train", "evaluate", "score", "compare", "info", "images")
IMAGE_VERBS = ("train", "evaluate", "compare", "enroll", "identify")


def run(*arguments, env=None, stdin=None):
    return subprocess.run(
        [sys.executable, "-m", "textsiam", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        input=stdin,
        check=False,
    )


def invoke(*arguments):
    """Run a verb in this process: (exit code, standard output, error line)."""
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    if isinstance(result.exception, TextsiamError):
        return 1, result.stdout, cli.error_line(result.exception, list(map(str, arguments)))
    if isinstance(result.exception, OSError):
        return 1, result.stdout, str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def table(tmp_path, toy_pairs):
    pairs, labels = toy_pairs(120, seed=1)
    path = tmp_path / "pairs.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "question1", "question2", "is_duplicate"])
        writer.writerows((f"{n:04}", *pair, label) for n, (pair, label) in enumerate(zip(pairs, labels, strict=True)))
    return path


def test_help_is_quick_and_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['textsiam', '--help']\n"
        "from textsiam.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'sklearn', 'scipy', 'nltk', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    best = 9.0
    for _ in range(3):
        start = time.perf_counter()
        printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        best = min(best, time.perf_counter() - start)
    assert all(verb in printed for verb in VERBS)
    assert best < 2


def test_version():
    from textsiam import __version__

    assert invoke("--version")[:2] == (0, f"textsiam {__version__}\n")


def test_every_verb_and_option_is_documented():
    import typer

    group = typer.main.get_command(cli.app)
    images = group.commands["images"].commands
    assert (set(group.commands), set(images)) == (set(VERBS), set(IMAGE_VERBS))
    for name, verb in [*group.commands.items(), *((f"images {name}", verb) for name, verb in images.items())]:
        assert verb.help
        for parameter in verb.params:
            documented = getattr(parameter, "help", None) or parameter.param_type_name == "argument"
            assert documented, f"{name}: {parameter.name} has no help"


def test_usage_errors_exit_2():
    assert run("score").returncode == 2
    assert run("paint").returncode == 2


def test_train_evaluate_score_compare_info(table, tmp_path):
    model = tmp_path / "model"
    trained = run(
        "train", table, "--dev", table, "--out", model, "--epochs", 2, "--units", 4, "--batch-size", 32, "--seed", 3
    )
    assert trained.returncode == 0, trained.stderr
    assert "dev accuracy" in trained.stdout
    assert "Epoch 2 of 2: " in trained.stderr
    assert "oneDNN" not in trained.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "pairs.csv"]
    assert json.loads((model / "config.json").read_text())["training"]["parameters"]["random_state"] == 3

    code, printed, _ = invoke("info", model)
    assert (code, printed.rstrip()) == (0, (model / "README.md").read_text().rstrip())
    code, printed, _ = invoke("info", model, "--json")
    assert json.loads(printed)["config"]["architecture"]["units"] == 4

    again = run("train", table, "--out", model)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "--force" in again.stderr


def test_the_options_of_train_are_those_of_the_table():
    from textsiam.siamese.parameters import about
    from textsiam.training.parameters import TextParameters

    _, verb = cli.verb_of(["train"])
    options = {parameter.name: parameter for parameter in verb.params}
    named = {name: known for name, (_, known) in about(TextParameters).items() if known.option}
    assert {"units", "measures", "hidden", "vectors", "train_vectors", "random_state"} <= set(named) <= set(options)
    for name, known in named.items():
        option = options[name]
        assert f"--{known.option}" in [*option.opts, *option.secondary_opts]
        assert option.default is None
        assert option.help.startswith(known.help.removesuffix("."))


def test_options_reach_the_classifier(table, tmp_path):
    given = "--epochs 1 --units 3 --hidden 5 --hidden 4 --measures product,cosine --vectors random --freeze-vectors"
    trained = run("train", table, "--dev", table, "--out", tmp_path / "m", *given.split(), "--precision", 0.5, "--stem")
    assert trained.returncode == 0, trained.stderr
    parameters = json.loads((tmp_path / "m" / "config.json").read_text())["training"]["parameters"]
    expected = {"epochs": 1, "units": 3, "hidden": [5, 4], "measures": ["product", "cosine"], "vectors": []}
    expected |= {"train_vectors": False, "stem": True, "objective": "precision", "precision": 0.5, "stop_words": False}
    assert {name: parameters[name] for name in expected} == expected


def test_training_into_a_log_is_a_plain_line_an_epoch(table, tmp_path):
    trained = run("train", table, "--dev", table, "--out", tmp_path / "m", "--epochs", 3, "--units", 3)
    assert trained.returncode == 0, trained.stderr
    assert not {"\r", "\b", "\x1b"} & set(trained.stderr + trained.stdout)
    epochs = [line for line in trained.stderr.splitlines() if "Epoch" in line]
    assert [line.split(":")[0] for line in epochs] == [f"Epoch {number} of 3" for number in (1, 2, 3)]


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_training_in_a_terminal_draws_a_bar(table, tmp_path):
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    arguments = ("train", table, "--dev", table, "--out", tmp_path / "m", "--epochs", 1, "--units", 3)
    command = [sys.executable, "-m", "textsiam", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal is closed at the other end
            while block := os.read(ours, 1 << 16):
                shown += block
    os.close(ours)
    assert process.returncode == 0
    assert b"Epoch 1/1" in shown
    assert b"\r" in shown.replace(b"\r\n", b"\n")


def test_train_further(table, model_folder, tmp_path):
    further = ("train", table, "--warm-start", model_folder, "--epochs", 1)
    trained = run(*further, "--dev", table, "--out", tmp_path / "further", "--seed", 5)
    assert trained.returncode == 0, trained.stderr
    old, new = (json.loads((folder / "config.json").read_text()) for folder in (model_folder, tmp_path / "further"))
    assert new["training"]["before"] == old["training"]
    assert new["training"]["parameters"]["random_state"] == 5
    assert (tmp_path / "further" / "vocabulary.txt").read_bytes() == (model_folder / "vocabulary.txt").read_bytes()
    refused = run(*further, "--units", 99, "--out", tmp_path / "other")
    assert (refused.returncode, refused.stderr.count("\n"), "whose units is" in refused.stderr) == (1, 1, True)
    assert run(*further, "--preset", "clean", "--out", tmp_path / "other").returncode == 2
    missing = run("train", table, "--warm-start", tmp_path / "none", "--out", tmp_path / "other")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)


def test_a_killed_training_resumes(table, tmp_path):
    model, checkpoints = tmp_path / "model", tmp_path / ".model.checkpoints"
    arguments = ("train", table, "--dev", table, "--out", model, "--epochs", 40, "--units", 4, "--patience", 40)
    command = [sys.executable, "-m", "textsiam", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not (checkpoints / "progress.json").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    assert not model.exists()
    refused = run(*arguments, "--resume", "--seed", 1)
    assert (refused.returncode, "other data or parameters" in refused.stderr) == (1, True)
    resumed = run(*arguments, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert "Resuming after epoch" in resumed.stderr
    assert len(json.loads((model / "history.json").read_text())["val_loss"]) == 40
    assert not checkpoints.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full disk")
def test_a_full_disk_gets_one_line(table, model_folder):
    result = run("evaluate", table, "--model", model_folder, "--json", "/dev/full")
    assert result.returncode == 1
    assert "No space left on device" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.count("textsiam: ") == 1


def test_evaluate(table, tmp_path, model_folder, trained):
    report, figures = tmp_path / "report.html", tmp_path / "figures.json"
    code, printed, _ = invoke(
        "evaluate", table, "--model", model_folder, "--training", table, "--json", figures, "--report", report
    )
    assert code == 0
    content = json.loads(figures.read_text())
    with table.open() as file:
        rows = list(csv.DictReader(file))
    pairs = [(row["question1"], row["question2"]) for row in rows]
    expected = trained.score(pairs, [int(row["is_duplicate"]) for row in rows])
    assert content["figures"]["accuracy"] == pytest.approx(expected)
    assert f"{expected:.4f}" in printed
    assert report.read_text().startswith("<!DOCTYPE html>")
    code, printed, _ = invoke("evaluate", table, "--model", model_folder, "--json", "-")
    assert json.loads(printed)["figures"]["rows"] == 120


def test_evaluate_behaviour(table, tmp_path, model_folder):
    report, figures = tmp_path / "report.html", tmp_path / "figures.json"
    common = ("evaluate", "--model", model_folder, "--behaviour")
    code, printed, _ = invoke(*common, table, "--json", figures, "--report", report)
    assert code == 0
    assert "accuracy_interval" in printed
    content = json.loads(figures.read_text())
    assert content["figures"]["rows"] == 120
    first = content["behaviour"][0]
    assert f"{first['capability']:<20} {first['kind']:<4} {first['expectation']:<14}" in printed
    assert 'id="behaviour"' in report.read_text()
    code, alone, _ = invoke(*common)
    assert code == 0
    assert printed.endswith(alone)
    assert alone.startswith("capability")
    assert json.loads(invoke(*common, "--json", "-")[1]) == {"behaviour": content["behaviour"]}


@pytest.mark.parametrize("options", [(), ("--behaviour", "--report", "x.html"), ("--behaviour", "--training", "x.csv")])
def test_evaluate_needs_pairs_for_all_but_behaviour(options):
    assert invoke("evaluate", *options)[0] == 2


def test_score_keeps_rows_and_columns(table, tmp_path, model_folder, trained):
    out = tmp_path / "scored.csv"
    assert invoke("score", table, "-o", out, "--model", model_folder)[0] == 0
    with table.open() as before, out.open() as after:
        old, new = list(csv.DictReader(before)), list(csv.DictReader(after))
    added = {"duplicate_probability", "duplicate"}
    assert [{key: row[key] for key in row if key not in added} for row in new] == old
    probabilities = trained.predict_proba([(row["question1"], row["question2"]) for row in old])[:, 1]
    assert [row["duplicate_probability"] for row in new] == [f"{value:.6f}" for value in probabilities]
    assert [row["duplicate"] for row in new] == [str(int(p >= trained.model_.threshold)) for p in probabilities]
    code, _, error = invoke("score", table, "-o", out, "--model", model_folder)
    assert code == 1
    assert "--force" in error
    assert invoke("score", table, "-o", out, "--model", model_folder, "--threshold", 0, "--force")[0] == 0
    with out.open() as file:
        assert {row["duplicate"] for row in csv.DictReader(file)} == {"1"}


@pytest.mark.skipif(os.name != "posix", reason="closes a descriptor as a shell does")
def test_a_closed_standard_error_stops_nothing(table, tmp_path, model_folder):
    out = tmp_path / "o.csv"
    command = [sys.executable, "-m", "textsiam", "score", str(table), "-o", str(out), "--model", str(model_folder)]
    closed = subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *command], stdout=subprocess.PIPE, check=False)
    assert closed.returncode == 0
    assert out.read_text().count("\n") > 1


def test_score_from_standard_input_to_standard_output(model_folder):
    text = "a,question1,question2\n007,Where?,Why?\nNA,,Why?\n"
    result = run("score", "-", "-o", "-", env={"TEXTSIAM_MODEL": str(model_folder)}, stdin=text)
    assert result.returncode == 0, result.stderr
    header, first, blank = result.stdout.splitlines()
    assert header == "a,question1,question2,duplicate_probability,duplicate"
    assert first.startswith("007,Where?,Why?,0.")
    assert blank == "NA,,Why?,,"
    assert "1 blank" in result.stderr


def test_compare(model_folder, trained):
    questions = ("How do I learn chess?", "What is the best way to learn chess?")
    probability = trained.predict_proba([questions])[0, 1]
    code, printed, _ = invoke("compare", *questions, "--model", model_folder)
    assert code == 0
    assert f"{probability:.4f}" in printed
    code, printed, _ = invoke("compare", *questions[::-1], "--model", model_folder, "--json", "--threshold", 1)
    answer = json.loads(printed)
    assert answer == {"duplicate": bool(probability >= 1), "probability": round(probability, 6), "threshold": 1.0}


@pytest.mark.parametrize("verb", ["evaluate", "score", "compare", "info"])
def test_without_a_model_the_bundled_one_answers(verb, table, monkeypatch, tmp_path):
    monkeypatch.delenv("TEXTSIAM_MODEL", raising=False)
    arguments = {"compare": ["a", "b"], "info": [], "score": [table, "-o", tmp_path / "o.csv"]}.get(verb, [table])
    code, printed, _ = invoke(verb, *arguments)
    assert code == 0
    monkeypatch.setenv("TEXTSIAM_MODEL", str(BUNDLED))
    arguments = [*arguments, "--force"] if verb == "score" else arguments
    assert invoke(verb, *arguments)[:2] == (0, printed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("score", "{table}", "-o", "{dir}/x.xls"), "x.xls does not end in"),
        (("score", "{table}", "-o", "{dir}/no/x.csv"), "no folder"),
        (("score", "{dir}/no.csv", "-o", "{dir}/x.csv"), "no.csv"),
        (("score", "{table}", "-o", "{dir}/x.csv", "--question1", "q1"), "no column 'q1'"),
        (("score", "{table}", "-o", "{dir}/x.csv", "--threshold", "2"), "threshold"),
        (("evaluate", "{table}", "--label", "gold"), "no column 'gold'"),
        (("evaluate", "{table}", "--json", "{dir}/no/x.json"), "No such file"),
        (("compare", "a", "b", "--threshold", "-1"), "threshold"),
        (("train", "{table}", "--out", "{dir}/m", "--encoder", "gru"), "lstm, bilstm"),
        (("train", "{table}", "--out", "{dir}/m", "--preset", "best"), "singh2019"),
        (("train", "{table}", "--out", "{dir}/m", "--measures", "sine"), "cosine"),
        (("train", "{table}", "--out", "{dir}/m", "--vectors", "{dir}/no.txt"), "no.txt"),
        (("train", "{dir}/one.csv", "--out", "{dir}/m"), "both 0 and 1"),
    ],
)
def test_mistakes_get_one_line(arguments, message, table, tmp_path, model_folder, monkeypatch):
    monkeypatch.setenv("TEXTSIAM_MODEL", str(model_folder))
    (tmp_path / "one.csv").write_text("question1,question2,is_duplicate\na,b,1\nc,d,1\n")
    code, _, error = invoke(*(argument.format(table=table, dir=tmp_path) for argument in arguments))
    assert code == 1
    assert message in error
    assert "\n" not in error
    assert not (tmp_path / "m").exists()
    assert not (tmp_path / "x.csv").exists()


def test_a_mistake_never_shows_a_traceback(tmp_path):
    result = run("info", tmp_path / "none")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("textsiam: ")
    assert result.stderr.count("\n") == 1


def test_a_killed_training_of_images_resumes(tmp_path):
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 300)
    pixels = random.integers(0, 90, (300, 8, 8), dtype=np.uint8)
    pixels[np.arange(300), 2 * labels] += 150
    np.savez(tmp_path / "data.npz", images=pixels, labels=labels)
    arguments = ("images", "train", "--images", tmp_path / "data.npz", "--out", tmp_path / "model", "--epochs", 40)
    checkpoints = tmp_path / ".model.checkpoints"
    command = [sys.executable, "-m", "textsiam", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not (checkpoints / "progress.json").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    resumed = run(*arguments, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert "Resuming after epoch" in resumed.stderr
    assert len(json.loads((tmp_path / "model" / "history.json").read_text())["loss"]) == 40
    assert not checkpoints.exists()
