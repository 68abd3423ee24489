"""Similarity measures of two vectors, each defined once and used by Keras and by NumPy.

A *vector* measure compares two encodings u and v; its function takes them and a namespace, ``keras.ops`` or ``numpy``,
which share the names used here. A *late* measure compares the encoder's states of every token, which are computed once
a question as the encodings are, and is trained. All but the 2019 baseline's are symmetric, m(a, b) == m(b, a): to the
last bit, but for rounding in the late one. Measures of the tokens themselves stand in ``textsiam.text.lexical``.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from textsiam.errors import TextsiamError

Array = Any  # a NumPy array or a tensor of Keras's backend

EPSILON = 1e-12  # under square roots and in denominators: √0 has an infinite gradient


@dataclass(frozen=True)
class Measure:
    """One registered similarity measure.

    Attributes:
        name: how it is chosen.
        kind: "vector" (of the encodings) or "late" (of the tokens' states).
        function: vector ``(u, v, namespace)``, (n, d) each; late: see ``alignment``.
        elementwise: True: the result is (n, d), one value a dimension; False: (n, 1).
        range: lowest and highest value.
        of_equal: its value, the best there is, for two equal questions; None where it depends on them.
        symmetric: False only for the published baseline's u² − v².
    """

    name: str
    kind: Literal["vector", "late"]
    function: Callable[..., Array]
    elementwise: bool
    range: tuple[float, float]
    of_equal: float | None
    symmetric: bool = True


MEASURES: dict[str, Measure] = {}


def _register(
    kind: Literal["vector", "late"],
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


def check_names(names: Sequence[str], known: Iterable[str]) -> None:
    """Check that names choose measures.

    Raises:
        TextsiamError: a name is not known or stands twice, or there is none.
    """
    known = list(known)
    for name in names:
        if name not in known:
            raise TextsiamError(f"There is no similarity measure {name!r}; there are: {', '.join(known)}.")
    if not names or len(set(names)) != len(names):
        raise TextsiamError(f"Choose one or more different similarity measures, not {list(names)}.")


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
    norm_u, norm_v = (xp.sqrt(xp.maximum(xp.einsum("nd,nd->n", x, x), EPSILON)) for x in (u, v))
    cosine = xp.einsum("nd,nd->n", u, v) / (norm_u * norm_v)
    return xp.minimum(xp.maximum(cosine, -1), 1)[:, None]


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


@_register("late", range=(-math.inf, math.inf))
def alignment(own: tuple[Array, Array], other: tuple[Array, Array], weights: tuple[Array, Array], xp: Any) -> Array:
    """Compare every token with what it is aligned to in the other question, softly (Parikh et al. 2016).

    A token's counterpart is the mean of the other question's tokens, weighted by the softmax of their products with it
    over √d. Both go through one dense layer, relu(|s − s'|·W₁ + s·s'·W₂ + b), and its maximum and its mean over the
    tokens are what is compared of each question; of the two, the sum and the absolute difference are given.

    Args:
        own: (n, L1, d) states of the tokens of the first questions, and (n, L1) which are tokens: 1, or 0 for padding.
        other: (n, L2, d) and (n, L2), of the second questions.
        weights: (2, d, units) and (units,), of the dense layer.
        xp: ``keras.ops`` or ``numpy``.

    Returns:
        (n, 4 · units).
    """
    (states1, mask1), (states2, mask2) = own, other
    products = xp.matmul(states1, xp.transpose(states2, (0, 2, 1))) / math.sqrt(states1.shape[-1])
    compared = []
    for states, others, likeness, mask, other_mask in (
        (states1, states2, products, mask1, mask2),
        (states2, states1, xp.transpose(products, (0, 2, 1)), mask2, mask1),
    ):
        shares = xp.exp(likeness - xp.max(likeness, axis=-1, keepdims=True)) * other_mask[:, None, :]
        counterparts = xp.matmul(shares, others) / xp.maximum(xp.sum(shares, axis=-1, keepdims=True), EPSILON)
        kernel, bias = weights
        hidden = xp.matmul(xp.absolute(states - counterparts), kernel[0]) + xp.matmul(states * counterparts, kernel[1])
        hidden = xp.maximum(hidden + bias, 0) * mask[:, :, None]
        mean = xp.sum(hidden, axis=1) / xp.sum(mask, axis=1, keepdims=True)
        compared.append(xp.concatenate([xp.max(hidden, axis=1), mean], axis=-1))
    one, two = compared
    return xp.concatenate([one + two, xp.absolute(one - two)], axis=-1)


def vector_similarities(names: Sequence[str], u: Array, v: Array, xp: Any) -> list[Array]:
    """Return vector measures of encodings (n, d), in the order of their names, each (n, d) or (n, 1)."""
    return [MEASURES[name].function(u, v, xp) for name in names]
