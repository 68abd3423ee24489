"""The house: which package may import which, no circle, what stays out of what, and a light start."""

import ast
import gzip
import subprocess
import sys
import time
from pathlib import Path

import pytest

import textsiam

PACKAGE = Path(textsiam.__file__).parent
# No package imports one to its right.
ORDER = "errors files text siamese inference scoring evaluation training images cli".split()  # noqa: SIM905
BESIDE = {"scoring", "evaluation"}  # neither imports the other
FACES = {"__init__", "__main__"}


def modules():
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        if name not in FACES:
            yield name, path


def imported(path):
    """Give the modules of textsiam that a file imports, by full name: ``text.normalise``."""
    known = {name for name, _ in modules()}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "textsiam":
            module = node.module.removeprefix("textsiam").lstrip(".")
            names = [f"{module}.{alias.name}".lstrip(".") for alias in node.names]
            names = [name if name in known else module for name in names]
        elif isinstance(node, ast.Import):
            names = [a.name.removeprefix("textsiam.") for a in node.names if a.name.startswith("textsiam.")]
        yield from filter(None, names)


def package(name):
    return name.split(".")[0]


def test_every_package_is_placed():
    assert {package(name) for name, _ in modules()} == set(ORDER)


def test_the_hall_is_small():
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    assert len(entries) <= 14, sorted(entries)


@pytest.mark.parametrize(("name", "path"), sorted(modules()))
def test_no_package_imports_one_to_its_right(name, path):
    own = package(name)
    for target in imported(path):
        assert ORDER.index(package(target)) <= ORDER.index(own), f"{name} imports {target}"
        assert {own, package(target)} != BESIDE, f"{name} imports {target}"


def test_modules_form_no_circle():
    edges = {name: set(imported(path)) - {name} for name, path in modules()}
    done = set()
    while ready := {name for name, targets in edges.items() if name not in done and targets <= done}:
        done |= ready
    assert done == set(edges), {name: edges[name] - done for name in set(edges) - done}


def test_only_the_command_line_prints():
    for name, path in modules():
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        printing = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "print"]
        assert not printing, name


def fresh(code, *arguments):
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True).stdout


def test_import_is_light():
    code = (
        "import sys, time; start = time.perf_counter(); import textsiam; seconds = time.perf_counter() - start\n"
        "assert not {'tensorflow', 'keras', 'pandas', 'sklearn', 'numpy'} & set(sys.modules); print(seconds)"
    )
    assert min(float(fresh(code)) for _ in range(3)) < 0.1


def test_answering_needs_neither_keras_nor_pandas_nor_scikit_learn(model_folder):
    code = f"""
import sys
for name in ("tensorflow", "keras", "pandas", "sklearn", "nltk", "matplotlib", "scipy"):
    sys.modules[name] = None  # importing it fails
from textsiam import is_duplicate
print(is_duplicate("How do I learn chess?", "how do I learn chess", model={str(model_folder)!r}))
"""
    start = time.perf_counter()
    assert fresh(code) == "True\n"
    assert time.perf_counter() - start < 5


def test_scoring_text_needs_numpy_alone(model_folder, tmp_path):
    pairs = "id,question1,question2\n7,How do I learn chess?,how do I learn chess\n"
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(pairs.encode()))
    code = """
import sys
barred = "tensorflow keras pandas pyarrow sklearn nltk matplotlib scipy jinja2 PIL dask distributed fsspec"
for name in barred.split():
    sys.modules[name] = None  # importing it fails
from textsiam import score_file
print(score_file(*sys.argv[1:3], model=sys.argv[3]).duplicates)
"""
    assert fresh(code, tmp_path / "in.csv.gz", tmp_path / "out.tsv", model_folder) == "1\n"
    assert (tmp_path / "out.tsv").read_text().splitlines()[
        1
    ] == "7\tHow do I learn chess?\thow do I learn chess\t1.000000\t1"


def test_every_public_name_resolves():
    for name in textsiam.__all__:
        assert getattr(textsiam, name) is not None
    assert set(textsiam.__all__) <= set(dir(textsiam))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = textsiam.no_such_name
