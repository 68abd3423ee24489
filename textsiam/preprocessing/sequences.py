"""Questions to right-padded sequences of ids."""

import logging
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, compress, count

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.preprocessing.normalise import normalise
from textsiam.preprocessing.tokenise import Tokenizer, parts
from textsiam.preprocessing.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

_REMEMBERED = 1 << 16  # parts of questions, mostly words, whose ids are remembered
_LONG = 400  # characters of a text whose parts are not, so that what is remembered stays small
_TOGETHER = 16  # texts that are worth to be split together
# ASCII characters, by code, that normalisation may look at.
_SPECIAL = np.array([not chr(code).isprintable() or chr(code) in "&<" for code in range(128)])


def pad_sequences(rows: Sequence[Sequence[int]], length: int | None = None) -> np.ndarray:
    """Return the rows as one array, padded with 0 on the right.

    Args:
        rows: n sequences of ids.
        length: columns of the result; by default the longest row. Longer rows are cut.

    Returns:
        int32 (n, length).
    """
    if length is not None:
        rows = [row[:length] for row in rows]
    return _padded(rows, length)[0]


def distinct_ids(*ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct ids of arrays in ascending order, int32 (k,), and their places there by the id."""
    occurs = np.zeros(max(array.max() for array in ids) + 1, dtype=bool)
    for array in ids:
        occurs[array] = True
    return np.flatnonzero(occurs).astype(np.int32), np.cumsum(occurs, dtype=np.int32) - 1


def _padded(rows: Sequence[Sequence[int]], length: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows, none longer than ``length``, right-padded, and how many ids each has."""
    sizes = np.fromiter(map(len, rows), np.intp, len(rows))
    padded = np.zeros((len(rows), sizes.max(initial=1) if length is None else length), dtype=np.int32)
    flat = np.fromiter(chain.from_iterable(rows), np.int32, sizes.sum())
    padded[np.arange(padded.shape[1]) < sizes[:, None]] = flat
    return padded, sizes


def _plain(texts: Sequence[str]) -> np.ndarray:
    """Return which texts normalisation leaves as they are, but for case, grave accents and repeated spaces: (n,)."""
    texts = [text if text.isascii() and len(text) <= _LONG and "\n" not in text else "&" for text in texts]
    codes = np.frombuffer("\n".join(texts).encode(), np.uint8)
    special = _SPECIAL[codes]
    ends = np.flatnonzero(codes == ord("\n"))
    special[ends] = False
    sign = (codes[:-1] == ord("-")) | (codes[:-1] == ord("/"))
    special[:-1] |= sign & (codes[1:] == ord(" "))  # see ``reaches_over``
    plain = np.ones(len(texts), dtype=bool)
    plain[np.searchsorted(ends, np.flatnonzero(special))] = False
    return plain


class Preprocessor:
    """Tokenizer, vocabulary and length limit: everything between a question and its sequence.

    Args:
        tokenizer: text → tokens.
        vocabulary: tokens → ids.
        max_length: ids kept of a question, the first ones; a longer text is cut there, which is logged once.
    """

    def __init__(self, tokenizer: Tokenizer, vocabulary: Vocabulary, max_length: int = 60):
        if max_length < 1:
            raise TextsiamError(f"max_length must be at least 1, not {max_length}.")
        self.tokenizer = tokenizer
        self.vocabulary = vocabulary
        self.max_length = max_length
        self._remembered = lru_cache(_REMEMBERED)(self._part)
        self._cut_said = False

    def encode(self, texts: Iterable[str]) -> list[list[int]]:
        """Return the ids of each question, 1 … ``max_length`` of them."""
        return [self._ids(text) for text in texts]

    def encode_tokens(self, questions: Iterable[list[str]]) -> list[list[int]]:
        """Return the ids of each tokenised question, 1 … ``max_length`` of them."""
        return [self._limited(self.vocabulary.encode(tokens)) for tokens in questions]

    def encode_padded(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return int32 (n, longest) right-padded ids of each question, and (n,) how many each has, at least 1."""
        if len(texts) < _TOGETHER:
            return self._encode_one_by_one(list(texts))
        plain = _plain(texts)
        groups = []
        for rows, encode in ((plain, self._encode_plain), (~plain, self._encode_one_by_one)):
            if rows.any():
                groups.append((rows, *encode(list(compress(texts, rows)))))
        lengths = np.empty(len(texts), dtype=np.intp)
        padded = np.zeros((len(texts), max(ids.shape[1] for _, ids, _ in groups)), dtype=np.int32)
        for rows, ids, sizes in groups:
            padded[rows, : ids.shape[1]], lengths[rows] = ids, sizes
        return padded, lengths

    def _encode_one_by_one(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        return _padded(self.encode(texts))

    def _encode_plain(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return what ``encode_padded`` does, for texts that are normal in lower case but for repeated spaces.

        They are split at their spaces all at once, and each distinct part of them is looked up once.
        """
        parts = " \n ".join(texts).lower().replace("`", "'").split(" ")
        numbers = {"\n": 0} | dict.fromkeys(parts)
        numbers = dict(zip(numbers, count()))
        known = [(), *map(self._remembered, list(numbers)[1:])]
        sizes = np.fromiter(map(len, known), np.intp, len(known))
        flat = np.fromiter(chain.from_iterable(known), np.int32, sizes.sum())
        part = np.fromiter(map(numbers.__getitem__, parts), np.intp, len(parts))

        row = np.cumsum(part == 0)
        lengths = np.bincount(row, sizes[part], len(texts)).astype(np.intp)
        size = sizes[part]
        row = np.repeat(row, size)
        within = np.arange(row.size)
        ids = flat[np.repeat((np.cumsum(sizes) - sizes)[part] - (np.cumsum(size) - size), size) + within]
        column = within - (np.cumsum(lengths) - lengths)[row]
        kept = column < self.max_length
        if not kept.all():
            self._say_cut(lengths.max())
        padded = np.zeros((len(texts), min(lengths.max(initial=1), self.max_length)), dtype=np.int32)
        padded[row[kept], column[kept]] = ids[kept]
        padded[lengths == 0, 0] = self.vocabulary.encode(())[0]
        return padded, lengths.clip(1, self.max_length)

    def _ids(self, text: str) -> list[int]:
        normalised = normalise(text)
        if len(normalised) > _LONG:
            ids = self._part(normalised)
        else:
            ids = list(chain.from_iterable(map(self._remembered, parts(normalised))))
        return self._limited(ids or self.vocabulary.encode(()))

    def _part(self, normalised: str) -> list[int]:
        return self.vocabulary.known(self.tokenizer.tokens(normalised))

    def _limited(self, ids: list[int]) -> list[int]:
        if len(ids) > self.max_length:
            self._say_cut(len(ids))
            return ids[: self.max_length]
        return ids

    def _say_cut(self, length: int) -> None:
        if not self._cut_said:
            self._cut_said = True
            logger.warning(
                "A question of %d tokens is cut at %d (max_length); this is said once.", length, self.max_length
            )
