"""Pairs, triplets and batches made from class labels: indices only, so of any modality, seeded and vectorised.

Every function takes ``seed`` and ``epoch``: the same two give the same answer, another epoch other partners.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textsiam.errors import TextsiamError

Indices = NDArray[np.int64]

SCHEMES = ("random", "once", "consecutive")
_BLOCK = 1 << 24  # distances that hard_negatives holds at once


@dataclass(frozen=True)
class Pairs:
    """Pairs of items: ``first`` and ``second``, positions (n,), and ``same``, int8 (n,), 1 = of one class."""

    first: Indices
    second: Indices
    same: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.same)


@dataclass(frozen=True)
class Triplets:
    """Triplets of items, positions (n,) each: ``positive`` is of the anchor's class, ``negative`` of another."""

    anchor: Indices
    positive: Indices
    negative: Indices

    def __len__(self) -> int:
        return len(self.anchor)


@dataclass(frozen=True)
class _Classes:
    """The items sorted by class, and where each class begins."""

    names: NDArray[Any]  # (c,) distinct labels
    of: Indices  # (n,) class of each item
    order: Indices  # (n,) items, class by class
    starts: Indices  # (c,) where each class begins in the order
    sizes: Indices  # (c,)
    places: Indices  # (n,) place of each item in the order

    @classmethod
    def read(cls, labels: ArrayLike) -> "_Classes":
        values = np.asarray(labels)
        if values.ndim != 1 or len(values) < 2:
            raise TextsiamError(f"Labels are one value an item, for two items or more; got shape {values.shape}.")
        kind = values.dtype.kind
        if (kind == "f" and np.isnan(values).any()) or (kind == "O" and any(value is None for value in values)):
            raise TextsiamError("Every item needs a label; one has none. Leave such items out.")
        try:
            names, of, sizes = np.unique(values, return_inverse=True, return_counts=True)
        except TypeError as error:
            raise TextsiamError(f"Labels are all of one kind, numbers or strings; {error}.") from error
        order = np.argsort(of, kind="stable")
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        return cls(names, of, order, np.cumsum(sizes) - sizes, sizes, places)

    def items_of_classes_of(self, size: int, small_classes: str) -> Indices:
        """Return the items whose class has so many members, or say which class has fewer."""
        if small_classes not in ("error", "skip"):
            raise TextsiamError(f"small_classes is 'error' or 'skip', not {small_classes!r}.")
        small = self.sizes < size
        if small.any() and (small_classes == "error" or small.all()):
            least = int(np.argmin(self.sizes))
            cure = "Add some." if small.all() else "Add some, or leave such classes out: small_classes='skip'."
            raise TextsiamError(
                f"A class needs {size} members; class {self.names[least]!s} has {self.sizes[least]} "
                f"({small.sum()} of {len(small)} classes have too few). {cure}"
            )
        return np.flatnonzero(~small[self.of])

    def positives(self, items: Indices, generator: np.random.Generator) -> Indices:
        """Draw another member of the class of each item."""
        start, size = self.starts[self.of[items]], self.sizes[self.of[items]]
        step = 1 + generator.integers(0, size - 1)
        return self.order[start + (self.places[items] - start + step) % size]

    def negatives(self, items: Indices, generator: np.random.Generator) -> Indices:
        """Draw a member of another class for each item, each of them equally likely."""
        if len(self.sizes) < 2:
            raise TextsiamError(f"Different pairs need two classes; all labels are {self.names[0]!s}.")
        start, size = self.starts[self.of[items]], self.sizes[self.of[items]]
        place = generator.integers(0, len(self.of) - size)
        return self.order[np.where(place < start, place, place + size)]


def make_pairs(
    labels: ArrayLike,
    *,
    pairs_per_item: float = 2,
    positive_fraction: float = 0.5,
    scheme: str = "random",
    min_positive: int = 0,
    small_classes: str = "error",
    seed: int = 0,
    epoch: int = 0,
) -> Pairs:
    """Pair items with others of their class and of other classes; no item is paired with itself.

    Schemes:
        "random": ``round(pairs_per_item · n)`` pairs, of which exactly ``round(positive_fraction · …)`` are positive;
            every item takes its turn as the first of a positive and of a negative pair. The defaults pair each item
            once with one of its class and once with another.
        "once": each item stands in one pair (one is left over where n is odd); at least ``min_positive`` pairs are
            positive, the others as chance will have it.
        "consecutive": neighbours within a class, and with each a negative pair of the same first item, as Keras's
            MNIST example does, but for all members of a class and negatives of every other class.

    >>> labels = np.array([0, 0, 0, 1, 1, 1])
    >>> pairs = make_pairs(labels)
    >>> len(pairs), int(pairs.same.sum())
    (12, 6)
    >>> ((labels[pairs.first] == labels[pairs.second]) == pairs.same).all().item()
    True

    Args:
        labels: (n,), the class of each item: integers or strings, gaps allowed.
        pairs_per_item: for "random", above 0.
        positive_fraction: for "random", in [0, 1].
        scheme: see above.
        min_positive: for "once".
        small_classes: what to do with a class of one member where positive pairs are asked for: "error" or "skip",
            which uses it in negative pairs only.
        seed: of all chance.
        epoch: another one gives other partners.

    Returns:
        The pairs, in random order.

    Raises:
        TextsiamError: an argument is out of range, there are no two classes for negative pairs, or a class has one
            member.
    """
    classes = _Classes.read(labels)
    generator = np.random.default_rng([seed, epoch])
    count = len(classes.of)
    if scheme not in SCHEMES:
        raise TextsiamError(f"There is no scheme {scheme!r}; there are: {', '.join(SCHEMES)}.")
    if min_positive and scheme != "once":
        raise TextsiamError(f"min_positive is for scheme 'once', not {scheme!r}: there, use positive_fraction.")
    if not (0 <= positive_fraction <= 1 and pairs_per_item > 0):
        raise TextsiamError(
            "positive_fraction lies in [0, 1] and pairs_per_item above 0; got "
            f"{positive_fraction:g} and {pairs_per_item:g}."
        )
    if scheme == "once":
        first, second = _once(classes, min_positive, generator)
    elif scheme == "consecutive":
        items = classes.items_of_classes_of(2, small_classes)
        ahead = items[classes.places[items] + 1 < (classes.starts + classes.sizes)[classes.of[items]]]
        first = np.tile(ahead, 2)
        second = np.concatenate([classes.order[classes.places[ahead] + 1], classes.negatives(ahead, generator)])
    else:
        total = round(pairs_per_item * count)
        positive = round(positive_fraction * total)
        parts = []
        if positive:
            items = _in_turn(classes.items_of_classes_of(2, small_classes), positive, generator)
            parts.append((items, classes.positives(items, generator)))
        if total > positive:
            items = _in_turn(np.arange(count), total - positive, generator)
            parts.append((items, classes.negatives(items, generator)))
        if not parts:
            raise TextsiamError(f"{pairs_per_item:g} pairs an item of {count} items is not one pair. Ask for more.")
        first, second = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = generator.permutation(len(first))
    first, second = first[order], second[order]
    return Pairs(first, second, (classes.of[first] == classes.of[second]).astype(np.int8))


def _once(classes: _Classes, min_positive: int, generator: np.random.Generator) -> tuple[Indices, Indices]:
    shuffled = generator.permutation(len(classes.of))
    shuffled = shuffled[np.argsort(classes.of[shuffled], kind="stable")]  # class by class, shuffled within
    places = np.arange(len(shuffled)) - classes.starts[classes.of[shuffled]]
    begins = np.flatnonzero((places % 2 == 0) & (places + 1 < classes.sizes[classes.of[shuffled]]))
    if not 0 <= min_positive <= len(begins):
        raise TextsiamError(f"min_positive lies between 0 and {len(begins)}, the equal pairs there can be.")
    chosen = generator.choice(begins, min_positive, replace=False)
    rest = generator.permutation(np.delete(shuffled, np.concatenate([chosen, chosen + 1])))
    half = len(rest) // 2
    first = np.concatenate([shuffled[chosen], rest[:half]])
    return first, np.concatenate([shuffled[chosen + 1], rest[half : 2 * half]])


def _in_turn(items: Indices, count: int, generator: np.random.Generator) -> Indices:
    """Return ``count`` items: all of them in random order, then all again in another."""
    rounds = np.tile(items, (-(-count // len(items)), 1))
    return generator.permuted(rounds, axis=1).ravel()[:count]


def make_triplets(
    labels: ArrayLike,
    *,
    triplets_per_item: float = 1,
    negatives: ArrayLike | None = None,
    small_classes: str = "error",
    seed: int = 0,
    epoch: int = 0,
) -> Triplets:
    """Join items with another of their class and one of another class.

    >>> labels = np.array([0, 0, 1, 1])
    >>> triplets = make_triplets(labels)
    >>> labels[triplets.anchor].tolist() == labels[triplets.positive].tolist()
    True
    >>> labels[triplets.negative].tolist() == (1 - labels[triplets.anchor]).tolist()
    True

    Args:
        labels: (n,), the class of each item.
        triplets_per_item: ``round(triplets_per_item · n)`` triplets are made; every item of a class with two members
            or more takes its turn as the anchor.
        negatives: (n, k), the items to draw the negative of each anchor from, as ``hard_negatives`` returns them;
            None draws from all items of other classes.
        small_classes: what to do with a class of one member: "error" or "skip", which uses it as a negative only.
        seed: of all chance.
        epoch: another one gives other triplets.

    Raises:
        TextsiamError: there is one class only, a class has one member, or negatives are of another shape or of the
            anchor's class.
    """
    classes = _Classes.read(labels)
    generator = np.random.default_rng([seed, epoch])
    count = round(triplets_per_item * len(classes.of))
    if count < 1:
        raise TextsiamError(f"{triplets_per_item:g} triplets an item is not one triplet. Ask for more.")
    anchor = _in_turn(classes.items_of_classes_of(2, small_classes), count, generator)
    positive = classes.positives(anchor, generator)
    if negatives is None:
        return Triplets(anchor, positive, classes.negatives(anchor, generator))
    candidates = np.asarray(negatives)
    if candidates.ndim != 2 or len(candidates) != len(classes.of):
        raise TextsiamError(f"Negatives are a row an item, ({len(classes.of)}, k); got {candidates.shape}.")
    negative = candidates[anchor, generator.integers(0, candidates.shape[1], count)]
    if (classes.of[negative] == classes.of[anchor]).any():
        raise TextsiamError("A negative is of its anchor's class. Take the negatives and the labels of the same items.")
    return Triplets(anchor, positive, negative)


def hard_negatives(embeddings: ArrayLike, labels: ArrayLike, k: int = 1) -> Indices:
    """Return the k nearest items of other classes, by Euclidean distance, for each item.

    To be called anew between epochs: what is near changes as the network learns.

    Args:
        embeddings: (n, d), finite.
        labels: (n,), the class of each item.
        k: at least 1.

    Returns:
        int64 (n, k), nearest first.

    Raises:
        TextsiamError: the lengths differ, a value is not finite, or an item has fewer than k others of other classes.
    """
    classes = _Classes.read(labels)
    vectors = np.asarray(embeddings, np.float32)
    count = len(classes.of)
    if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
        raise TextsiamError(f"Embeddings are finite, a row a label, ({count}, d); got {vectors.shape}.")
    fewest = count - int(classes.sizes.max())
    if not 1 <= k <= fewest:
        raise TextsiamError(f"k lies between 1 and the {fewest} items that are outside the largest class; got {k}.")
    squares = np.einsum("nd,nd->n", vectors, vectors)
    nearest = np.empty((count, k), np.int64)
    step = max(1, _BLOCK // count)
    for start in range(0, count, step):
        rows = slice(start, start + step)
        distances = squares - 2 * vectors[rows] @ vectors.T  # squared, less what a row has in common
        distances[classes.of[rows, None] == classes.of] = np.inf
        found = np.argpartition(distances, k - 1, axis=1)[:, :k]
        order = np.argsort(np.take_along_axis(distances, found, axis=1), axis=1)
        nearest[rows] = np.take_along_axis(found, order, axis=1)
    return nearest


def class_batches(
    labels: ArrayLike,
    classes_per_batch: int,
    items_per_class: int,
    *,
    small_classes: str = "error",
    seed: int = 0,
    epoch: int = 0,
) -> Indices:
    """Return the batches of one epoch, each of P classes × K items, as in-batch mining needs them.

    The classes of a batch are drawn at random (Hermans, Beyer and Leibe 2017, section 2); each class deals out its
    members in random order and shuffles when fewer than K are left.

    Args:
        labels: (n,), the class of each item.
        classes_per_batch: P, at least 1 and at most the number of classes.
        items_per_class: K, at least 1.
        small_classes: what to do with a class of fewer than K members: "error" or "skip".
        seed: of all chance.
        epoch: another one gives other batches.

    Returns:
        int64 (n // (P · K), or 1 if that is 0, P · K), the items of a class side by side.

    Raises:
        TextsiamError: there are fewer than P classes, or a class has fewer than K members.
    """
    classes = _Classes.read(labels)
    if items_per_class < 1:
        raise TextsiamError(f"A batch has at least one item of each of its classes, not {items_per_class}.")
    items = classes.items_of_classes_of(items_per_class, small_classes)
    usable = np.unique(classes.of[items])
    if not 1 <= classes_per_batch <= len(usable):
        raise TextsiamError(f"A batch has between 1 and all {len(usable)} classes; got {classes_per_batch}.")
    generator = np.random.default_rng([seed, epoch])
    dealt: dict[int, Indices] = {}
    batches = []
    for _ in range(max(1, len(items) // (classes_per_batch * items_per_class))):
        batch = []
        for number in generator.choice(usable, classes_per_batch, replace=False):
            left = dealt.get(number, items[:0])
            if len(left) < items_per_class:
                start = classes.starts[number]
                left = generator.permutation(classes.order[start : start + classes.sizes[number]])
            batch.append(left[:items_per_class])
            dealt[number] = left[items_per_class:]
        batches.append(np.concatenate(batch))
    return np.stack(batches)
