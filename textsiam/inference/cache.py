"""Encodings of recent questions, in bounded memory."""

from collections import OrderedDict
from threading import Lock

import numpy as np

_ENTRY = 400  # bytes that Python takes to remember a question, beside its text and encoding


class QuestionCache:
    """Encodings of the questions asked last, bounded in bytes; the least recently used go first.

    Args:
        capacity: bytes that may be taken, approximately.
    """

    def __init__(self, capacity: int):
        self.capacity = capacity
        self.size = 0
        self._entries: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, text: str) -> np.ndarray | None:
        """Return the encoding of a question, if it is remembered."""
        with self._lock:
            if text in self._entries:
                self._entries.move_to_end(text)
            return self._entries.get(text)

    def put(self, text: str, encoding: np.ndarray) -> None:
        """Remember a question, and forget others until it fits."""
        with self._lock:
            if text not in self._entries:
                self._entries[text] = encoding
                self.size += self._bytes(text, encoding)
            while self.size > self.capacity:
                self.size -= self._bytes(*self._entries.popitem(last=False))

    @staticmethod
    def _bytes(text: str, encoding: np.ndarray) -> int:
        return _ENTRY + 4 * len(text) + encoding.nbytes
