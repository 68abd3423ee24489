"""Build the wheel, install it without extras into a bare environment, and say how large that is, package by package.

python scripts/install_size.py [--extra train] [--constraint constraints.txt]
"""

import argparse
import datetime
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 150  # MB on disk, of what comes without extras
# Asked of the new environment: what it holds, and where the files of each package lie.
_LIST = """
import importlib.metadata, json
print(json.dumps([
    (d.metadata["Name"], d.version, [str(d.locate_file(f)) for f in d.files or ()])
    for d in importlib.metadata.distributions()
]))
"""


def build_wheel(out: Path) -> Path:
    """Build the wheel from a copy of the sources, and return its path."""
    source = out / "source"
    shutil.copytree(ROOT / "textsiam", source / "textsiam", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(source)
    (wheel,) = out.glob("*.whl")
    return wheel


def install(wheel: Path, environment: Path, *, extra: str = "", constraint: Path | None = None) -> Path:
    """Install a wheel into a new environment of this Python, which holds only pip; return the environment's Python.

    Args:
        wheel: the file.
        environment: folder to make.
        extra: extras to install with it, by commas.
        constraint: versions to install.
    """
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    pip = [python, "-I", "-m", "pip", "install", "--quiet", f"{wheel}[{extra}]" if extra else wheel]
    if constraint is not None:
        pip += ["--constraint", constraint]
    subprocess.run(pip, check=True)
    return python


def disk_bytes(files: Iterable[Path]) -> int:
    """Return how much of the disk files take, in whole blocks of 4 KiB as a file system gives them."""
    return sum(-(-file.stat().st_size // 4096) * 4096 for file in files if file.is_file() and not file.is_symlink())


def measure(environment: Path, python: Path) -> tuple[int, list[tuple[str, str, int]]]:
    """Return the size of an environment in bytes, and name, version and size of every package, the largest first."""
    listed = subprocess.run([python, "-I", "-c", _LIST], check=True, capture_output=True, text=True).stdout
    packages = [(name, version, disk_bytes(set(map(Path, files)))) for name, version, files in json.loads(listed)]
    return disk_bytes(environment.rglob("*")), sorted(packages, key=lambda package: -package[2])


def table(total: int, packages: list[tuple[str, str, int]]) -> str:
    """Return the sizes as a Markdown table, MB of 1,000,000 bytes."""
    rows = [f"| {name} | {version} | {size / 1e6:.1f} |" for name, version, size in packages]
    rows.append(f"| **all of the environment** | | **{total / 1e6:.1f}** |")
    return "\n".join(["| package | version | MB |", "|---|---|---:|", *rows])


def main() -> None:
    """Measure and print; exit 1 where it is more than the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extra", default="", help="extras to install with it, by commas; they have no limit")
    parser.add_argument("--constraint", type=Path, help="versions to install; default: the newest")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        environment = folder / "environment"
        python = install(build_wheel(folder), environment, extra=arguments.extra, constraint=arguments.constraint)
        total, packages = measure(environment, python)
    print(f"{datetime.date.today()}, Python {platform.python_version()}, {platform.system()} {platform.machine()}\n")
    print(table(total, packages))
    if total > LIMIT * 1e6 and not arguments.extra:
        sys.exit(f"\nMore than {LIMIT} MB.")


if __name__ == "__main__":
    main()
