"""What the recurrence takes in of each word of a vocabulary, x·W + b: computed when it is met first, then kept."""

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Lock

import numpy as np

from textsiam.inference.lstm import Recurrence
from textsiam.inference.threads import each
from textsiam.text.preprocessor import distinct_ids

_FREQUENT = 1 << 24  # bytes for the words that are there from the beginning
_TOGETHER = 1024  # words projected together


class Projections:
    """The projections of a vocabulary's words, the most frequent ones first among its ids. Threads may share them.

    Args:
        recurrence: what projects them, in each of its directions.
        embedding: float32 (words, e).
    """

    def __init__(self, recurrence: Recurrence, embedding: np.ndarray):
        self._recurrence = recurrence
        self._embedding = embedding
        self._known = np.zeros(len(embedding), dtype=bool)
        self._lock = Lock()

    @cached_property
    def frequent(self) -> list[np.ndarray]:
        """Those of the most frequent words, for a few questions: float32 (words, 4, units) of each direction."""
        units, directions = self._recurrence.units, range(self._recurrence.directions)
        vectors = self._embedding[: _FREQUENT // (16 * units * len(directions))]
        return [np.ascontiguousarray(self._recurrence.project(vectors, d).transpose(1, 0, 2)) for d in directions]

    @cached_property
    def all(self) -> list[np.ndarray]:
        """Those of all words, for many questions: float32 (4, words, units) of each direction; see ``learn``.

        Memory is taken only where something has been written.
        """
        shape = 4, len(self._embedding), self._recurrence.units
        return [np.empty(shape, np.float32) for _ in range(self._recurrence.directions)]

    def of(self, words: np.ndarray, direction: int) -> np.ndarray:
        """Return those of some words, computed anew: float32 (n, 4, units)."""
        return self._recurrence.project(self._embedding[words], direction).transpose(1, 0, 2)

    def unknown(self, ids: np.ndarray) -> np.ndarray:
        """Return the words among ids that ``learn`` has not been given yet, each once: (n,)."""
        words, _ = distinct_ids(ids)
        return words[~self._known[words]]

    def learn(self, words: np.ndarray, pool: ThreadPoolExecutor | None) -> None:
        """Compute the projections of words that stand in ``all`` from now on.

        Args:
            words: their ids, each once.
            pool: threads to share them; None computes them here.
        """
        with self._lock:
            words = words[~self._known[words]]  # another thread may have been here
            everything = self.all

            def learn_block(block: np.ndarray) -> None:
                for direction, projections in enumerate(everything):
                    projections[:, block] = self._recurrence.project(self._embedding[block], direction)

            each(pool, learn_block, [words[start : start + _TOGETHER] for start in range(0, len(words), _TOGETHER)])
            self._known[words] = True
