"""Normalised text to tokens: words of every script, numbers and meaningful signs; contractions written out."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from textsiam.errors import TextsiamError
from textsiam.preprocessing.normalise import normalise

# Vowel signs, points and accents that follow a letter of their script and belong to its word; Python's \w lacks them.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0900-\u0903\u093a-\u093c\u093e-\u094f\u0951-\u0957\u0962\u0963"
    "\u0981-\u0983\u09bc\u09be-\u09cd\u09d7\u0a01-\u0a03\u0a3c-\u0a51\u0a70\u0a71\u0a75\u0a81-\u0a83\u0abc\u0abe-\u0acd"
    "\u0b01-\u0b03\u0b3c\u0b3e-\u0b57\u0b82\u0bbe-\u0bcd\u0bd7\u0c00-\u0c04\u0c3e-\u0c56\u0c81-\u0c83\u0cbc\u0cbe-\u0cd6"
    "\u0d00-\u0d03\u0d3b\u0d3c\u0d3e-\u0d4d\u0d57\u0d81-\u0d83\u0dca-\u0df3\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u0f18\u0f19\u0f35\u0f37\u0f39\u0f3e\u0f3f\u0f71-\u0f84\u0f86-\u0fbc"
    "\u102b-\u103e\u1056-\u1059\u1062-\u106d\u1082-\u108d\u135d-\u135f\u17b4-\u17d3\u1dc0-\u1dff\u20d0-\u20f0\u3099\u309a"
)
# Scripts written without spaces: Thai, Lao, Myanmar, Khmer, kana, Han. One character with its marks is one token.
_UNSPACED = (
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u1000-\u102a\u103f\u1050-\u1055"
    "\u1780-\u17b3\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U000323af"
)
_LETTER = rf"(?:(?![{_UNSPACED}])[^\W_][{_MARKS}]*)"

TOKEN_PATTERN = "|".join(
    (
        r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![^\W_])",  # 10,000
        r"\d+\.\d+(?![^\W_])",  # 2.5
        r"(?<![^\W_])[a-z](?:\+\+|#)(?![^\W_])",  # c++, c#
        r"[a-z0-9]++(?:'[a-z]++)*+(?![^\x00-\x7f])",  # the common case first, for speed
        rf"{_LETTER}+(?:'{_LETTER}+)*",
        rf"[{_UNSPACED}][{_MARKS}]*",
        r"[+*=<>%$#&@^~|€£¥₹₽₩¢°√∞∑∫≠≤≥±]",
        r"[-/](?=\s?\d)",
        "[\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]",  # arrows, dingbats, emoji
    )
)
_find_tokens = re.compile(TOKEN_PATTERN).findall

NEGATIONS = frozenset({"no", "not", "nor", "never", "neither", "none", "nothing", "nobody", "nowhere", "without"})

_WHOLE = {
    "can't": ("can", "not"),
    "cannot": ("can", "not"),
    "won't": ("will", "not"),
    "shan't": ("shall", "not"),
    "ain't": ("is", "not"),
    "let's": ("let", "us"),
    "y'all": ("you", "all"),
    "i'm": ("i", "am"),
    "im": ("i", "am"),
    "whats": ("what", "is"),
    "thats": ("that", "is"),
    "ive": ("i", "have"),
    "gonna": ("going", "to"),
    "wanna": ("want", "to"),
    "gotta": ("got", "to"),
} | {  # the apostrophe left out, where no other word is spelt so
    f"{verb}nt": (base, "not")
    for verb, base in (
        *((v, v) for v in ("do", "does", "did", "is", "are", "was", "were", "have", "has", "had")),
        *((v, v) for v in ("could", "should", "would", "must", "need")),
        ("ca", "can"),
        ("wo", "will"),
    )
}
_SUFFIXES = {"re": "are", "ve": "have", "ll": "will", "d": "would", "m": "am"}
_BEFORE_IS = frozenset(
    "what who where when why how it that this there here he she everything something nothing everyone someone".split()
)


@cache
def _stop_words() -> frozenset[str]:
    """NLTK's English stop words, shipped so that nothing is downloaded at run time."""
    text = files("textsiam.preprocessing").joinpath("stopwords_english.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def expand_contraction(token: str) -> tuple[str, ...]:
    """Write a contraction out: ``don't`` → ``do not``, ``what's`` → ``what is``, ``john's`` → ``john 's``.

    Args:
        token: one lower-case token.

    Returns:
        Its words; a token that is no contraction comes back alone.
    """
    if token in _WHOLE:
        return _WHOLE[token]
    base, apostrophe, suffix = token.rpartition("'")
    if not apostrophe:
        return (token,)
    if suffix == "t" and base.endswith("n"):
        return (*expand_contraction(base[:-1]), "not")
    if suffix in _SUFFIXES:
        return (*expand_contraction(base), _SUFFIXES[suffix])
    if suffix == "s":
        return (*expand_contraction(base), "is" if base in _BEFORE_IS else "'s")
    return (*expand_contraction(base), suffix)


def _split(token: str) -> tuple[str, ...]:
    if token in _WHOLE or "'" in token:
        return expand_contraction(token)
    return (token.replace(",", ""),)


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
    _dropped: frozenset[str] = field(init=False, repr=False, compare=False, default=frozenset())

    def __post_init__(self) -> None:
        for name in ("stem", "stop_words", "keep_negation", "keep_digits"):
            if not isinstance(getattr(self, name), bool):
                raise TextsiamError(f"{name} must be true or false, not {getattr(self, name)!r}.")
        if self.stem:
            from nltk.stem import SnowballStemmer

            object.__setattr__(self, "_stemmer", cache(SnowballStemmer("english").stem))
        if self.stop_words:
            object.__setattr__(self, "_dropped", _stop_words() - (NEGATIONS if self.keep_negation else frozenset()))

    def __getstate__(self) -> dict[str, bool]:
        return {name: getattr(self, name) for name in ("stem", "stop_words", "keep_negation", "keep_digits")}

    def __setstate__(self, state: dict[str, bool]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __call__(self, text: str) -> list[str]:
        """Return the tokens of one question, in order; an empty list when it has none."""
        normalised = normalise(text)
        tokens = _find_tokens(normalised)
        if "'" in normalised or "," in normalised or not _WHOLE.keys().isdisjoint(tokens):
            tokens = [word for token in tokens for word in _split(token)]
        if not self.keep_digits:
            tokens = [token for token in tokens if not has_digit(token)]
        if self._dropped:
            tokens = [token for token in tokens if token not in self._dropped]
        if self._stemmer is not None:
            tokens = [self._stemmer(token) for token in tokens]
        return tokens


def has_digit(token: str) -> bool:
    """Whether the token names a number: ``2``, ``2nd``, ``10k``, ``iphone7``."""
    return any(character.isdigit() for character in token)
