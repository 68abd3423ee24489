"""The command line: its verbs, and what becomes of errors."""

import atexit
import gc
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from textsiam import __version__
from textsiam.cli import images, text
from textsiam.errors import TextsiamError, extras

app = typer.Typer(
    help="Decide whether two questions ask the same thing.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in (text.train, text.evaluate, text.score, text.compare, text.info):
    app.command()(verb)
app.add_typer(images.app, name="images")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"textsiam {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    pass


# Parameters of the library that the command line calls otherwise.
_CALLED = {"overwrite": "force", "random_state": "seed"}
_PARAMETER = re.compile(r"""\b([a-z]\w*)=(True|…|"[^"]*"|'[^']*'|[\w.]+)""")


def in_options(cure: str, arguments: Sequence[str]) -> str:
    """Return a cure with the library's parameters written as options of the verb that runs: overwrite=True as --force.

    Args:
        cure: see ``TextsiamError``.
        arguments: of the command line.
    """
    command: Any = typer.main.get_command(app)
    for argument in arguments:
        if argument not in getattr(command, "commands", {}):
            break
        command = command.commands[argument]
    options = {
        parameter.name: max(parameter.opts, key=len)
        for parameter in command.params
        if parameter.opts[0].startswith("-")
    }

    def option(found: re.Match[str]) -> str:
        name, value = found.groups()
        flag = options.get(_CALLED.get(name, name))
        if flag is None:
            return found[0]
        return flag if value in ("True", "…") else f"{flag} {value.strip(chr(34) + chr(39))}"

    return _PARAMETER.sub(option, cure)


def error_line(error: TextsiamError, arguments: Sequence[str]) -> str:
    """Return what the command line says of an error."""
    return f"{error.problem} {in_options(error.cure, arguments)}".rstrip()


def main() -> None:
    """Run the command line: exit 0 done, 1 data or model error, 2 usage."""
    if sys.stderr is None:  # closed by who started us: what would be said there is said to nobody
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    # Rows are lists by the million and hold no cycles: to look for some, and once more at the end, is 7 % of scoring.
    gc.set_threshold(200_000)
    atexit.register(gc.freeze)
    try:
        with extras():
            app()
    except TextsiamError as error:
        message = error_line(error, sys.argv[1:])
    except OSError as error:
        message = f"{error.filename or 'The output'} cannot be read or written: {error.strerror or error}."
    else:
        return
    typer.echo(f"textsiam: {message}", err=True)
    sys.exit(1)
