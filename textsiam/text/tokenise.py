"""Normalised text to tokens: words of every script, numbers and meaningful signs; contractions written out."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from textsiam.errors import TextsiamError
from textsiam.text.baseline2019 import LeaveOut, leave_out
from textsiam.text.characters import UNSPACED, UNSPACED_MARKS, WORD
from textsiam.text.contractions import CONTRACTED, expand_contraction
from textsiam.text.normalise import normalise

_UNIT = rf"(?:[a-z]{{1,9}})?(?![{WORD}])"
TOKEN_PATTERN = "|".join(
    (
        # 10,000 and 1_000, 1,00,000 as in India; a fraction, and the unit that is written close: 1,500.5km, 10,000th
        rf"[0-9]{{1,3}}(?:(?:,[0-9]{{3}})+|(?:_[0-9]{{3}})+|(?:,[0-9]{{2}})+,[0-9]{{3}})(?:\.[0-9]+)?{_UNIT}",
        rf"[0-9]+\.[0-9]+{_UNIT}",  # 2.5, 3.5mm
        rf"(?<![{WORD}.])\.[0-9]+{_UNIT}",  # .5
        rf"[a-z](?:\+\+|#)(?![{WORD}])",  # c++, c#
        r"[a-z0-9]++(?:'[a-z]++){0,3}+(?![^\x00-\x7f])",  # the common case first, for speed
        # A glance ahead spares spaces and signs the long class; a word does not start with a combining accent.
        rf"(?=[a-z0-9\x80-\u02ff\u0370-\U0010ffff])[{WORD}]+(?:'[{WORD}]+){{0,3}}",
        rf"[{UNSPACED}][{UNSPACED_MARKS}]*",  # a character with its marks
        r"[+*=<>%$#&@^~|¢-©¬®°±]",
        r"[-/](?= ?[0-9])",
        "[\u20a0-\u20cf\u2100-\u214f\u2190-\u2bff\U0001d100-\U0001d1ff\U0001f000-\U0001faff]",  # currencies … emoji
    )
)
_LEADING_ZERO = re.compile(r"0?\.([0-9]++)([a-z]*+)$")  # 0.50; 3.10 may be a version
_find_tokens = re.compile(TOKEN_PATTERN).findall


def _split(token: str) -> tuple[str, ...]:
    if token in CONTRACTED or "'" in token:
        return expand_contraction(token)
    return _number(token) if token[0] in ".0123456789" else (token,)


def _number(token: str) -> tuple[str, ...]:
    """Write a number one way: ``1,00,000`` → ``100000``, ``.50`` → ``0.5``; three hundreds in a row are a list."""
    groups = token.split(",")
    if len(groups) > 2 and len(groups[0]) == 3 and "000" not in groups:
        return tuple(groups)  # 100,200,300
    number = token.replace(",", "").replace("_", "")
    if fraction := _LEADING_ZERO.match(number):
        return (f"0.{fraction[1].rstrip('0') or '0'}{fraction[2]}",)
    return (number,)


@dataclass(frozen=True)
class Tokenizer:
    """Splits a question into tokens.

    ``TOKEN_PATTERN`` is a pattern for NLTK's ``RegexpTokenizer`` and gives what that gives; it is run by ``re`` itself
    because importing NLTK takes longer than answering. Stemming imports NLTK.

    Attributes:
        stem: reduce every token to its stem with NLTK's English Snowball stemmer (Porter 2).
        stop_words: drop NLTK's English stop words.
        keep_negation: keep "not", "no" and their kin among the stop words: they turn a question's meaning round.
        keep_digits: keep tokens with a digit. Off only in the published baseline.
    """

    stem: bool = False
    stop_words: bool = False
    keep_negation: bool = True
    keep_digits: bool = True
    _stemmer: Callable[[str], str] | None = field(init=False, repr=False, compare=False, default=None)
    _leave_out: LeaveOut | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        for name in ("stem", "stop_words", "keep_negation", "keep_digits"):
            if not isinstance(getattr(self, name), bool):
                raise TextsiamError(f"{name} must be true or false, not {getattr(self, name)!r}.")
        if self.stem:
            from nltk.stem import SnowballStemmer

            object.__setattr__(self, "_stemmer", lru_cache(1 << 16)(SnowballStemmer("english").stem))
        if self.stop_words or not self.keep_digits:
            object.__setattr__(self, "_leave_out", leave_out(self.stop_words, self.keep_negation, self.keep_digits))

    def __getstate__(self) -> dict[str, bool]:
        return {name: getattr(self, name) for name in ("stem", "stop_words", "keep_negation", "keep_digits")}

    def __setstate__(self, state: dict[str, bool]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __call__(self, text: str) -> list[str]:
        """Return the tokens of one question, in order; an empty list when it has none."""
        return self.tokens(normalise(text))

    def tokens(self, normalised: str) -> list[str]:
        """Return the tokens of a normalised text, or of a part that ``parts`` gave."""
        if normalised.isascii() and normalised.isalpha():  # the common case first, for speed
            tokens = list(CONTRACTED.get(normalised, (normalised,)))
        else:
            tokens = [word for token in _find_tokens(normalised) for word in _split(token)]
        if self._leave_out is not None:
            tokens = self._leave_out(tokens)
        if self._stemmer is not None:
            tokens = [self._stemmer(token) for token in tokens]
        return tokens


def parts(normalised: str) -> list[str]:
    """Split a normalised text at its spaces, where that is safe: the tokens of the parts are those of the text."""
    return [normalised] if reaches_over(normalised) else normalised.split()


def reaches_over(text: str) -> bool:
    """Whether a token may depend on what follows a space: a hyphen or a slash is one if a number comes next."""
    return "- " in text or "/ " in text
