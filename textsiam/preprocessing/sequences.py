"""Questions to right-padded sequences of ids."""

import logging
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.preprocessing.normalise import normalise
from textsiam.preprocessing.tokenise import Tokenizer, parts
from textsiam.preprocessing.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

_REMEMBERED = 1 << 16  # parts of questions, mostly words, whose ids are remembered
_LONG = 400  # characters of a text whose parts are not, so that what is remembered stays small


def pad_sequences(rows: Sequence[Sequence[int]], length: int | None = None) -> np.ndarray:
    """Return the rows as one array, padded with 0 on the right.

    Args:
        rows: n sequences of ids.
        length: columns of the result; by default the longest row. Longer rows are cut.

    Returns:
        int32 (n, length).
    """
    sizes = np.fromiter(map(len, rows), dtype=np.intp, count=len(rows))
    width = int(sizes.max(initial=1)) if length is None else length
    if sizes.max(initial=0) > width:
        rows = [row[:width] for row in rows]
        sizes = np.minimum(sizes, width)
    return _padded([identifier for row in rows for identifier in row], sizes, width)


def _padded(flat: list[int], sizes: np.ndarray, width: int) -> np.ndarray:
    padded = np.zeros((len(sizes), width), dtype=np.int32)
    padded[np.arange(width) < sizes[:, None]] = flat
    return padded


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

    def encode_padded(self, texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return int32 (n, longest) right-padded ids of each question, and (n,) how many each has, at least 1."""
        flat: list[int] = []  # one list, not one a question: Python looks through them again and again for garbage
        lengths = []
        for text in texts:
            ids = self._ids(text)
            flat += ids
            lengths.append(len(ids))
        sizes = np.array(lengths, dtype=np.intp)
        return _padded(flat, sizes, int(sizes.max(initial=1))), sizes

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
            if not self._cut_said:
                self._cut_said = True
                logger.warning(
                    "A question of %d tokens is cut at %d (max_length); this is said once.", len(ids), self.max_length
                )
            return ids[: self.max_length]
        return ids
