"""Lexical measures: the tokens of two questions, seen as sets: what they share, what each weighs.

Nothing of them is trained. All lie in [0, 1], are 1 for two equal questions, and symmetric to the last bit.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import compress, pairwise

import numpy as np

RARE_IDF = 1 + math.log(1000)  # idf of a token that one question in a thousand has
_FEW = 8  # pairs
_PRIME = np.int32(1_000_003)  # two neighbouring ids become one number; another pair seldom has the same


@dataclass(frozen=True)
class Lexicon:
    """What lexical measures need to know of each id of a vocabulary; it travels with the weights.

    Attributes:
        idf: float32 (vocabulary,), inverse document frequency.
        numeric: bool (vocabulary,), whether the id is a token with a digit.
        stem: int32 (vocabulary,), the first id of the same stem; 0 for padding only.
    """

    idf: np.ndarray
    numeric: np.ndarray
    stem: np.ndarray

    @classmethod
    def of(cls, weights: Mapping[str, np.ndarray]) -> "Lexicon":
        """Return the lexicon that is among the weights of a model."""
        return cls(*(weights[name] for name in cls.names()))

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of its arrays."""
        return tuple(field.name for field in fields(cls))


@dataclass(frozen=True)
class TokenSets:
    """The tokens of n pairs, seen as sets.

    The tokens come first of all axes: what is computed for one of them is computed for all pairs at once.

    Attributes:
        ids: int32 (L, 2, n), the first and the second questions, padded with 0 at the end.
        lexicon: what is known of the ids.
    """

    ids: np.ndarray
    lexicon: Lexicon

    @cached_property
    def _elements(self) -> np.ndarray:
        """Tokens, stems and pairs of neighbouring tokens, as numbers: int32 (L, 3, 2, n), 0 where there is none."""
        ids = self.ids
        elements = np.zeros((len(ids), 3, *ids.shape[1:]), np.int32)
        elements[:, 0] = ids
        self.lexicon.stem.take(ids, out=elements[:, 1], mode="clip")
        bigrams, following = elements[:-1, 2], ids[1:]
        np.multiply(ids[:-1], _PRIME, out=bigrams)
        np.add(bigrams, following, out=bigrams)
        np.multiply(bigrams, following != 0, out=bigrams)
        return elements

    @cached_property
    def _shares(self) -> np.ndarray:
        """How much each element adds to the intersection and to the set of each question, float32 (2, L, 3, 2, n).

        An element adds 1 to its own set, the first time it occurs there, and ½ to the intersection, as the other
        question adds as much.
        """
        elements = self._elements
        distinct = (elements != 0) > _repeated(elements)
        shares = np.empty((2, *elements.shape), np.float32)
        np.multiply(_found(elements) & distinct, np.float32(0.5), out=shares[0])
        shares[1] = distinct
        return shares

    @cached_property
    def sums(self) -> np.ndarray:
        """What the intersection, the lighter and the heavier set of two questions weigh, float32 (3, 5, n).

        By the elements: tokens, numbers, rare tokens, stems, pairs of neighbouring tokens. Tokens and stems weigh the
        inverse document frequency, a pair that of both, numbers and rare tokens (of fewer than one question in a
        thousand) weigh 1. The result does not depend, to the last bit, on which question is first.
        """
        if self.ids.shape[2] <= _FEW:
            return np.array([self._sums_of(pair) for pair in range(self.ids.shape[2])], np.float32).transpose(1, 2, 0)
        weights = np.empty((len(self.ids), 5, *self.ids.shape[1:]), np.float32)
        idf = self.lexicon.idf.take(self.ids)
        weights[:, 0] = weights[:, 3] = weights[:, 4] = idf
        weights[:, 1] = self.lexicon.numeric.take(self.ids)
        np.greater(idf, RARE_IDF, out=weights[:, 2])
        weights[:-1, 4] += idf[1:]
        (shared1, shared2), (one, other) = np.einsum("twqn,stwqn->sqwn", weights, self._shares[:, :, [0, 0, 0, 1, 2]])
        return np.array([shared1 + shared2, np.minimum(one, other), np.maximum(one, other)])

    def _sums_of(self, pair: int) -> list[list[float]]:
        """Return ``sums`` of one pair, (3, 5): for a few, Python is sooner done than NumPy is called."""
        sets = []
        for question in range(2):
            ids = self.ids[:, question, pair]
            ids = ids[ids != 0]
            tokens, stems, idf, numeric = (
                array.tolist()[::-1]  # of equal keys of a dict the last value counts, and it shall be the first
                for array in (ids, self.lexicon.stem[ids], self.lexicon.idf[ids], self.lexicon.numeric[ids])
            )
            sets.append(
                (
                    dict(zip(tokens, idf, strict=True)),
                    dict.fromkeys(compress(tokens, numeric), 1.0),
                    {token: 1.0 for token, weight in zip(tokens, idf, strict=True) if weight > RARE_IDF},
                    dict(zip(stems, idf, strict=True)),
                    dict(zip(pairwise(tokens), map(sum, pairwise(idf)), strict=True)),
                )
            )
        shared = [math.fsum((a[key] + b[key]) / 2 for key in a if key in b) for a, b in zip(*sets, strict=True)]
        one, other = ([math.fsum(weights.values()) for weights in question] for question in sets)
        return [shared, list(map(min, one, other)), list(map(max, one, other))]

    @cached_property
    def jaccard(self) -> np.ndarray:
        """Intersection / union by the elements, float32 (5, n, 1) in [0, 1]; 1 when the union weighs nothing."""
        shared, lighter, heavier = self.sums
        return ratio(shared, lighter + heavier - shared)

    @cached_property
    def unshared(self) -> np.ndarray:
        """1 / (1 + w/10), w what the tokens weigh that only the lighter, or the heavier, question has: (2, n, 1)."""
        shared, *both = self.sums[:, 0]
        return 1 / (1 + np.maximum(np.array(both) - shared, 0)[:, :, None] / 10)


def _repeated(elements: np.ndarray) -> np.ndarray:
    """Return which elements (L, …) stand further up as well."""
    repeated = np.zeros(elements.shape, dtype=bool)
    for apart in range(1, len(elements)):
        repeated[apart:] |= elements[apart:] == elements[:-apart]
    return repeated


def _found(elements: np.ndarray) -> np.ndarray:
    """Return which elements (L, 3, 2, n) of a question stand in the other one."""
    one, other = np.ascontiguousarray(np.moveaxis(elements, 2, 0))
    found = np.zeros(elements.shape, dtype=bool)
    for place, element in enumerate(one):
        equal = element == other
        equal.any(axis=0, out=found[place, :, 0])
        found[:, :, 1] |= equal
    return found


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole in [0, 1] with one axis more, (…, 1); 1 for nothing of nothing."""
    empty = whole <= 0
    return np.minimum((part + empty) / (whole + empty), 1)[..., None]


@dataclass(frozen=True)
class LexicalMeasure:
    """One registered measure of tokens: its name and ``TokenSets`` → (n, 1) in [0, 1], higher = more alike."""

    name: str
    function: Callable[[TokenSets], np.ndarray]
    symmetric: bool = True


LEXICAL_MEASURES: dict[str, LexicalMeasure] = {}


def _register(function: Callable[[TokenSets], np.ndarray]) -> Callable[[TokenSets], np.ndarray]:
    LEXICAL_MEASURES[function.__name__] = LexicalMeasure(function.__name__, function)
    return function


@_register
def idf_overlap(tokens: TokenSets) -> np.ndarray:
    """Jaccard overlap of the token sets, each token weighted by its inverse document frequency."""
    return tokens.jaccard[0]


@_register
def stem_overlap(tokens: TokenSets) -> np.ndarray:
    """Jaccard overlap of the sets of stems, weighted likewise."""
    return tokens.jaccard[3]


@_register
def bigram_overlap(tokens: TokenSets) -> np.ndarray:
    """Jaccard overlap of the sets of pairs of neighbouring tokens, weighted by both; 1 when neither has one."""
    return tokens.jaccard[4]


@_register
def idf_containment(tokens: TokenSets) -> np.ndarray:
    """Weight of the shared tokens / weight of the tokens of the lighter question."""
    shared, lighter, _ = tokens.sums[:, 0]
    return ratio(shared, lighter)


@_register
def least_unshared(tokens: TokenSets) -> np.ndarray:
    """1 / (1 + w/10), w the weight of the tokens that only the lighter question has."""
    return tokens.unshared[0]


@_register
def most_unshared(tokens: TokenSets) -> np.ndarray:
    """1 / (1 + w/10), w the weight of the tokens that only the heavier question has."""
    return tokens.unshared[1]


@_register
def shared_numbers(tokens: TokenSets) -> np.ndarray:
    """Jaccard overlap of the tokens with a digit; 1 when neither question has one."""
    return tokens.jaccard[1]


@_register
def shared_rare_words(tokens: TokenSets) -> np.ndarray:
    """Jaccard overlap of the tokens that fewer than one question in a thousand has; 1 when neither has one."""
    return tokens.jaccard[2]


@_register
def length_ratio(tokens: TokenSets) -> np.ndarray:
    """Tokens of the shorter question / tokens of the longer."""
    length1, length2 = np.maximum((tokens.ids != 0).sum(axis=0, dtype=np.float32), 1)
    return (np.minimum(length1, length2) / np.maximum(length1, length2))[:, None]


def lexical_similarities(names: Sequence[str], ids1: np.ndarray, ids2: np.ndarray, lexicon: Lexicon) -> np.ndarray:
    """Return lexical measures, in the order of their names.

    Args:
        names: lexical measures; there may be none.
        ids1: int32 (n, L), right-padded.
        ids2: int32 (n, L), right-padded.
        lexicon: what is known of the ids.

    Returns:
        float32 (n, len(names)).
    """
    tokens = TokenSets(np.stack([ids1.T, ids2.T], axis=1), lexicon)
    columns = [LEXICAL_MEASURES[name].function(tokens) for name in names]
    return np.concatenate(columns, axis=1, dtype=np.float32) if columns else np.zeros((len(ids1), 0), np.float32)
