"""Errors that a user can act on, and what to install where a part of textsiam is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

# The extra that brings a package which answering does without.
_EXTRAS = {
    **dict.fromkeys(("keras", "tensorflow", "sklearn", "scipy", "pandas", "matplotlib", "jinja2", "nltk"), "train"),
    "jax": "jax",
    "pyarrow": "parquet",
    "PIL": "images",
    **dict.fromkeys(("dask", "distributed", "fsspec"), "dask"),
}


class TextsiamError(ValueError):
    """Data, a model or a parameter is wrong, and here is what to do about it.

    >>> error = TextsiamError("model exists.", "Pass overwrite=True to replace it.")
    >>> str(error)
    'model exists. Pass overwrite=True to replace it.'
    >>> error.cure
    'Pass overwrite=True to replace it.'

    Args:
        problem: the rule that was broken and the value met, whole sentences.
        cure: what to do, whole sentences. Parameters stand in it as in Python, ``overwrite=True``; the command line
            writes them as its options. It holds no values of the user's.
    """

    def __init__(self, problem: str, cure: str = ""):
        super().__init__(problem, cure)
        self.problem, self.cure = problem, cure

    def __str__(self) -> str:
        return f"{self.problem} {self.cure}".rstrip()


class MissingExtraError(TextsiamError, ImportError):
    """A package that an extra of textsiam brings is not installed."""


@contextmanager
def extras(wanted: str | None = None) -> Iterator[None]:
    """Say what to install where an import inside fails for want of an extra.

    Args:
        wanted: the extra that brings all of what runs inside; None: the one that brings what is missing.

    Raises:
        MissingExtraError: a package is missing that an extra brings.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in _EXTRAS:
            raise
        raise MissingExtraError(
            f"This needs {package}, which is not installed.",
            f"Install it: pip install 'textsiam[{wanted or _EXTRAS[package]}]'",
        ) from error
