"""The wheel: it builds, holds its data files, and works where the source and the extras are not."""

import csv
import gzip
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def install_size():
    """Return the script that builds and installs the wheel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        import install_size

        yield install_size


@pytest.fixture(scope="module")
def wheel(install_size, tmp_path_factory):
    """Return the wheel, built."""
    return install_size.build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_every_file(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "textsiam").rglob("*") if path.is_file()}
    assert {name for name in files if "__pycache__" not in name} <= names
    assert {"textsiam/py.typed", "textsiam/inference/default/weights.safetensors"} <= names


def test_the_wheel_works_elsewhere(wheel, tmp_path, model_folder):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    code = (
        "import textsiam, sys\n"
        "from textsiam.text.tokenise import Tokenizer\n"
        "assert textsiam.__file__.startswith(sys.argv[1]), textsiam.__file__\n"
        "assert Tokenizer(stop_words=True)('what is it not') == ['not']\n"
        "print(textsiam.is_duplicate('How do I learn chess?', 'how do i learn chess?', model=sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, tmp_path / "installed", model_folder]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert printed.stdout == "True\n"


def test_the_sizes_are_those_of_the_files(install_size, tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 5000)
    (tmp_path / "b").write_bytes(b"")
    (tmp_path / "c").symlink_to(tmp_path / "a")
    assert install_size.disk_bytes(tmp_path.rglob("*")) == 8192
    assert install_size.table(5_500_000, [("p", "1", 2_000_000)]).splitlines()[-2:] == [
        "| p | 1 | 2.0 |",
        "| **all of the environment** | | **5.5** |",
    ]


@pytest.mark.slow  # installs from the package index
def test_without_extras_it_is_light_and_answers(install_size, wheel, tmp_path):
    environment = tmp_path / "environment"
    python = install_size.install(wheel, environment)
    total, packages = install_size.measure(environment, python)
    assert total <= install_size.LIMIT * 1e6, install_size.table(total, packages)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TEXTSIAM"))}

    def textsiam(*arguments):
        command = [environment / "bin" / "textsiam", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=clean, check=False)

    compared = textsiam("compare", "How do I learn chess?", "how do I learn chess")
    assert (compared.returncode, compared.stdout.split(":")[0]) == (0, "duplicate"), compared.stderr
    assert textsiam("info").returncode == 0
    asked = [python, "-c", "import textsiam; print(textsiam.is_duplicate('Where is Oslo?', 'Where is Rome?'))"]
    assert (
        subprocess.run(asked, capture_output=True, text=True, cwd=tmp_path, env=clean, check=True).stdout == "False\n"
    )

    pairs, scored = tmp_path / "pairs.csv.gz", tmp_path / "scored.csv.gz"
    with gzip.open(pairs, "wt") as file:
        file.write("question1,question2,is_duplicate\nWhere is Oslo?,where is Oslo,1\nWhere?,Why?,0\n")
    ran = textsiam("score", pairs, "-o", scored)
    assert ran.returncode == 0, ran.stderr
    with gzip.open(scored, "rt") as file:
        assert [row["duplicate"] for row in csv.DictReader(file)] == ["1", "0"]

    needs = {
        ("train", pairs, "--out", "m"): "train",
        ("evaluate", pairs): "train",
        ("score", pairs, "-o", "o.parquet"): "parquet",
        ("score", pairs, "-o", "o.csv", "--engine", "dask"): "dask",
        ("images", "train", "--recipe", "mnist-dense", "--out", "m"): "images",
    }
    for arguments, extra in needs.items():
        told = textsiam(*arguments)
        assert (told.returncode, told.stderr.count("\n")) == (1, 1), (arguments, told.stderr)
        assert f"pip install 'textsiam[{extra}]'" in told.stderr
