"""The documentation: its Python runs, its commands exist."""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_python_runs(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    snippets = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert snippets
    names = {}
    for snippet in snippets:
        exec(compile(snippet, "README.md", "exec"), names)
    assert (tmp_path / "model" / "weights.safetensors").exists()


def test_the_readme_opens_with_the_two_commands():
    assert README.index("make demo") < README.index("make test") < 600


def test_commands_of_the_readme_parse():
    import typer

    from textsiam.cli.main import app

    group = typer.main.get_command(app)
    commands = {name: command for name, command in group.commands.items() if name != "images"}
    commands |= {f"images {name}": command for name, command in group.commands["images"].commands.items()}
    lines = re.findall(r"^textsiam ((?:images )?\w+) (.*?)(?:\s+#.*)?$", README, re.MULTILINE)
    assert {verb for verb, _ in lines} == set(commands)
    for verb, options in lines:
        known = {option for parameter in commands[verb].params for option in parameter.opts}
        assert set(re.findall(r"(?<!\w)--?[a-z][\w-]*", options)) <= known


@pytest.mark.parametrize("name", re.findall(r"`((?:scripts/)?\w+\.py)`", README))
def test_files_named_in_the_readme_exist(name):
    assert any(path.exists() for path in (ROOT / name, ROOT / "scripts" / name, ROOT / "textsiam" / name))


def test_no_path_of_one_machine_in_the_project():
    for folder in ("textsiam", "scripts", "tests", "data"):
        for path in (ROOT / folder).rglob("*.*"):
            if path.suffix in {".py", ".md", ".html", ".cfg"} and path != Path(__file__):
                assert not re.search(r"/(?:home|root|work|Users)/\w", path.read_text(encoding="utf-8")), path
