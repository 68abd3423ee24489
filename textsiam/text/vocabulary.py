"""Tokens to ids: 0 pads, a few buckets share the unknown tokens, the rest are known."""

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.text.characters import has_digit
from textsiam.text.spelling import Spelling, without_accents

PAD = "[PAD]"


class Vocabulary:
    """The known tokens and their ids.

    Id 0 is padding. Ids 1 … ``oov_buckets`` take the unknown tokens by a stable hash (CRC-32), the first half the
    words, the second half those with a digit, so that an unknown word in both questions meets itself. Known tokens
    follow.
    With no buckets an unknown token is dropped.

    Args:
        tokens: known tokens, the most frequent first, distinct, none with white space.
        oov_buckets: number of buckets, 0 or an even number.
        correct_spelling: give an unknown word the id of the known one that has other accents or is one slip of typing
            away, if there is one; accents make no difference to its bucket, either.
    """

    def __init__(self, tokens: Sequence[str], oov_buckets: int = 256, *, correct_spelling: bool = False):
        if oov_buckets < 0 or oov_buckets % 2:
            raise TextsiamError(f"oov_buckets must be 0 or an even number, not {oov_buckets}.")
        self.oov_buckets = oov_buckets
        self.correct_spelling = correct_spelling
        self.tokens = tuple(tokens)
        self._ids = {token: position for position, token in enumerate(self.tokens, start=1 + oov_buckets)}
        if len(self._ids) != len(self.tokens):
            repeated = next(token for token, count in Counter(self.tokens).items() if count > 1)
            raise TextsiamError(f"The tokens of a vocabulary are distinct; {repeated!r} stands in it twice.")

    @classmethod
    def build(
        cls,
        texts: Iterable[Iterable[str]],
        *,
        min_count: int = 1,
        max_size: int | None = None,
        oov_buckets: int = 256,
        correct_spelling: bool = False,
    ) -> "Vocabulary":
        """Count tokens and keep the frequent ones, sorted by (−count, token): the same in every run.

        Args:
            texts: the tokens of each question.
            min_count: keep tokens that occur at least so often.
            max_size: keep at most so many tokens; None keeps all.
            oov_buckets: see the class.
            correct_spelling: see the class.
        """
        if max_size is not None and max_size < 0:
            raise TextsiamError(f"max_size must be at least 0, or None for no limit, not {max_size}.")
        counts = Counter(token for tokens in texts for token in tokens)
        kept = sorted((token for token, count in counts.items() if count >= min_count), key=lambda t: (-counts[t], t))
        return cls(kept[:max_size], oov_buckets, correct_spelling=correct_spelling)

    def __len__(self) -> int:
        """Number of ids, padding and buckets included: the rows of an embedding matrix."""
        return 1 + self.oov_buckets + len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[Any, ...]:
        return self.tokens, self.oov_buckets, self.correct_spelling

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Return the ids of a question's tokens, in order; never an empty list.

        A question without a token is one unknown token, or padding where there are no buckets.
        """
        return self.known(tokens) or ([self._bucket("")] if self.oov_buckets else [0])

    def known(self, tokens: Iterable[str]) -> list[int]:
        """Return the ids of the tokens, in order, those without an id left out."""
        return [number for number in self.ids(list(tokens)) if number is not None]

    def ids(self, tokens: Sequence[str]) -> list[int | None]:
        """Return the id of each token, None where it has none."""
        ids = list(map(self._ids.get, tokens))
        if None in ids:
            places = [place for place, number in enumerate(ids) if number is None]
            for place, number in zip(places, self._unknown([tokens[place] for place in places]), strict=True):
                ids[place] = number
        return ids

    @cached_property
    def _spelling(self) -> Spelling:
        return Spelling(self._ids)

    def _unknown(self, tokens: Sequence[str]) -> list[int | None]:
        numbers: list[int | None] = [None] * len(tokens)
        if self.correct_spelling:
            numbers, tokens = self._spelling(tokens), list(map(without_accents, tokens))
        if not self.oov_buckets:
            return numbers
        return [self._bucket(t) if number is None else number for t, number in zip(tokens, numbers, strict=True)]

    def _bucket(self, token: str) -> int:
        half = self.oov_buckets // 2
        return 1 + zlib.crc32(token.encode("utf-8", "surrogatepass")) % half + half * has_digit(token)

    def inverse_document_frequency(self, rows: Iterable[Iterable[int]]) -> np.ndarray:
        """Return idf(t) = ln((1 + n) / (1 + df(t))) + 1 of every id over n encoded questions.

        It is scikit-learn's smooth idf.

        Args:
            rows: the ids of each question.

        Returns:
            float32 (len(self),), at least 1, higher = rarer; 0 for padding.
        """
        frequency = np.zeros(len(self), dtype=np.int64)
        count = 0
        for row in rows:
            frequency[list(set(row))] += 1
            count += 1
        idf = np.log((1 + count) / (1 + frequency)) + 1
        idf[0] = 0
        return idf.astype(np.float32)

    def numeric(self) -> np.ndarray:
        """Return which ids stand for tokens with a digit: bool (len(self),)."""
        half = self.oov_buckets // 2
        return np.array([False] * (1 + half) + [True] * half + [has_digit(token) for token in self.tokens])

    def stems(self) -> np.ndarray:
        """Return the lowest id whose token has the same stem, of every id: int32 (len(self),).

        NLTK's English Snowball stemmer (Porter 2) makes the stems; tokens of other languages keep most of their ends.
        """
        from nltk.stem import SnowballStemmer

        stem = SnowballStemmer("english").stem
        first: dict[str, int] = {}
        known = range(1 + self.oov_buckets, len(self))
        ids = [first.setdefault(stem(token), number) for number, token in zip(known, self.tokens, strict=True)]
        return np.array([*range(1 + self.oov_buckets), *ids], dtype=np.int32)

    def to_text(self) -> str:
        """Return one token a line; the line number, from 0, is the id."""
        return "\n".join((*_reserved(self.oov_buckets), *self.tokens)) + "\n"

    @classmethod
    def from_text(cls, text: str, oov_buckets: int, *, correct_spelling: bool = False) -> "Vocabulary":
        """Read what ``to_text`` wrote."""
        lines = text.removesuffix("\n").split("\n")
        reserved = _reserved(oov_buckets)
        if lines[: len(reserved)] != reserved:
            raise TextsiamError(
                f"A vocabulary starts with {PAD} and {oov_buckets} buckets, one a line; this one does not."
            )
        return cls(lines[len(reserved) :], oov_buckets, correct_spelling=correct_spelling)


def _reserved(oov_buckets: int) -> list[str]:
    return [PAD, *(f"[OOV {number}]" for number in range(oov_buckets))]
