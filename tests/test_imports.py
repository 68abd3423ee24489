"""What imports what: the order of the layers, and a light start."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

import textsiam

PACKAGE = Path(textsiam.__file__).parent
# No module imports one to its right.
ORDER = """
_version errors threads tables.base tables.text tables.parquet tables pairs
preprocessing.characters preprocessing.normalise preprocessing.tokenise preprocessing.spelling preprocessing.vocabulary
preprocessing.plain preprocessing.sequences preprocessing
augmentation vectors token_sets measures architecture encoders encoders.distinct encoders.text encoders.image
encoders.faces losses pairing
images images.pixels images.idx images.datasets
siamese optimizer checkpoints training calibration evaluation behaviour report images.pictures card console
recurrence projections network bundle
images.network images.batches images.sources images.verification images.fitting images.gallery images.folder
images.answers images.model images.runs images.recipes
compression runtime settings fitting presets classifier
journal outputs decisions scored partitions parts distributed scoring frames terminal image_cli cli __main__
""".split()  # noqa: SIM905


def modules():
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        if name != "__init__":
            yield name, path


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "textsiam":
            module = node.module.removeprefix("textsiam").lstrip(".")
            for alias in node.names:
                yield f"{module}.{alias.name}".lstrip("."), module
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("textsiam."):
                    yield alias.name.removeprefix("textsiam."), alias.name.removeprefix("textsiam.")


@pytest.mark.parametrize(("name", "path"), sorted(modules()))
def test_no_module_imports_one_to_its_right(name, path):
    for target, parent in imported(path):
        module = target if target in ORDER else parent
        if module:
            assert ORDER.index(module) < ORDER.index(name), f"{name} imports {module}"


def test_every_module_is_placed():
    assert {name for name, _ in modules()} == set(ORDER)


def test_only_the_command_line_prints():
    for name, path in modules():
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        printing = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "print"]
        assert not printing, name


def test_training_code_is_backend_neutral():
    for name, path in modules():
        assert "tensorflow" not in path.read_text(encoding="utf-8").lower().replace(
            "# keras on tensorflow", ""
        ) or name in (
            "__init__",
            "cli",
        ), name


def fresh(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


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


def test_every_public_name_resolves():
    for name in textsiam.__all__:
        assert getattr(textsiam, name) is not None
    assert set(textsiam.__all__) <= set(dir(textsiam))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = textsiam.no_such_name
