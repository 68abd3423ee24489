"""An LSTM in NumPy: its inputs, x·W + b, of each word once; its recurrence for a few sequences, or many at once."""

from collections.abc import Callable, Sequence
from functools import cached_property
from threading import Lock
from typing import Literal

import numpy as np

from textsiam.inference.threads import Map
from textsiam.text.preprocessor import distinct_ids

Array = np.ndarray
Tanh = tuple[Callable[..., Array], float]  # a function f and a factor s with f(s·x) = tanh(x)
Pooling = Literal["last", "maximum"]
# Takes a step, the rows of the sequences that have it, and their states (directions, rows, units).
EachStep = Callable[[int, Array, Array], None]


def _tanh_by_exp(x: Array, out: Array) -> Array:
    """Write tanh(−x / 2) = 2 / (1 + e^x) − 1."""
    with np.errstate(over="ignore"):  # e^x may be infinite: 2 / ∞ is the 0 that is meant
        np.exp(x, out=out)
    out += 1
    np.divide(2, out, out=out)
    out -= 1
    return out


def _has_fast_tanh() -> bool:
    """Whether NumPy computes tanh with AVX-512; elsewhere its exp takes less than half the time."""
    try:
        target = np.lib.introspect.opt_func_info(func_name="^tanh$")["tanh"]["ff"]["current"]
    except (AttributeError, KeyError):
        return False
    return "AVX512" in target or "V4" in target


_LONG = (12, 20)  # tokens
_COMMON = 8  # tokens by which sequences are sorted: few share more
_BRANCHING = 0.8  # beginnings of a step to those of the next; see ``product_rows``
_TOGETHER = 64  # blocks of words projected by one call
_HALF, _ONE = np.float32(0.5), np.float32(1)
TANH: Tanh = (np.tanh, 1.0) if _has_fast_tanh() else (_tanh_by_exp, -2.0)


class _Gates:
    """Views of the gates' sums, (4, …, units): made once, as making a view takes as long as a sum of a few numbers."""

    def __init__(self, sums: Array):
        self.all = sums
        self.sigmoids = sums[:3]
        self.i, self.f, self.o, self.g = sums


class Recurrence:
    """LSTM cells of one or more directions, rewritten so that a step takes few passes over its memory.

    σ(x) = ½·tanh(x/2) + ½ turns all gates into one call; the gates stand in the order i, f, o, g, each a block of its
    own. States are kept at twice their value.

    Args:
        kernels: x·W of each direction, (e, 4·units) each, in Keras's order of gates i, f, g, o.
        recurrent: h·U of each direction, (units, 4·units) each.
        biases: (4·units,) each.
        pooling: what is made of a sequence's states: the "last", or their "maximum".
        tanh: how it is computed; by default as is fastest here.
    """

    def __init__(
        self,
        kernels: Sequence[Array],
        recurrent: Sequence[Array],
        biases: Sequence[Array],
        *,
        pooling: Pooling,
        tanh: Tanh = TANH,
    ):
        self.pooling = pooling
        self._tanh, self._factor = tanh  # the factor is folded into the weights
        self.units = recurrent[0].shape[0]
        self._kernel = self._rewrite(kernels)
        self._recurrent = self._rewrite(recurrent) * _HALF
        self._bias = self._rewrite([bias[None] for bias in biases])

    def _rewrite(self, weights: Sequence[Array]) -> Array:
        """Return (4, directions, rows, units), the factors of the gates' functions folded in."""
        gates = np.stack([np.split(weight.astype(np.float32), 4, axis=-1) for weight in weights], axis=1)[[0, 1, 3, 2]]
        gates[:3] *= self._factor / 2
        gates[3] *= self._factor
        return np.ascontiguousarray(gates)

    @property
    def directions(self) -> int:
        """How many LSTMs run side by side."""
        return self._kernel.shape[1]

    def project(self, vectors: Array, direction: int | slice = slice(None)) -> Array:
        """Return x·W + b of word vectors: (n, e) → (4, directions, n, units), or (4, n, units) of one direction."""
        projected = np.matmul(vectors, self._kernel[:, direction])
        projected += self._bias[:, direction]
        return projected

    def _advance(self, z: "_Gates", c: Array, h: Array, scratch: Array) -> None:
        """Turn the gates' sums z into the next cell c and state h (…, units), in place."""
        self._tanh(z.all, out=z.all)
        np.add(z.sigmoids, _ONE, out=z.sigmoids)
        np.multiply(z.i, z.g, out=z.i)
        np.multiply(c, z.f, out=c)
        np.add(c, z.i, out=c)
        np.multiply(c, _HALF, out=c)
        self._tanh(c if self._factor == 1 else np.multiply(c, np.float32(self._factor), out=scratch), out=scratch)
        np.multiply(z.o, scratch, out=h)

    def few(self, inputs: Array, lengths: Array, each_step: EachStep | None = None) -> Array:
        """Run a few sequences, all directions at once.

        Args:
            inputs: (steps, 4, directions, rows, units), what ``project`` gives of their tokens; the rows are sorted by
                length, the longest first.
            lengths: (rows,), tokens of each, at least 1.
            each_step: is given the states as they come.

        Returns:
            float32 (rows, directions · units).
        """
        shape = inputs.shape[2:]
        output = np.empty(shape, np.float32)
        rows = (lengths[:, None] > np.arange(lengths[0])).sum(axis=0).tolist()
        c, h, scratch = np.zeros((3, *shape), np.float32)
        z = _Gates(np.empty((4, *shape), np.float32))
        best, before = h, shape[1]
        for step, k in enumerate(rows):
            x = inputs[step]
            if k < before:  # arrays without gaps are worth a copy, as calls on small ones are
                output[:, k:before] = best[:, k:]
                c, h, scratch, best = (array[:, :k].copy() for array in (c, h, scratch, best))
                z = _Gates(np.empty((4, *h.shape), np.float32))
                before = k
            if k < shape[1]:
                x = x[:, :, :k]
            if step:
                np.matmul(h, self._recurrent, out=z.all)
                np.add(z.all, x, out=z.all)
            else:
                np.copyto(z.all, x)
            self._advance(z, c, h, scratch)
            if self.pooling == "last":
                best = h
            elif step:
                np.maximum(best, h, out=best)
            else:
                best = h.copy()
            if each_step:
                each_step(step, np.arange(k), h * _HALF)
        output[:, :before] = best
        return np.concatenate(output, axis=1) * _HALF

    def many(
        self, direction: int, projected: Array, tokens: Array, lengths: Array, each_step: EachStep | None = None
    ) -> Array:
        """Run many sequences in one direction; neighbours that begin alike share the states of their beginnings.

        Args:
            direction: number of the direction.
            projected: (4, vocabulary, units), what ``project`` gives of the tokens by their ids.
            tokens: (rows, steps) ids, right-padded with 0.
            lengths: (rows,), tokens of each, at least 1.
            each_step: is given the states, of this direction, as they come.

        Returns:
            float32 (rows, units).
        """
        new, node = shared_beginnings(tokens, lengths)
        sizes = new.sum(axis=0)
        recurrent, units = self._recurrent[:, direction], self.units
        sums, gathered = np.empty((2, 4 * sizes.max() * units), np.float32)
        output = np.empty((len(tokens), units), np.float32)
        h = c = best = np.empty((0, units), np.float32)
        for step, (k, multiplied) in enumerate(zip(sizes.tolist(), product_rows(sizes).tolist(), strict=True)):
            first = np.flatnonzero(new[:, step])
            ids, size = tokens[first, step], 4 * k * units
            x = gathered[:size].reshape(4, k, units)
            for gate in range(4):
                np.take(projected[gate], ids, axis=0, out=x[gate], mode="clip")
            if step:
                parents = node[first, step - 1]
                if multiplied < k:
                    z = np.matmul(h, recurrent, out=sums[: 4 * h.size].reshape(4, *h.shape))
                    z = np.add(x, z.take(parents, axis=1), out=x)
                else:
                    z = np.matmul(h.take(parents, axis=0), recurrent, out=sums[:size].reshape(4, k, units))
                    z += x
                c = c.take(parents, axis=0)
            else:
                z, c = x, np.zeros((k, units), np.float32)
            h, scratch = np.empty((2, k, units), np.float32)
            self._advance(_Gates(z), c, h, scratch)
            if self.pooling == "maximum":
                best = np.maximum(best.take(parents, axis=0), h) if step else h
            ended = np.flatnonzero(lengths == step + 1)
            output[ended] = (best if self.pooling == "maximum" else h)[node[ended, step]]
            if each_step:
                alive = np.flatnonzero(lengths > step)
                each_step(step, alive, h[None, node[alive, step]] * _HALF)
        output *= _HALF
        return output


def shared_beginnings(tokens: Array, lengths: Array) -> tuple[Array, Array]:
    """Find what neighbouring sequences have in common.

    Args:
        tokens: (rows, steps), padded with 0.
        lengths: (rows,).

    Returns:
        bool (rows, steps): whether a row's beginning up to a step is other than that of the row before it; int
        (rows, steps): the number, from 0, of that beginning among those of its step.
    """
    new = np.ones(tokens.shape, dtype=bool)
    np.logical_or.accumulate(tokens[1:] != tokens[:-1], axis=1, out=new[1:])
    new &= np.arange(tokens.shape[1]) < lengths[:, None]
    return new, np.cumsum(new, axis=0) - 1


def product_rows(sizes: Array) -> Array:
    """Return how many states are multiplied in each step, (steps,), by the numbers of beginnings, (steps,).

    One state for each beginning; or, where they branch so much that it pays to copy products, for each of the step
    before. The first step has none.
    """
    before = np.append(0, sizes[:-1])
    return np.where(before < _BRANCHING * sizes, before, sizes)


def by_beginning(tokens: Array, lengths: Array) -> Array:
    """Return an order of sequences, (rows,): the long ones last, else those that begin alike side by side.

    Args:
        tokens: (rows, steps) ids, padded with 0; the first 8 count.
        lengths: (rows,).
    """
    columns = tokens[:, :_COMMON].T.astype(np.uint64)
    bits = max(1, int(columns.max()).bit_length())
    keys = np.searchsorted(_LONG, lengths).astype(np.uint64)  # a long one among short ones would make steps of few rows
    while True:
        room = (64 - int(keys.max()).bit_length()) // bits
        for column in columns[:room]:
            keys = keys << np.uint64(bits) | column
        order, columns = np.argsort(keys), columns[room:]
        if not len(columns):
            return order
        ordered = keys[order]
        keys[order] = np.cumsum(np.append(False, ordered[1:] != ordered[:-1]))  # the same order in fewer bits


class Projections:
    """The projections of a vocabulary's words, the most frequent ones first among its ids. Threads may share them.

    Args:
        recurrence: what projects them, in each of its directions.
        embedding: float32 (words, e).
        frequent_bytes: that the words may take which are there from the beginning.
        block: words projected together, always the same ones: a word's last bits depend on how many others are in its
            product, and must not depend on which were met before it.
    """

    def __init__(self, recurrence: Recurrence, embedding: Array, *, frequent_bytes: int = 1 << 24, block: int = 16):
        self._recurrence = recurrence
        self._embedding = embedding
        self._block = block
        self._known = np.zeros(-(-len(embedding) // block), dtype=bool)  # by block
        self._frequent_words = frequent_bytes // (16 * recurrence.units * recurrence.directions)
        self._lock = Lock()

    @cached_property
    def frequent(self) -> list[Array]:
        """Those of the most frequent words, for a few questions: float32 (words, 4, units) of each direction."""
        words = min(self._frequent_words, len(self._embedding))
        blocks, units = np.arange(-(-words // self._block)), self._recurrence.units
        every = [self._project(blocks, direction).swapaxes(1, 2) for direction in range(self._recurrence.directions)]
        return [np.ascontiguousarray(projected.reshape(-1, 4, units)[:words]) for projected in every]

    @cached_property
    def all(self) -> list[Array]:
        """Those of all words, for many questions: float32 (4, words, units) of each direction; see ``learn``.

        Memory is taken only where something has been written.
        """
        shape = 4, len(self._embedding), self._recurrence.units
        return [np.empty(shape, np.float32) for _ in range(self._recurrence.directions)]

    def of(self, words: Array, direction: int) -> Array:
        """Return those of a few words, each computed alone: float32 (n, 4, units)."""
        return self._recurrence.project(self._embedding[words][:, None, None], direction)[:, :, 0]

    def _project(self, blocks: Array, direction: int) -> Array:
        """Return the projections of blocks of words, (n, 4, block, units), each a product of its own."""
        vectors = self._embedding.take(self._words(blocks), axis=0, mode="clip")
        return self._recurrence.project(vectors[:, None], direction)

    def _words(self, blocks: Array) -> Array:
        return blocks[:, None] * self._block + np.arange(self._block)

    def unknown(self, ids: Array) -> Array:
        """Return the numbers of the blocks that have a word among ids and that ``learn`` has not been given yet."""
        blocks = np.unique(distinct_ids(ids)[0] // self._block)
        return blocks[~self._known[blocks]]

    def learn(self, blocks: Array, map: Map = map) -> None:
        """Compute the projections of blocks of words, which stand in ``all`` from now on.

        Args:
            blocks: their numbers, each once.
            map: see ``threads.Map``.
        """
        with self._lock:
            blocks = blocks[~self._known[blocks]]  # another thread may have been here
            everything = self.all

            def learn_some(some: Array) -> None:
                words = self._words(some).ravel()
                words = words[words < len(self._embedding)]
                for direction, projections in enumerate(everything):
                    projected = self._project(some, direction).swapaxes(0, 1)
                    projections[:, words] = projected.reshape(4, -1, self._recurrence.units)[:, : len(words)]

            list(map(learn_some, [blocks[start : start + _TOGETHER] for start in range(0, len(blocks), _TOGETHER)]))
            self._known[blocks] = True
