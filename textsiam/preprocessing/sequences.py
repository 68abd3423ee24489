"""Questions to right-padded sequences of ids."""

import logging
from collections.abc import Iterable, Sequence

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.preprocessing.tokenise import Tokenizer
from textsiam.preprocessing.vocabulary import Vocabulary

logger = logging.getLogger(__name__)


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
    padded = np.zeros((len(rows), width), dtype=np.int32)
    flat = [identifier for row in rows for identifier in row]
    padded[np.arange(width) < sizes[:, None]] = flat
    return padded


class Preprocessor:
    """Tokenizer, vocabulary and length limit: everything between a question and its sequence.

    Args:
        tokenizer: text → tokens.
        vocabulary: tokens → ids.
        max_length: tokens kept of a question, the first ones; a longer text is cut there, which is logged once.
    """

    def __init__(self, tokenizer: Tokenizer, vocabulary: Vocabulary, max_length: int = 60):
        if max_length < 1:
            raise TextsiamError(f"max_length must be at least 1, not {max_length}.")
        self.tokenizer = tokenizer
        self.vocabulary = vocabulary
        self.max_length = max_length
        self._cut_said = False

    def encode(self, texts: Iterable[str]) -> list[list[int]]:
        """Return the ids of each question, 1 … ``max_length`` of them."""
        return self.encode_tokens(map(self.tokenizer, texts))

    def encode_tokens(self, questions: Iterable[list[str]]) -> list[list[int]]:
        """Return the ids of each tokenised question, 1 … ``max_length`` of them."""
        encode, limit = self.vocabulary.encode, self.max_length
        rows = []
        for tokens in questions:
            if len(tokens) > limit:
                self._say_cut(len(tokens))
            rows.append(encode(tokens[:limit]))
        return rows

    def _say_cut(self, length: int) -> None:
        if not self._cut_said:
            self._cut_said = True
            logger.warning(
                "A question of %d tokens is cut at %d (max_length); this is said once.", length, self.max_length
            )
