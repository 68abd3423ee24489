"""Misspelt words: the known word that is one slip of typing away."""

from collections.abc import Iterator, Mapping
from string import ascii_lowercase

_SHORTEST = 5  # letters; of shorter words too many are one slip away from another


def slips(word: str) -> Iterator[str]:
    """Yield the words of which one slip makes this one: two neighbouring letters exchanged, one too many, one missing.

    These are three of the four kinds that make up most misspellings (Damerau 1964, *A technique for computer detection
    and correction of spelling errors*). The fourth, a wrong letter, needs as many look-ups again as all of these.
    """
    for place in range(len(word)):
        before, after = word[:place], word[place:]
        yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for letter in ascii_lowercase:
            yield before + letter + after
    for letter in ascii_lowercase:
        yield word + letter


def corrected(word: str, ids: Mapping[str, int]) -> int | None:
    """Return the lowest id, that of the most frequent word, among the known words one slip away.

    Args:
        word: an unknown token. Only words of five letters a–z or more are corrected.
        ids: the known words.
    """
    if len(word) < _SHORTEST or not (word.isascii() and word.isalpha()):
        return None
    return min((ids[slip] for slip in slips(word) if slip in ids), default=None)
