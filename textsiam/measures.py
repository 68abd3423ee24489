"""Similarity measures of two questions, each defined once and used by Keras and by NumPy.

A *vector* measure compares the two encodings u and v; its function takes them and a namespace, ``keras.ops`` or
``numpy``, which share the names used here. A *lexical* measure compares the tokens and has nothing to train.
All are symmetric: to the last bit, m(a, b) == m(b, a).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np

from textsiam.errors import TextsiamError

Array = Any  # a NumPy array or a tensor of Keras's backend

EPSILON = 1e-12  # under square roots and in denominators: √0 has an infinite gradient
RARE_IDF = 1 + math.log(1000)  # idf of a token that one question in a thousand has


@dataclass(frozen=True)
class Measure:
    """One registered similarity measure.

    Attributes:
        name: how it is chosen.
        kind: "vector" (of the encodings) or "lexical" (of the tokens).
        function: vector ``(u, v, namespace)``, (n, d) each; lexical ``(TokenSets)``.
        elementwise: True: the result is (n, d), one value a dimension; False: (n, 1).
        range: lowest and highest value.
        of_equal: its value, the best there is, for two equal questions; None where it depends on them.
        symmetric: False only for the published baseline's u² − v².
    """

    name: str
    kind: Literal["vector", "lexical"]
    function: Callable[..., Array]
    elementwise: bool
    range: tuple[float, float]
    of_equal: float | None
    symmetric: bool = True


MEASURES: dict[str, Measure] = {}


def _register(
    kind: Literal["vector", "lexical"],
    *,
    range: tuple[float, float],
    of_equal: float | None = None,
    elementwise: bool = False,
    symmetric: bool = True,
) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    def decorate(function: Callable[..., Array]) -> Callable[..., Array]:
        name = function.__name__
        MEASURES[name] = Measure(name, kind, function, elementwise, range, of_equal, symmetric)
        return function

    return decorate


def select_measures(names: Sequence[str]) -> tuple[Measure, ...]:
    """Return the measures of these names, in this order.

    Raises:
        TextsiamError: a name is unknown or stands twice, or the list is empty.
    """
    return _select(tuple(names))


@lru_cache
def _select(names: tuple[str, ...]) -> tuple[Measure, ...]:
    for name in names:
        if name not in MEASURES:
            raise TextsiamError(f"There is no similarity measure {name!r}; there are: {', '.join(MEASURES)}.")
    if not names or len(set(names)) != len(names):
        raise TextsiamError(f"Choose one or more different similarity measures, not {list(names)}.")
    return tuple(MEASURES[name] for name in names)


@_register("vector", range=(0, math.inf), of_equal=0, elementwise=True)
def absolute_difference(u: Array, v: Array, xp: Any) -> Array:
    """|u − v|."""
    return xp.absolute(u - v)


@_register("vector", range=(0, math.inf), of_equal=0, elementwise=True)
def squared_difference(u: Array, v: Array, xp: Any) -> Array:
    """(u − v)²."""
    return xp.square(u - v)


@_register("vector", range=(-math.inf, math.inf), elementwise=True)
def product(u: Array, v: Array, xp: Any) -> Array:
    """Element by element, u · v."""
    return xp.multiply(u, v)


@_register("vector", range=(0, math.inf), of_equal=0, elementwise=True)
def absolute_difference_of_squares(u: Array, v: Array, xp: Any) -> Array:
    """|u² − v²|."""
    return xp.absolute(xp.square(u) - xp.square(v))


@_register("vector", range=(-math.inf, math.inf), of_equal=0, elementwise=True, symmetric=False)
def difference_of_squares(u: Array, v: Array, xp: Any) -> Array:
    """u² − v², as published in 2019: changes its sign when the questions swap. For the baseline preset only."""
    return xp.square(u) - xp.square(v)


@_register("vector", range=(-1, 1), of_equal=1)
def cosine(u: Array, v: Array, xp: Any) -> Array:
    """Cosine of the angle between u and v; 0 when either is zero."""
    norm_u, norm_v = (xp.sqrt(xp.maximum(xp.sum(xp.square(x), axis=-1, keepdims=True), EPSILON)) for x in (u, v))
    cosine = xp.sum(u * v, axis=-1, keepdims=True) / (norm_u * norm_v)
    return xp.minimum(xp.maximum(cosine, -1), 1)


@_register("vector", range=(0, 1), of_equal=1)
def euclidean_similarity(u: Array, v: Array, xp: Any) -> Array:
    """1 / (1 + ‖u − v‖₂)."""
    return 1 / (1 + euclidean_distance(u, v, xp))


@_register("vector", range=(0, 1), of_equal=1)
def manhattan_similarity(u: Array, v: Array, xp: Any) -> Array:
    """exp(−‖u − v‖₁), the MaLSTM similarity (Mueller and Thyagarajan 2016)."""
    return xp.exp(-xp.sum(xp.absolute(u - v), axis=-1, keepdims=True))


def euclidean_distance(u: Array, v: Array, xp: Any) -> Array:
    """‖u − v‖₂ as (n, 1), with a finite gradient at u = v. Not a similarity: for losses.

    The square root is taken of max(d², 1e-12), whose gradient at 0 is 0; equal inputs are 1e-6 apart.
    """
    return xp.sqrt(xp.maximum(xp.sum(xp.square(u - v), axis=-1, keepdims=True), EPSILON))


@dataclass(frozen=True)
class TokenSets:
    """The tokens of n pairs, seen as sets of ids, with what lexical measures need to know of each id.

    Attributes:
        ids: int32 (2, n, L), the first and the second questions, right-padded with 0.
        idf: float32 (vocabulary,), inverse document frequency.
        numeric: bool (vocabulary,), whether the id is a token with a digit.
    """

    ids: np.ndarray
    idf: np.ndarray
    numeric: np.ndarray

    @cached_property
    def present(self) -> np.ndarray:
        """Which are tokens, not padding: bool (2, n, L)."""
        return self.ids != 0

    @cached_property
    def _shares(self) -> np.ndarray:
        """How much each token adds to the intersection and to the union, (2, 2, n, L): 0, ½ (in each question) or 1."""
        ids = self.ids
        repeated = ((ids[..., :, None] == ids[..., None, :]) & _earlier(ids.shape[2])).any(axis=3)
        distinct = self.present > repeated
        equal = ids[0, :, :, None] == ids[1, :, None, :]
        shared = np.empty(ids.shape, dtype=bool)
        equal.any(axis=2, out=shared[0])
        equal.any(axis=1, out=shared[1])
        shares = np.empty((2, *ids.shape), np.float32)
        np.multiply(shared & distinct, np.float32(0.5), out=shares[0])
        np.subtract(distinct, shares[0], out=shares[1])
        return shares

    @cached_property
    def jaccard(self) -> dict[str, np.ndarray]:
        """Jaccard overlaps of the token sets by the weight of a token: Σ over the intersection / Σ over the union.

        "idf": its inverse document frequency; "numeric": 1 with a digit, else 0; "rare": 1 if fewer than one question
        in a thousand has it, else 0. Each is (n, 1) in [0, 1]; 1 when the union weighs nothing. Each question adds its
        half of the intersection, so that the result does not depend, to the last bit, on which one is first.
        """
        weights = np.empty((3, *self.ids.shape), np.float32)
        self.idf.take(self.ids, out=weights[0], mode="clip")
        weights[1] = self.numeric.take(self.ids)
        np.greater(weights[0], RARE_IDF, out=weights[2])
        sums = np.einsum("wqnt,sqnt->swqn", weights, self._shares)
        shared, union = sums[:, :, 0] + sums[:, :, 1]
        empty = union == 0
        overlaps = np.minimum((shared + empty) / (union + empty), 1)
        return {name: overlap[:, None] for name, overlap in zip(("idf", "numeric", "rare"), overlaps, strict=True)}


@lru_cache
def _earlier(length: int) -> np.ndarray:
    return np.tri(length, k=-1, dtype=bool)


@_register("lexical", range=(0, 1), of_equal=1)
def idf_overlap(tokens: TokenSets) -> np.ndarray:
    """Jaccard overlap of the token sets, each token weighted by its inverse document frequency."""
    return tokens.jaccard["idf"]


@_register("lexical", range=(0, 1), of_equal=1)
def shared_numbers(tokens: TokenSets) -> np.ndarray:
    """Jaccard overlap of the tokens with a digit; 1 when neither question has one."""
    return tokens.jaccard["numeric"]


@_register("lexical", range=(0, 1), of_equal=1)
def shared_rare_words(tokens: TokenSets) -> np.ndarray:
    """Jaccard overlap of the tokens that fewer than one question in a thousand has; 1 when neither has one."""
    return tokens.jaccard["rare"]


@_register("lexical", range=(0, 1), of_equal=1)
def length_ratio(tokens: TokenSets) -> np.ndarray:
    """Tokens of the shorter question / tokens of the longer."""
    length1, length2 = np.maximum(tokens.present.sum(axis=2, dtype=np.float32), 1)
    return (np.minimum(length1, length2) / np.maximum(length1, length2))[:, None]


def lexical_similarities(
    names: Sequence[str], ids1: np.ndarray, ids2: np.ndarray, idf: np.ndarray, numeric: np.ndarray
) -> np.ndarray:
    """Return lexical measures, in the order of their names.

    Args:
        names: lexical measures; there may be none.
        ids1: int32 (n, L), right-padded.
        ids2: int32 (n, L), right-padded.
        idf: float32 (vocabulary,).
        numeric: bool (vocabulary,).

    Returns:
        float32 (n, len(names)).
    """
    tokens = TokenSets(np.array([ids1, ids2]), idf, numeric)
    columns = [MEASURES[name].function(tokens) for name in names]
    return np.concatenate(columns, axis=1, dtype=np.float32) if columns else np.zeros((len(ids1), 0), np.float32)


def vector_similarities(names: Sequence[str], u: Array, v: Array, xp: Any) -> list[Array]:
    """Return the vector measures among ``names``, in their order, each (n, d) or (n, 1)."""
    return [m.function(u, v, xp) for m in select_measures(names) if m.kind == "vector"]
