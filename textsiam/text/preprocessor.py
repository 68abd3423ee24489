"""Questions to right-padded sequences of ids."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain, islice, pairwise
from typing import Any

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.text.bulk import LONG, PlainEncoder
from textsiam.text.normalise import normalise
from textsiam.text.tokenise import Tokenizer, parts
from textsiam.text.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

_REMEMBERED = 1 << 15  # parts of questions, mostly words, whose ids are remembered
_TOGETHER = 16  # texts that are worth to be split together


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
        self._plain_encoder = PlainEncoder(self._parts)
        self._cut_said = False

    def encode(self, texts: Iterable[str]) -> list[list[int]]:
        """Return the ids of each question, 1 … ``max_length`` of them."""
        return [self._ids(text) for text in texts]

    def encode_tokens(self, questions: Iterable[list[str]]) -> list[list[int]]:
        """Return the ids of each tokenised question, 1 … ``max_length`` of them."""
        return [self._limited(self.vocabulary.encode(tokens)) for tokens in questions]

    def encode_padded(
        self, texts: Sequence[str], map: Callable[..., Iterable[Any]] = map, *, first: int = 1024, block: int = 8192
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return int32 (n, longest) right-padded ids of each question, and (n,) how many each has, at least 1.

        Args:
            texts: n questions.
            map: applies a function to blocks of questions, in threads perhaps, as ``Executor.map`` does.
            first: questions of the first block: what the frequent words are is known after it.
            block: questions of a block in the end.
        """
        if len(texts) < _TOGETHER:
            return _padded(self.encode(texts))
        edges = [0, first]
        while edges[-1] < len(texts):
            edges.append(edges[-1] + min(edges[-1], block))
        blocks = list(map(self._encode_block, [texts[start:end] for start, end in pairwise(edges)]))
        if len(blocks) == 1:
            return blocks[0]
        lengths = np.concatenate([sizes for _, sizes in blocks])
        padded = np.zeros((len(texts), lengths.max()), np.int32)
        for start, (ids, sizes) in zip(edges, blocks, strict=False):
            padded[start : start + len(sizes), : ids.shape[1]] = ids
        return padded, lengths

    def unknown_share(self, texts: Sequence[str], map: Callable[..., Iterable[Any]] = map) -> np.ndarray:
        """Return the share of each question's tokens that the vocabulary does not know, float64 (n,) in [0, 1].

        A misspelt word that is taken for a known one is known. A question without a token has share 0.

        Args:
            texts: n questions.
            map: see ``encode_padded``.
        """
        if not self.vocabulary.oov_buckets:  # unknown tokens have no id
            tokens = [self.tokenizer(text) for text in texts]
            return np.array([1 - len(self.vocabulary.known(some)) / len(some) if some else 0.0 for some in tokens])
        ids, lengths = self.encode_padded(texts, map)
        unknown = ((ids > 0) & (ids <= self.vocabulary.oov_buckets)).sum(axis=1)
        for row in np.flatnonzero((unknown == 1) & (lengths == 1)).tolist():
            unknown[row] = bool(self.tokenizer(texts[row]))
        return unknown / lengths

    def _encode_block(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return what ``encode_padded`` does."""
        ids, sizes = self._plain_encoder(texts)
        others = {row: self._ids(texts[row]) for row in np.flatnonzero(sizes == 0).tolist()}
        longest = sizes.max()
        if longest > self.max_length:
            self._say_cut(longest)
            ids = ids[np.arange(len(ids)) - np.repeat(np.cumsum(sizes) - sizes, sizes) < self.max_length]
            sizes = sizes.clip(max=self.max_length)
        lengths = sizes.copy()
        lengths[list(others)] = list(map(len, others.values()))
        padded = np.zeros((len(texts), lengths.max()), np.int32)
        padded[np.arange(padded.shape[1]) < sizes[:, None]] = ids
        for row, values in others.items():
            padded[row, : len(values)] = values
        return padded, lengths

    def _ids(self, text: str) -> list[int]:
        normalised = normalise(text)
        if len(normalised) > LONG:
            ids = self._part(normalised)
        else:
            ids = list(chain.from_iterable(map(self._remembered, parts(normalised))))
        return self._limited(ids or self.vocabulary.encode(()))

    def _part(self, normalised: str) -> list[int]:
        return self._parts([normalised])[0]

    def _parts(self, normalised: Sequence[str]) -> list[list[int]]:
        """Return the ids of each part of normalised texts; misspelt words are looked up together."""
        tokens = list(map(self.tokenizer.tokens, normalised))
        ids = iter(self.vocabulary.ids(list(chain.from_iterable(tokens))))
        return [[number for number in islice(ids, len(part)) if number is not None] for part in tokens]

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
