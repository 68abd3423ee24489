"""Whether two texts are the same to a reader: what alone makes a pair certain."""

import re
import unicodedata

from textsiam.text.normalise import level, unescape

# An exclamation mark beside a number, a bracket or a single letter may be a factorial's: it ends no sentence.
_SENTENCE_ENDS = re.compile(r"(?:[?.。؟।]|(?<![0-9)\]])(?<!\b\w)!)+(?=[\"')\]]*(?:\s|$))")
_OTHER_MEANING = ("<super>", "<sub>", "<circle>", "<square>")  # 10² is not 102, nor ① 1
_APART = "\ue000"  # a character for private use


def same_text(text: str, other: str) -> bool:
    """Whether texts differ at most in case, white space, typographic variants and marks at a sentence's end.

    >>> same_text("What’s this?", "what's  THIS")
    True
    >>> same_text("What is 10!?", "What is 10?")
    False

    Args:
        text: any text.
        other: the text to compare it with.
    """
    return text == other or _as_read(text) == _as_read(other)


def _as_read(text: str) -> str:
    text = unescape(text)
    if not text.isascii():
        text = "".join(
            _APART + character if unicodedata.decomposition(character).startswith(_OTHER_MEANING) else character
            for character in text
        )
    levelled = level(text)
    return " ".join(_SENTENCE_ENDS.sub(" ", levelled).split()) or levelled
