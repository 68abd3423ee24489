"""The network in NumPy: encoder, measures and head, equal to the Keras network of the same weights."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from textsiam.architecture import Architecture
from textsiam.errors import TextsiamError
from textsiam.measures import euclidean_distance, lexical_similarities, vector_similarities

_ROWS = 256  # questions encoded together: their states stay in the processor's cache
_PAIRS = 1024  # pairs compared together
_POOLING = {"lstm": "last", "bilstm": "maximum", "lstm_flat": "all"}


class _Direction:
    """One direction of an LSTM, its gates reordered to i, f, o, g and rewritten for exp, one call for all four.

    σ(x) = 1 / (1 + e^−x) and ½·tanh(x) = 1 / (1 + e^−2x) − ½: the signs and factors are folded into the weights, the
    state is kept at half its value. Without AVX-512, NumPy's exp takes half as long as its tanh.
    """

    def __init__(self, weights: dict[str, np.ndarray], name: str, embedding: np.ndarray, relu: bool):
        self.embedding = embedding
        self.relu = relu
        self.kernel, self.recurrent, self.bias = (
            self._rewrite(weights[f"{name}.{part}"]) for part in ("kernel", "recurrent_kernel", "bias")
        )
        self.scale = 1 if relu else 2
        self.recurrent *= self.scale
        self.units = self.recurrent.shape[0]

    def _rewrite(self, weight: np.ndarray) -> np.ndarray:
        i, f, g, o = np.split(weight.astype(np.float32), 4, axis=-1)
        return np.ascontiguousarray(np.concatenate([-i, -f, -o, g if self.relu else -2 * g], axis=-1))

    def project(self, ids: np.ndarray) -> np.ndarray:
        """Return x·W + b of each id: (n,) → (n, 4·units)."""
        projected = self.embedding[ids] @ self.kernel
        projected += self.bias
        return projected

    def run(self, projected: np.ndarray, steps: np.ndarray, active: Sequence[int], pooling: str) -> np.ndarray:
        """Run the recurrence over rows sorted by length, the longest first.

        Args:
            projected: (tokens, 4·units), what ``project`` returned.
            steps: (steps, rows), position in ``projected`` of each row's token at each step.
            active: rows that have a token at each step.
            pooling: "last" state of each row, "maximum" over its steps, or "all" states, side by side.

        Returns:
            float32 (rows, units), or (rows, steps·units) for "all".
        """
        units, rows = self.units, steps.shape[1]
        state = np.zeros((rows, units), np.float32)
        cell = np.zeros((rows, units), np.float32)
        gates, inputs = np.empty((2, rows, 4 * units), np.float32)
        scratch = np.empty((rows, units), np.float32)
        maximum = np.full((rows, units), -np.inf, np.float32)
        states = []
        with np.errstate(over="ignore"):  # e^x may be infinite: 1 / (1 + ∞) is the 0 that is meant
            for step, k in enumerate(active):
                z, c, h, s = gates[:k], cell[:k], state[:k], scratch[:k]
                if step:
                    np.matmul(h, self.recurrent, out=z)
                    z += np.take(projected, steps[step, :k], axis=0, out=inputs[:k], mode="clip")
                else:
                    np.take(projected, steps[0, :k], axis=0, out=z, mode="clip")
                self._advance(z, c, h, s)
                if pooling == "maximum":
                    np.maximum(maximum[:k], h, out=maximum[:k])
                elif pooling == "all":
                    states.append(state.copy())
        if pooling == "all":
            return np.concatenate(states, axis=1) * self.scale
        return (maximum if pooling == "maximum" else state) * self.scale

    def _advance(self, z: np.ndarray, c: np.ndarray, h: np.ndarray, s: np.ndarray) -> None:
        """Turn the gates' sums z (k, 4·units) into the next cell c and state h (k, units), in place; s is scratch."""
        units = self.units
        exponents = z[:, : 3 * units] if self.relu else z
        np.exp(exponents, out=exponents)
        exponents += 1
        i, f, o, g = z[:, :units], z[:, units : 2 * units], z[:, 2 * units : 3 * units], z[:, 3 * units :]
        if self.relu:
            np.maximum(g, 0, out=g)
        else:  # −2·tanh: the cell is kept at −2 times its value, ready for exp
            np.divide(-4, g, out=g)
            g += 2
        g /= i
        c /= f
        c += g
        if self.relu:
            np.maximum(c, 0, out=s)
        else:
            np.exp(c, out=s)
            s += 1
            np.divide(1, s, out=s)
            s -= 0.5
        np.divide(s, o, out=h)


class Network:
    """Encoder, measures and head in NumPy, equal to the Keras network of the same weights.

    Args:
        architecture: what it is made of.
        weights: arrays by the names that ``siamese.get_weights`` gives, with ``idf`` and ``numeric`` (vocabulary,).
    """

    def __init__(self, architecture: Architecture, weights: dict[str, np.ndarray]):
        embedding = weights.get("embedding.embeddings", np.empty((0, 0)))
        for name, shape in architecture.shapes(len(embedding)).items():
            if name not in weights or weights[name].shape != shape:
                found = weights[name].shape if name in weights else "none"
                raise TextsiamError(f"The model's weights need {name} of shape {shape}; found: {found}. Train it anew.")
        self.architecture = architecture
        self.weights = weights
        names = ("forward", "backward") if architecture.encoder == "bilstm" else ("forward",)
        self._directions = [_Direction(weights, name, embedding, architecture.encoder == "lstm_flat") for name in names]
        layers = [f"hidden_{number}" for number in range(len(architecture.hidden))] + ["output"]
        if architecture.loss == "contrastive":
            layers = []
        self._head = [(weights[f"{layer}.kernel"], weights[f"{layer}.bias"]) for layer in layers]

    @property
    def width(self) -> int:
        """Dimensions of a question's vector."""
        steps = self.architecture.flat_length if self.architecture.encoder == "lstm_flat" else 1
        return self.architecture.units * steps * len(self._directions)

    def encode(self, ids: np.ndarray, lengths: np.ndarray, pool: ThreadPoolExecutor | None = None) -> np.ndarray:
        """Return the vector of each question.

        Args:
            ids: int32 (n, steps), right-padded.
            lengths: (n,), tokens of each row, at least 1.
            pool: threads to share the blocks of rows; None computes them here.

        Returns:
            float32 (n, d).
        """
        flat = self.architecture.encoder == "lstm_flat"
        if flat:
            ids = np.pad(ids, ((0, 0), (0, max(0, self.architecture.flat_length - ids.shape[1]))))
            ids = ids[:, : self.architecture.flat_length]
            lengths = np.full(len(ids), self.architecture.flat_length)
        order = np.argsort(-lengths, kind="stable")
        # Each distinct token is projected once, however often it occurs.
        used = np.zeros(len(self.weights["embedding.embeddings"]), dtype=bool)
        used[ids] = True
        tokens = np.flatnonzero(used)
        position = np.zeros(len(used), dtype=np.int32)
        position[tokens] = np.arange(tokens.size, dtype=np.int32)
        vectors = np.empty((len(ids), self.width), np.float32)
        width = self.width // len(self._directions)

        def encode_block(rows: np.ndarray, projected: np.ndarray, number: int) -> None:
            sizes = lengths[rows]
            block = ids[rows, : sizes[0]]
            if number == 1:  # backwards: the valid part of each row, last token first
                block = np.take_along_axis(block, (sizes[:, None] - 1 - np.arange(sizes[0])) % sizes[0], axis=1)
            active = (sizes[:, None] > np.arange(sizes[0])).sum(axis=0).tolist()
            direction = self._directions[number]
            encoded = direction.run(projected, position[block].T, active, _POOLING[self.architecture.encoder])
            vectors[rows, number * width : (number + 1) * width] = encoded

        blocks = [order[start : start + _ROWS] for start in range(0, len(order), _ROWS)]
        for number, direction in enumerate(self._directions):
            projected = direction.project(tokens)
            _each(pool, encode_block, [(rows, projected, number) for rows in blocks])
        return vectors

    def score(self, u: np.ndarray, v: np.ndarray, lexical: np.ndarray) -> np.ndarray:
        """Return the score of each pair: the logit of the head, or margin/2 − distance for the contrastive loss.

        Args:
            u: float32 (n, d), vectors of the first questions.
            v: float32 (n, d), of the second.
            lexical: float32 (n, lexical measures).

        Returns:
            float64 (n,), higher = more alike; the network's own probability is σ(score).
        """
        if self.architecture.loss == "contrastive":
            return self.architecture.margin / 2 - euclidean_distance(u, v, np)[:, 0].astype(np.float64)
        hidden = np.concatenate([*vector_similarities(self.architecture.measures, u, v, np), lexical], axis=1)
        for kernel, bias in self._head[:-1]:
            hidden = np.maximum(hidden @ kernel + bias, 0)
        kernel, bias = self._head[-1]
        return (hidden @ kernel + bias)[:, 0].astype(np.float64)

    def compare(
        self,
        vectors: np.ndarray,
        ids: np.ndarray,
        lengths: np.ndarray,
        first: np.ndarray,
        second: np.ndarray,
        pool: ThreadPoolExecutor | None = None,
    ) -> np.ndarray:
        """Return the score of pairs of encoded distinct questions.

        Args:
            vectors: float32 (q, d), what ``encode`` returned for the distinct questions.
            ids: int32 (q, steps), their right-padded ids.
            lengths: (q,), their numbers of tokens.
            first: (n,) row of the first question of each pair.
            second: (n,) row of the second.
            pool: threads to share the blocks of pairs; None computes them here.

        Returns:
            float64 (n,), see ``score``.
        """
        scores = np.empty(len(first), np.float64)
        order = np.argsort(np.maximum(lengths[first], lengths[second]), kind="stable")

        def compare_block(rows: np.ndarray) -> None:
            a, b = first[rows], second[rows]
            width = max(lengths[a].max(), lengths[b].max())
            lexical = lexical_similarities(
                self.architecture.lexical, ids[a, :width], ids[b, :width], self.weights["idf"], self.weights["numeric"]
            )
            scores[rows] = self.score(vectors[a], vectors[b], lexical)

        _each(pool, compare_block, [(order[start : start + _PAIRS],) for start in range(0, len(order), _PAIRS)])
        return scores


def _each(pool: ThreadPoolExecutor | None, function: Any, arguments: Sequence[tuple[Any, ...]]) -> None:
    if pool is None:
        for values in arguments:
            function(*values)
    else:
        for future in [pool.submit(function, *values) for values in arguments]:
            future.result()
