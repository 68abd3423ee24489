"""What the documentation's build makes itself, so that it cannot differ from the code: a hook of MkDocs.

The page of the command line comes from Typer, the map of the house from the imports, the notes of changes from
CHANGELOG.md. A page asks for one by a comment: <!-- made: command line -->.
"""

import ast
import html
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT, GAP_X, GAP_Y = 204, 72, 18, 34  # of a package's box, and between boxes
LANE = 11  # between lines that pass other boxes, left and right of all
_WORDS = 30  # characters of a line in a box


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put what is made in the place of the comment that asks for it."""
    return re.sub(r"<!-- made: (.+?) -->", lambda found: _MADE[found[1]](), markdown)


def command_line() -> str:
    """Return every verb with its arguments and options, as Markdown."""
    import typer

    from textsiam.cli.main import app

    return "\n".join(_verbs(typer.main.get_command(app), "textsiam"))


def _verbs(command: Any, name: str) -> Iterator[str]:
    for verb, child in getattr(command, "commands", {}).items():
        yield from _verbs(child, f"{name} {verb}")
    if hasattr(command, "commands"):
        return
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    names = [argument.metavar or argument.name.upper() for argument in arguments]
    yield f"## {name}\n\n{' '.join((command.help or '').split())}\n"
    yield f"```\n{' '.join([name, *names, '[OPTIONS]'])}\n```\n"
    yield "| argument or option | | meaning |\n|---|---|---|"
    for argument, metavar in zip(arguments, names, strict=True):
        yield f"| {_code(metavar)} | {_needed(argument)} | {_cell(argument.help)} |"
    for option in options:
        value = "" if option.is_flag else " …"
        yield f"| {_code(', '.join(option.opts) + value)} | {_needed(option)} | {_cell(option.help)} |"
    yield ""


def _needed(parameter: Any) -> str:
    if parameter.required:
        return "required"
    nothing = parameter.default is None or isinstance(parameter.default, bool) or callable(parameter.default)
    return "" if nothing else f"default {_code(parameter.default)}"


def _code(value: Any) -> str:
    return f"`{str(value).replace('|', chr(92) + '|')}`"


def _cell(text: str | None) -> str:
    return html.escape(" ".join((text or "").split()), quote=False).replace("|", "\\|")


def text_parameters() -> str:
    """Return the table of what DuplicateClassifier takes."""
    from textsiam.training.parameters import TextParameters

    return _parameters(TextParameters)


def image_parameters() -> str:
    """Return the table of what ImageSiamese takes."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from textsiam.images.parameters import ImageParameters

    return _parameters(ImageParameters)


def _parameters(kind: Any) -> str:
    from textsiam.siamese.parameters import about

    lines = ["| parameter | default | meaning | must be |", "|---|---|---|---|"]
    for name, (field, known) in about(kind).items():
        default = ", ".join(field.default) if name == "measures" else repr(field.default)
        rule = known.check.rule if known.check else ""
        lines.append(f"| {_code(name)} | {_code(default)} | {_cell(known.help)} | {_cell(rule)} |")
    return "\n".join(lines)


def house() -> str:
    """Return a drawing of the packages, each below those that it stands on; colours are the reader's scheme's."""
    uses = imports()
    level: dict[str, int] = {}
    while len(level) < len(uses):
        level |= {
            name: 1 + max((level[other] for other in uses[name]), default=-1)
            for name in uses
            if name not in level and uses[name] <= set(level)
        }
    rows = [[name for name in uses if level[name] == number] for number in range(max(level.values()) + 1)]
    widest = max(map(len, rows))
    width = widest * (WIDTH + GAP_X) - GAP_X
    at: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        start = (width - len(row) * (WIDTH + GAP_X) + GAP_X) / 2
        at |= {name: (start + place * (WIDTH + GAP_X), number * (HEIGHT + GAP_Y)) for place, name in enumerate(row)}
    paths = []
    lanes = {"left": 0, "right": 0}
    for name, others in uses.items():
        through = {far for other in others for far in _reached(other, uses)}
        for other in sorted(others - through):
            (x1, y1), (x2, y2) = at[other], at[name]
            a, b, middle = x1 + WIDTH / 2, x2 + WIDTH / 2, y2 - GAP_Y / 2
            if level[name] - level[other] == 1:
                paths.append(f"M{a:g},{y1 + HEIGHT:g} C{a:g},{middle:g} {b:g},{middle:g} {b:g},{y2:g}")
                continue
            side = "left" if a < width / 2 else "right"
            lanes[side] += 1
            far, edge = (-LANE * lanes[side], 0) if side == "left" else (width + LANE * lanes[side], WIDTH)
            paths.append(f"M{x1 + edge:g},{y1 + HEIGHT / 2:g} H{far:g} V{middle:g} H{b:g} V{y2:g}")
    left, right = (LANE * lanes[side] + 2 for side in ("left", "right"))
    height = len(rows) * (HEIGHT + GAP_Y) - GAP_Y + 4
    parts = [
        f'<svg class="house" viewBox="{-left} -2 {width + left + right} {height}" role="img" '
        'aria-label="The packages of textsiam; each imports only packages above it.">',
        *(f'<path d="{path}"/>' for path in paths),
    ]
    for name, (x, y) in at.items():
        lines = _wrapped(_summary(name))
        parts.append(f'<g transform="translate({x:g},{y:g})"><rect width="{WIDTH}" height="{HEIGHT}" rx="6"/>')
        parts.append(f'<text class="name" x="12" y="20">{name}</text>')
        parts += [f'<text x="12" y="{36 + 14 * line}">{html.escape(text)}</text>' for line, text in enumerate(lines)]
        parts.append("</g>")
    return "".join([*parts, "</svg>"])


def imports() -> dict[str, set[str]]:
    """Return for each package, and for errors.py, which others its modules import."""
    package = ROOT / "textsiam"
    places = {"errors": [package / "errors.py"]}
    for folder in sorted(path.parent for path in package.glob("*/__init__.py")):
        places[folder.name] = sorted(folder.rglob("*.py"))
    uses = {}
    for name, files in places.items():
        nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
        modules = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        named = {module.split(".")[1] for module in modules if module.startswith("textsiam.")}
        uses[name] = named & set(places) - {name}
    return uses


def _reached(name: str, uses: dict[str, set[str]]) -> set[str]:
    return uses[name].union(*(_reached(other, uses) for other in uses[name]))


def _summary(name: str) -> str:
    path = ROOT / "textsiam" / name / "__init__.py"
    source = path if path.exists() else ROOT / "textsiam" / f"{name}.py"
    first = (ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "").splitlines()[0]
    return first.partition(": ")[2].rstrip(".") or first.rstrip(".")


def _wrapped(text: str, lines: int = 3) -> list[str]:
    kept = [""]
    for word in text.split():
        if len(kept[-1]) + len(word) < _WORDS:
            kept[-1] = f"{kept[-1]} {word}".strip()
        else:
            kept.append(word)
    return kept if len(kept) <= lines else [*kept[: lines - 1], f"{kept[lines - 1].rstrip(',')} …"]


def changes() -> str:
    """Return CHANGELOG.md without its heading."""
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("\n")[2]


_MADE: dict[str, Callable[[], str]] = {
    "command line": command_line,
    "text parameters": text_parameters,
    "image parameters": image_parameters,
    "house": house,
    "changes": changes,
}
