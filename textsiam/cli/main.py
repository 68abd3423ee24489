"""The command line: its verbs, and what becomes of errors."""

import atexit
import gc
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from textsiam import __version__
from textsiam.cli import images, text
from textsiam.cli.cures import in_options
from textsiam.errors import TextsiamError, extras


class _Verbs(typer.core.TyperGroup):
    """The verbs; Ctrl-C ends each with one line."""

    def invoke(self, ctx: Any) -> Any:
        """Return what the verb returns."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            typer.echo("textsiam: Interrupted.", err=True)
            raise typer.Exit(130) from interrupt


app = typer.Typer(
    cls=_Verbs,
    help="Decide whether two questions ask the same thing.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in (text.train, text.evaluate, text.score, text.info):
    app.command()(verb)
app.command(context_settings={"ignore_unknown_options": True})(text.compare)  # "-5 + 3 = ?" is a question
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


def verb_of(arguments: Sequence[str]) -> tuple[list[str], Any]:
    """Return the names on the way to the verb that a command line calls, and the verb as Click has it.

    Args:
        arguments: of the command line.
    """
    names: list[str] = []
    command: Any = typer.main.get_command(app)
    for argument in arguments:
        if argument not in getattr(command, "commands", {}):
            break
        names.append(argument)
        command = command.commands[argument]
    return names, command


def error_line(error: TextsiamError, arguments: Sequence[str]) -> str:
    """Return what the command line says of an error."""
    return f"{error.problem} {in_options(error.cure, verb_of(arguments)[1].params)}".rstrip()


def main() -> None:
    """Run the command line: exit 0 done, 1 data or model error, 2 usage, 130 Ctrl-C."""
    if sys.stderr is None:  # closed by who started us: what would be said there is said to nobody
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    # Rows are lists by the million and hold no cycles: to look for some, and once more at the end, is 7 % of scoring.
    gc.set_threshold(200_000)
    atexit.register(gc.freeze)
    arguments = sys.argv[1:]
    try:
        with extras("images" if verb_of(arguments)[0][:1] == ["images"] else None):
            app()
    except TextsiamError as error:
        message = error_line(error, arguments)
    except OSError as error:
        message = f"{error.filename or 'The output'} cannot be read or written: {error.strerror or error}."
    except MemoryError:
        message = "There is not enough memory. Give the process more, or smaller parts of the input."
    else:
        return
    typer.echo(f"textsiam: {message}", err=True)
    sys.exit(1)
