"""What the published recipe of 2019 leaves out of a question, kept to measure every repair against.

Stop words, with the negations among them or without, and numbers: see ``training.presets``.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files

from textsiam.text.characters import has_digit
from textsiam.text.contractions import NEGATIONS

LeaveOut = Callable[[list[str]], list[str]]


def leave_out(stop_words: bool, keep_negation: bool, keep_digits: bool) -> LeaveOut:
    """Return what leaves tokens out of a question; the arguments are those of ``Tokenizer``."""
    dropped = _stop_words() - (NEGATIONS if keep_negation else frozenset()) if stop_words else frozenset()

    def left(tokens: list[str]) -> list[str]:
        return [token for token in tokens if token not in dropped and (keep_digits or not has_digit(token))]

    return left


@cache
def _stop_words() -> frozenset[str]:
    """NLTK's English stop words, shipped so that nothing is downloaded at run time."""
    text = files("textsiam.text").joinpath("stopwords_english.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
