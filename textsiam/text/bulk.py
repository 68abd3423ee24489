"""Plain texts to ids, many at once: NumPy splits their bytes at the spaces and looks the words up in a hash table."""

from collections.abc import Callable, Sequence
from itertools import chain
from threading import Lock

import numpy as np

LONG = 400  # characters; of a longer text nothing is remembered, so that what is remembered stays small
_BYTES = 4 * LONG + 1  # that so many characters have at most, with what ends them
_NEWLINE, _SPACE = b"\n "
_MARKS = np.isin(np.arange(256), list(b"?!.,"))  # by byte: at a word's end no token has it, nor depends on it
_PADDING = bytes(16)  # so that 16 bytes can be read anywhere
# By byte: what normalisation may look at, beside every one that is not ASCII; what it makes of the others.
_SPECIAL = np.array([code > 127 or not chr(code).isprintable() or chr(code) == "<" for code in range(256)])
_SPECIAL[_NEWLINE] = False
_SIGNS = np.isin(np.arange(256), list(b"-/&"))  # what follows them tells whether they are special
_LETTERS = np.array([chr(code).isascii() and chr(code).isalpha() for code in range(256)])
_NORMAL = np.frombuffer(bytes(range(256)).lower().replace(b"`", b"'"), np.uint8)
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)  # keeps the first bytes of eight
_LONGEST = 64  # bytes of a word beside the table
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)  # odd, of random bits


class WordTable:
    """Words of up to 16 bytes and the ids that each stands for; full, it takes no more.

    Threads may share it: an entry is written before its slot and never changed, and it counts only if its key is the
    word that was looked up.

    Args:
        bits: of a slot's number.
        entries: words that it takes, the first being none.
    """

    def __init__(self, bits: int = 18, entries: int = 1 << 17) -> None:
        self._bits, self._most = bits, entries
        self._slots = np.zeros(1 << bits, np.int32)  # number of an entry, 0: free
        self._keys = np.zeros((2, entries), np.uint64)
        self.starts, self.sizes = np.zeros((2, entries), np.int32)  # of its ids
        self.ids = np.zeros(2 * entries, np.int32)
        self._entries, self._used = 1, 0
        self._lock = Lock()

    def find(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the numbers of words' entries, 0 where there is none.

        Args:
            low: uint64 (n,), the first eight bytes of each word, the first one lowest; 0 where it is shorter.
            high: uint64 (n,), the next eight.
        """
        slots = self._slot(low, high)
        numbers = self._found(slots, low, high)
        missing = np.flatnonzero(numbers == 0)
        numbers[missing] = self._found(slots[missing] ^ 1, low[missing], high[missing])
        return numbers

    def add(self, low: np.ndarray, high: np.ndarray, ids: Sequence[Sequence[int]]) -> list[int]:
        """Take distinct words up, as far as there is room for them in the two slots that each may have.

        Returns:
            The rows of those that there is no room for.
        """
        with self._lock:
            left = np.flatnonzero(self.find(low, high) == 0)  # another thread may have been here
            for other in (0, 1):
                slots = self._slot(low[left], high[left]) ^ other
                free = np.flatnonzero(self._slots[slots] == 0)
                free = free[np.unique(slots[free], return_index=True)[1]][: self._most - self._entries]
                rows = left[free]
                self._write(slots[free], low[rows], high[rows], [ids[row] for row in rows])
                left = np.delete(left, free)
        return left.tolist()

    def _write(self, slots: np.ndarray, low: np.ndarray, high: np.ndarray, ids: list[Sequence[int]]) -> None:
        flat = list(chain.from_iterable(ids))
        if self._used + len(flat) > len(self.ids):
            return
        entries = np.arange(self._entries, self._entries + len(ids))
        self._keys[:, entries] = low, high
        self.sizes[entries] = list(map(len, ids))
        self.starts[entries] = self._used + np.cumsum(self.sizes[entries]) - self.sizes[entries]
        self.ids[self._used : self._used + len(flat)] = flat
        self._entries, self._used = self._entries + len(ids), self._used + len(flat)
        self._slots[slots] = entries

    def _found(self, slots: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        numbers = self._slots.take(slots)
        numbers *= (self._keys[0].take(numbers) == low) & (self._keys[1].take(numbers) == high)
        return numbers

    def _slot(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        mixed = low * _FACTORS[0]
        mixed ^= high * _FACTORS[1]
        return (mixed >> np.uint64(64 - self._bits)).astype(np.intp)


class PlainEncoder:
    """Encodes the texts that normalisation leaves as they are, but for case, grave accents and spaces.

    Args:
        encode: ids of each of some parts of normalised texts that hold no space; marks (?!.,) at the end of a part
            change none of its.
        table: remembers words; None: an empty one.
        others: words, which the table cannot take, to remember beside it.
    """

    def __init__(
        self,
        encode: Callable[[Sequence[str]], Sequence[Sequence[int]]],
        table: WordTable | None = None,
        *,
        others: int = 1 << 14,
    ):
        self._encode = encode
        self._table = table or WordTable()
        self._most_others = others
        self._others: dict[bytes, Sequence[int]] = {}  # words that the table cannot take, and their ids

    def __call__(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of the plain ones among texts, one after another, and how many each of the n has, or 0."""
        data = np.frombuffer("\n".join(texts).encode("utf-8", "surrogatepass") + b"\n" + _PADDING, np.uint8)
        codes = data[: -len(_PADDING)]
        ends = np.flatnonzero(codes == _NEWLINE)
        if len(ends) > len(texts) or np.diff(ends, prepend=-1).max() > _BYTES:
            return self([text if len(text) <= LONG and "\n" not in text else "&" for text in texts])
        plain = _plain(codes, ends)
        data = _NORMAL.take(data)
        starts, sizes = _words(data[: len(codes)])
        bounds = np.searchsorted(starts, ends)  # words up to the end of each text
        if not plain.all():
            kept = np.repeat(plain, np.diff(bounds, prepend=0))
            starts, sizes = starts[kept], sizes[kept]
            bounds = np.cumsum(np.where(plain, np.diff(bounds, prepend=0), 0))
        ids, count = self._ids(data, starts, sizes)
        return ids, np.diff(np.concatenate([[0], np.cumsum(count)])[bounds], prepend=0)

    def _ids(self, data: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of all words, and how many each word has."""
        table = self._table
        low, high = (_eight(data, starts + 8 * half) & _MASKS.take(sizes - 8 * half, mode="clip") for half in (0, 1))
        numbers = table.find(low, high)
        numbers[sizes > 16] = 0
        count = table.sizes.take(numbers)
        missing = np.flatnonzero(numbers == 0)
        text = data.tobytes()
        edges = zip(starts[missing].tolist(), (starts + sizes)[missing].tolist(), strict=True)
        words = [text[start:end] for start, end in edges]
        new = {word: place for place, word in enumerate(words) if word not in self._others}  # each once
        ids_of = dict(zip(new, self._encode([word.decode() for word in new]), strict=True))
        found = [ids_of[word] if word in ids_of else self._others[word] for word in words]
        count[missing] = list(map(len, found))
        ends = np.cumsum(count)
        places = np.arange(count.sum()) + np.repeat(table.starts.take(numbers) - ends + count, count)
        ids = table.ids.take(places, mode="clip")
        ids[np.repeat(numbers == 0, count)] = list(chain.from_iterable(found))
        short = [word for word in new if len(word) <= 16]
        rows = missing[[new[word] for word in short]]
        left = table.add(low[rows], high[rows], [ids_of[word] for word in short])
        if (room := self._most_others - len(self._others)) > 0:
            others = [short[row] for row in left] + [word for word in new if 16 < len(word) <= _LONGEST]
            self._others |= {word: ids_of[word] for word in others[:room]}
        return ids, count


def _plain(codes: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return which texts are plain, by the bytes of all and where each ends."""
    special = np.flatnonzero(_SPECIAL.take(codes))
    signs = np.flatnonzero(_SIGNS.take(codes))  # before the last byte, which ends a text
    spaced = codes[signs + 1] == _SPACE
    entity = codes[signs] == ord("&")
    # An ampersand may begin an entity, where no space follows; else see ``tokenise.reaches_over``.
    signs = signs[np.where(entity, ~spaced, spaced & ~_LETTERS[codes.take(signs + 2, mode="clip")])]
    plain = np.ones(len(ends), bool)
    plain[np.searchsorted(ends, np.concatenate([special, signs]))] = False
    return plain


def _words(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each word begins, and its bytes, marks at its end left out; a word of marks alone is none."""
    inside = (codes != _SPACE) & (codes != _NEWLINE)
    edges = np.flatnonzero(np.diff(inside, prepend=False))
    starts, ends = edges[::2], edges[1::2].copy()
    marked = np.arange(len(ends))
    while (marked := marked[_MARKS[codes[ends[marked] - 1]] & (ends[marked] > starts[marked])]).size:
        ends[marked] -= 1
    words = ends > starts
    return starts[words], (ends - starts)[words]


def _eight(data: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return eight bytes from each place on as one number, the first byte lowest."""
    return np.ndarray(len(data) - 7, "<u8", data, strides=(1,))[starts]
