"""The documentation: its Python runs, its commands exist and say what it says they say, nothing public is left out."""

import doctest
import importlib
import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import textsiam

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(str(path.relative_to(ROOT)) for path in [ROOT / "README.md", *DOCS.rglob("*.md")])
DOCTEST = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# What the pages' examples find beside them.
PAIRS = """question1,question2
How do I learn Python?,What is the best way to learn Python?
How do I learn Python?,How do I not learn Python?
"""
TEST = """question1,question2,is_duplicate
How do I learn Python?,What is the best way to learn Python?,1
How do I learn Python?,How do I not learn Python?,0
"""


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", read(page), re.DOTALL | re.MULTILINE)


def having(language):
    return [page for page in PAGES if blocks(page, language)]


def commands(page):
    """Give the arguments of each textsiam command of a page's bash blocks."""
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["textsiam"]:
                yield tuple(words[1:])


@pytest.fixture
def here(tmp_path, monkeypatch, model_folder):
    """Go to a folder with what the examples read: the sample, two tables, a trained model."""
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "pairs.csv").write_text(PAIRS, encoding="utf-8")
    (tmp_path / "test.csv").write_text(TEST, encoding="utf-8")
    shutil.copytree(model_folder, tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TEXTSIAM_MODEL", raising=False)
    return tmp_path


@pytest.mark.parametrize("page", having("python"))
def test_python_of_a_page_runs(page, here):
    shutil.rmtree(here / "model") if '.save("model")' in read(page) else None
    names = {"__name__": "page"}
    for number, block in enumerate(blocks(page, "python")):
        if ">>>" in block:
            example = doctest.DocTestParser().get_doctest(block, names, f"{page}, block {number}", page, 0)
            said = []
            runner = doctest.DocTestRunner(optionflags=DOCTEST)
            runner.run(example, out=said.append, clear_globs=False)
            assert not runner.failures, "".join(said)
            names = example.globs
        else:
            exec(compile(block, f"{page}, block {number}", "exec"), names)


def verbs():
    import typer

    from textsiam.cli.main import app

    def walk(command, name):
        children = getattr(command, "commands", None)
        if children is None:
            yield name, command
        else:
            for verb, child in children.items():
                yield from walk(child, (*name, verb))

    return dict(walk(typer.main.get_command(app), ()))


def verb_of(arguments):
    return arguments[:2] if arguments[0] == "images" else arguments[:1]


@pytest.mark.parametrize("page", [page for page in PAGES if any(commands(page))])
def test_commands_of_a_page_exist(page):
    known = verbs()
    for arguments in commands(page):
        parameters = known[verb_of(arguments)].params
        options = {option for parameter in parameters for option in parameter.opts if option.startswith("-")}
        used = {word for word in arguments if re.match(r"--?[a-z]", word)}
        assert used <= options, arguments
        required = [each.opts for each in parameters if each.required and each.param_type_name == "option"]
        assert all(used & set(names) for names in required), arguments


SLOW = {"train", "images"}  # of these the examples are parsed only, and of those that reach for another machine
FAR = re.compile(r"://|--engine|glove|\.sh$|\*")


def invoke(arguments):
    from typer.testing import CliRunner

    from textsiam.cli.main import app

    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("page", [page for page in PAGES if any(commands(page))])
def test_commands_of_a_page_run(page, here):
    for arguments in commands(page):
        if arguments[0] in SLOW or FAR.search(" ".join(arguments)) or "--behaviour" in arguments:
            continue
        for path in here.glob("scored.csv"):
            path.unlink()
        done = invoke(arguments)
        assert done.exit_code == 0, (arguments, done.output, done.exception)


@pytest.mark.parametrize("page", having("console"))
def test_output_that_a_page_shows_is_what_comes_out(page, here):
    for block in blocks(page, "console"):
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            words = shlex.split(command)
            if words[0] == "cat":
                printed = (here / words[1]).read_text(encoding="utf-8")
            else:
                assert words[0] == "textsiam"
                done = invoke(words[1:])
                assert done.exit_code == 0, (command, done.output)
                printed = done.stdout
            assert printed == shown, command


def test_the_readme_is_a_page_that_opens_with_what_it_is_and_the_two_commands():
    assert len(README.splitlines()) <= 150
    assert README.index("$ textsiam compare") < README.index("make demo") < README.index("make test") < 1500
    assert README.index("## Install") < README.index("## Python") < README.index("textsiam score pairs.csv")


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_exist(page):
    for name in re.findall(r"`((?:textsiam|scripts|tests|data)/[\w/.]+?)`", read(page)):
        assert (ROOT / name).exists() or "make_sample" in name, name


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", read(page)):
        assert (ROOT / page).parent.joinpath(target).exists(), target


# The reference


def test_every_public_name_is_in_the_reference():
    text = read("docs/reference/python.md")
    for name in set(textsiam.__all__) - {"__version__"}:
        assert f"::: textsiam.{name}\n" in text, name
    for name in ("__version__", "losses", "pairing"):
        assert f"`textsiam.{name}`" in text


def test_every_verb_and_option_is_in_the_reference(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    page = importlib.import_module("site_pages").command_line()
    found = verbs()
    assert found
    for name, command in found.items():
        section = page.split(f"## textsiam {' '.join(name)}\n")[1].split("\n## ")[0]
        assert command.help
        for parameter in command.params:
            assert parameter.help or parameter.param_type_name == "argument", (name, parameter.name)
            if parameter.param_type_name == "option":
                assert all(f"`{option}" in section or f" {option}" in section for option in parameter.opts)


def public():
    """Give every public class and function with the module that it stands in."""
    names = [name for name in textsiam.__all__ if name != "__version__"]
    return [(name, getattr(textsiam, name)) for name in names]


@pytest.mark.parametrize(("name", "value"), public(), ids=lambda value: value if isinstance(value, str) else "")
def test_examples_in_the_docstring_of_a_public_name_run(name, value, here):
    names = vars(sys.modules[inspect.getmodule(inspect.unwrap(getattr(value, "fit", value))).__name__]) | {
        each: getattr(textsiam, each) for each in textsiam.__all__
    }
    parts = {name: value}
    if inspect.isclass(value):
        parts |= {f"{name}.{method}": part for method, part in vars(value).items() if not method.startswith("_")}
    parser, examples = doctest.DocTestParser(), 0
    for label, part in parts.items():
        test = parser.get_doctest(inspect.getdoc(part) or "", dict(names), label, None, 0)
        runner, said = doctest.DocTestRunner(optionflags=DOCTEST), []
        runner.run(test, out=said.append)
        assert not runner.failures, "".join(said)
        examples += len(test.examples)
    assert examples, f"{name} has no example"


# The site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_has_every_page_and_every_public_name(site):
    for page in DOCS.rglob("*.md"):
        assert (site / page.relative_to(DOCS).with_suffix(".html")).exists(), page
    reference = (site / "reference" / "python.html").read_text(encoding="utf-8")
    for name in set(textsiam.__all__) - {"__version__"}:
        assert re.search(rf'id="textsiam\.(?:[\w.]+\.)?{name}"', reference), name


def test_the_site_asks_no_other_host_for_anything(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]*\bsrc=\"?(https?:[^\s\">]+)", text)
        loaded += re.findall(
            r"<link[^>]*rel=\"?(?:stylesheet|preload|preconnect|icon)[^>]*href=\"?(https?:[^\s\">]+)", text
        )
        assert not loaded, (page, loaded)
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(\s*[\"']?https?:|@import", style.read_text(encoding="utf-8")), style


def test_the_map_draws_every_package_below_those_that_it_imports(monkeypatch, site):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    uses = importlib.import_module("site_pages").imports()
    assert set(uses) == {"errors", *(path.parent.name for path in (ROOT / "textsiam").glob("*/__init__.py"))}
    page = (site / "explained" / "house.html").read_text(encoding="utf-8")
    height = {
        name: float(y)
        for y, name in re.findall(r'translate\([-\d.]+,([-\d.]+)\)"><rect.*?class="?name"?[^>]*>(\w+)<', page)
    }
    assert set(height) == set(uses)
    for name, others in uses.items():
        assert all(height[other] < height[name] for other in others)


def test_no_path_of_one_machine_in_the_project():
    for folder in ("textsiam", "scripts", "tests", "data", "docs"):
        for path in (ROOT / folder).rglob("*.*"):
            if path.suffix in {".py", ".md", ".html", ".cfg", ".css"} and path != Path(__file__):
                assert not re.search(r"/(?:home|root|work|Users)/\w", path.read_text(encoding="utf-8")), path
