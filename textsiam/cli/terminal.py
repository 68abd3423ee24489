"""What reaches the terminal: answers on standard output, and nothing else; what Keras says on standard error."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import typer

from textsiam.errors import TextsiamError


def print_answer(text: str) -> None:
    """Print a verb's answer.

    Raises:
        TextsiamError: standard output is closed.
    """
    if sys.stdout is None:
        raise TextsiamError("Standard output is closed, where the answer belongs.", "Leave it open.")
    typer.echo(text)


@contextmanager
def training_output() -> Iterator[None]:
    """Import Keras without its backend's start-up notices, and send what Keras prints to standard error."""
    with redirect_stdout(sys.stderr):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        with _quiet():
            import keras

            keras.ops.zeros(1)
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the backend's C++ side writes to descriptor 2 off the terminal."""
    sys.stderr.flush()
    saved = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
