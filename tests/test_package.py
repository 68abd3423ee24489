"""The wheel: it builds, holds its data files, and works where the source is not."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_wheel_works_elsewhere(tmp_path, model_folder):
    source = tmp_path / "source"
    shutil.copytree(ROOT / "textsiam", source / "textsiam", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, source]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        names = set(archive.namelist())
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "textsiam").rglob("*") if path.is_file()}
    assert {name for name in files if "__pycache__" not in name} <= names
    shutil.rmtree(source)
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
