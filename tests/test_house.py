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


def outside(path, *, top=False):
    """Give the packages other than textsiam that a file imports; ``top``: only outside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    if top:
        functions = [node for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        inside = {id(child) for function in functions for child in ast.walk(function)}
        nodes = [node for node in nodes if id(node) not in inside]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield package(node.module)
        elif isinstance(node, ast.Import):
            yield from (package(alias.name) for alias in node.names)


def test_nothing_speaks_to_a_backend_but_through_keras():
    for name, path in modules():
        assert not {"tensorflow", "jax", "torch"} & set(outside(path)), name


def test_keras_is_imported_where_networks_are_built_and_trained():
    allowed = {f"siamese.{name}" for name in ("backend", "checkpoints", "epochs", "layers", "losses")}
    for name, path in modules():
        if "keras" in outside(path, top=True):
            assert package(name) in {"training", "images"} or name in allowed, name
        if "keras" in outside(path):
            assert package(name) in {"training", "images", "cli"} or name in allowed, name


def fresh(code, *arguments):
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True).stdout


def test_import_is_light():
    code = (
        "import sys, time; start = time.perf_counter(); import textsiam; seconds = time.perf_counter() - start\n"
        "assert not {'tensorflow', 'keras', 'pandas', 'sklearn', 'numpy'} & set(sys.modules); print(seconds)"
    )
    assert min(float(fresh(code)) for _ in range(3)) < 0.1


# What only extras bring.
HEAVY = "tensorflow keras sklearn scipy pandas nltk matplotlib jinja2 pyarrow PIL dask distributed fsspec".split()  # noqa: SIM905
# Tables as pandas frames: of those who train and evaluate.
FRAMES = {"files.pairs", "files.splits"}


def without(code, names=HEAVY):
    """Run code in a process where these packages cannot be imported."""
    return fresh(f"import sys\nfor name in {names!r}: sys.modules[name] = None\n{code}")


@pytest.mark.parametrize("room", ["files", "text", "inference", "scoring"])
def test_what_answers_imports_nothing_heavy(room):
    names = [f"textsiam.{name}" for name, _ in modules() if package(name) == room and name not in FRAMES]
    assert names
    without(f"import importlib\nfor name in {names!r}: importlib.import_module(name)")


def test_a_table_is_scored_without_anything_heavy(model_folder, tmp_path):
    pairs, out = tmp_path / "pairs.csv.gz", tmp_path / "scored.tsv.gz"
    with gzip.open(pairs, "wt") as file:
        file.write("question1,question2\nHow do I learn chess?,how do I learn chess\nWhere?,\n")
    without(f"from textsiam import score_file\nscore_file({str(pairs)!r}, {str(out)!r}, model={str(model_folder)!r})")
    with gzip.open(out, "rt") as file:
        assert [line.rstrip("\n").split("\t")[2:] for line in file][1:] == [["1.000000", "1"], ["", ""]]


def test_answering_needs_nothing_heavy(model_folder):
    code = f"""
from textsiam import is_duplicate
print(is_duplicate("How do I learn chess?", "how do I learn chess", model={str(model_folder)!r}))
"""
    start = time.perf_counter()
    assert without(code) == "True\n"
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        ("compare 'a b' 'b a'", None),
        ("info", None),
        ("info --json", None),
        ("score {csv} -o {dir}/o.csv", None),
        ("train {csv} --out {dir}/m", "train"),
        ("evaluate {csv}", "train"),
        ("score {csv} -o {dir}/o.parquet", "parquet"),
        ("score {dir}/x.parquet -o {dir}/o.csv", "parquet"),
        ("score {csv} -o {dir}/o.csv --engine dask", "dask"),
        ("images evaluate --model {dir} --images {dir}", "images"),
        ("images train --out {dir}/m --images {dir}", "images"),
    ],
)
def test_a_verb_says_which_extra_it_needs(arguments, extra, tmp_path):
    table = tmp_path / "pairs.csv"
    table.write_text("question1,question2,is_duplicate\na,b,1\nc,d,0\n")
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    (tmp_path / "typed").write_text(arguments.format(csv=table, dir=tmp_path))
    code = f"""
import shlex
from pathlib import Path
from textsiam.cli.main import main
sys.argv = ["textsiam", *shlex.split(Path({str(tmp_path / "typed")!r}).read_text())]
sys.stderr = sys.stdout
main()
"""
    blocked = f"import sys\nfor name in {HEAVY!r}: sys.modules[name] = None\n{code}"
    ran = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, check=False)
    if extra is None:
        assert (ran.returncode, ran.stderr) == (0, "")
    else:
        assert (ran.returncode, ran.stderr, ran.stdout.count("\n")) == (1, "", 1)
        assert ran.stdout.endswith(f"Install it: pip install 'textsiam[{extra}]'\n")


def test_every_public_name_resolves():
    for name in textsiam.__all__:
        assert getattr(textsiam, name) is not None
    assert set(textsiam.__all__) <= set(dir(textsiam))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = textsiam.no_such_name
