"""Misspelt words: the known word that has other accents, or is one slip of typing away."""

from collections.abc import Mapping, Sequence
from string import ascii_lowercase
from unicodedata import normalize
from zlib import crc32

import numpy as np

_SHORTEST = 5  # letters; of shorter words too many are one slip away from another
_LETTERS = {letter: crc32(letter.encode()) >> 7 for letter in ascii_lowercase}  # their sum tells most words apart
_CHANGES = np.array([0, *_LETTERS.values(), *(-value for value in _LETTERS.values())])  # what a slip does to the sum
_MASK = (1 << 20) - 1
_PLAIN_LETTERS = {**dict.fromkeys(range(0x300, 0x370)), **str.maketrans("øłđħı", "oldhi")}
_SHORTEST_ACCENTED = 3  # letters; à is not a


class Spelling:
    """Finds the most frequent known word that is an unknown one but for accents, or but for a slip of typing.

    A slip exchanges two neighbouring letters, adds one or leaves one out. These are three of the four kinds that make
    up most misspellings (Damerau 1964, *A technique for computer detection and correction of spelling errors*); the
    fourth, a wrong letter, would need five times the look-ups. Known words are found by the letters that they are made
    of, in whatever order, and then compared.

    Args:
        ids: the known words, the most frequent with the lowest id.
        together: words looked up together.
    """

    def __init__(self, ids: Mapping[str, int], together: int = 4096):
        self._ids = ids
        self._together = together
        self._words: dict[int, list[str]] = {}
        self._longest = 0
        self._unaccented: dict[str, int] = {}
        for word in ids:
            self._unaccented.setdefault(word if word.isascii() else without_accents(word), ids[word])
            if len(word) >= _SHORTEST - 1 and _plain(word):
                self._words.setdefault(_letters(word), []).append(word)
                self._longest = max(self._longest, len(word))
        self._occurs = np.zeros(_MASK + 1, dtype=bool)  # whether a sum, by its last bits, may be among them
        self._occurs[np.fromiter(self._words, np.int64, len(self._words)) & _MASK] = True

    def __call__(self, words: Sequence[str]) -> list[int | None]:
        """Return the id of that word for each of n, or None; slips are looked for in five letters a–z or more."""
        numbers = [self._unaccented.get(without_accents(w)) if len(w) >= _SHORTEST_ACCENTED else None for w in words]
        fit = [n for n, word in enumerate(words) if _SHORTEST <= len(word) <= self._longest + 1 and _plain(word)]
        fit = [number for number in fit if numbers[number] is None]
        for start in range(0, len(fit), self._together):
            some = fit[start : start + self._together]
            sums = np.array([_letters(words[number]) for number in some])[:, None] + _CHANGES
            rows, changes = np.nonzero(self._occurs.take(sums & _MASK))
            for row, letters in zip(rows.tolist(), sums[rows, changes].tolist(), strict=True):
                for other in self._words.get(letters, ()):
                    known, found = self._ids[other], numbers[some[row]]
                    if (found is None or known < found) and is_slip(words[some[row]], other):
                        numbers[some[row]] = known
        return numbers


def without_accents(word: str) -> str:
    """Return the word with Latin, Greek and Cyrillic letters for what they are with accents: naïve → naive."""
    return word if word.isascii() else normalize("NFC", normalize("NFD", word).translate(_PLAIN_LETTERS))


def is_slip(word: str, other: str) -> bool:
    """Whether one slip makes one word of the other; their lengths differ by one at most."""
    shorter, longer = sorted((word, other), key=len)
    same = next((place for place, letter in enumerate(shorter) if letter != longer[place]), len(shorter))
    if len(shorter) < len(longer):
        return shorter[same:] == longer[same + 1 :]
    exchanged = longer[same : same + 2][::-1]
    return shorter[same:] == exchanged + longer[same + 2 :]


def _plain(word: str) -> bool:
    return word.isascii() and word.isalpha() and word.islower()


def _letters(word: str) -> int:
    return sum(map(_LETTERS.__getitem__, word))
