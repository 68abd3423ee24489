"""Normalised text to tokens: words of every script, numbers and meaningful signs; contractions written out."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files

from textsiam.errors import TextsiamError
from textsiam.preprocessing.normalise import normalise

# Vowel signs, points and accents follow a letter and belong to its word; Python's \w lacks them. Living scripts only:
# going through all of Unicode would delay the start.
_MARKS = "".join(
    character
    for character in map(chr, (*range(0x300, 0xABEE), *range(0x11000, 0x11480), *range(0x1E944, 0x1E94B)))
    if unicodedata.category(character).startswith("M")
)
# Scripts written without spaces: Thai, Lao, Myanmar, Khmer, kana, Han. One character with its marks is one token.
_UNSPACED = (
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u1000-\u102a\u103f\u1050-\u1055"
    "\u1780-\u17b3\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U000323af"
)
_SPACED = rf"(?![{_UNSPACED}])[^\W_]"
_LETTER = rf"(?:{_SPACED}[{_MARKS}]*)"

TOKEN_PATTERN = "|".join(
    (
        rf"\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?(?!{_SPACED})",  # 10,000
        rf"\d+\.\d+(?!{_SPACED})",  # 2.5
        rf"[a-z](?:\+\+|#)(?!{_SPACED})",  # c++, c#
        r"[a-z0-9]++(?:'[a-z]++){0,3}+(?![^\x00-\x7f])",  # the common case first, for speed
        rf"{_LETTER}+(?:'{_LETTER}+){{0,3}}",
        rf"[{_UNSPACED}][{_MARKS}]*",
        r"[+*=<>%$#&@^~|€£¥₹₽₩¢°√∞∑∫≠≤≥±]",
        r"[-/](?=\s?\d)",
        "[\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]",  # arrows, dingbats, emoji
    )
)
_find_tokens = re.compile(TOKEN_PATTERN).findall

NEGATIONS = frozenset({"no", "not", "nor", "never", "neither", "none", "nothing", "nobody", "nowhere", "without"})

_WHOLE = {
    "n't": ("not",),  # a treebank's "do n't"
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
_SUFFIXES = {"re": "are", "ve": "have", "ll": "will", "d": "would", "m": "am", "nt": "not"}  # "nt": as in does'nt
_BEFORE_IS = frozenset(
    (
        *("what", "who", "where", "when", "why", "how", "it", "that", "this", "there", "here", "he", "she"),
        *("everything", "something", "nothing", "everyone", "someone"),
    )
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

            object.__setattr__(self, "_stemmer", lru_cache(1 << 16)(SnowballStemmer("english").stem))
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
