"""The network in NumPy: encoder, measures and head, equal to the Keras network of the same weights."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np

from textsiam.architecture import Architecture
from textsiam.errors import TextsiamError
from textsiam.measures import euclidean_distance, lexical_similarities, vector_similarities
from textsiam.recurrence import Pooling, Recurrence, by_beginning
from textsiam.token_sets import Lexicon

_FEW = 32  # questions that are encoded at once, without looking for what they have in common
_FREQUENT = 1 << 24  # bytes in which the projections of the most frequent words are remembered for these
_ROWS = 1024  # questions encoded together: more at once means fewer calls, which threads wait for each other for
_PAIRS = 1024  # pairs compared together
_POOLING: dict[str, Pooling] = {"lstm": "last", "bilstm": "maximum", "lstm_flat": "all"}


class Network:
    """Encoder, measures and head in NumPy, equal to the Keras network of the same weights.

    Args:
        architecture: what it is made of.
        weights: arrays by the names that ``siamese.get_weights`` gives, and the arrays of its ``Lexicon``.
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
        kernels, recurrent, biases = (
            [weights[f"{name}.{part}"] for name in names] for part in ("kernel", "recurrent_kernel", "bias")
        )
        self._embedding = embedding
        self._recurrence = Recurrence(
            kernels, recurrent, biases, pooling=_POOLING[architecture.encoder], relu=architecture.encoder == "lstm_flat"
        )
        layers = [f"hidden_{number}" for number in range(len(architecture.hidden))] + ["output"]
        if architecture.loss == "contrastive":
            layers = []
        self._lexicon = Lexicon.of(weights)
        self._head = [(weights[f"{layer}.kernel"], weights[f"{layer}.bias"]) for layer in layers]

    @property
    def width(self) -> int:
        """Dimensions of a question's vector."""
        steps = self.architecture.flat_length if self.architecture.encoder == "lstm_flat" else 1
        return self.architecture.units * steps * self._recurrence.directions

    @cached_property
    def _frequent(self) -> list[np.ndarray]:
        """The projections of the most frequent words, (words, 4, units) for each direction."""
        directions = range(self._recurrence.directions)
        vectors = self._embedding[: _FREQUENT // (16 * self.architecture.units * len(directions))]
        return [np.ascontiguousarray(self._recurrence.project(vectors, d).transpose(1, 0, 2)) for d in directions]

    def encode(self, ids: np.ndarray, lengths: np.ndarray, pool: ThreadPoolExecutor | None = None) -> np.ndarray:
        """Return the vector of each question.

        Args:
            ids: int32 (n, steps), right-padded.
            lengths: (n,), tokens of each row, at least 1.
            pool: threads to share the blocks of rows; None computes them here.

        Returns:
            float32 (n, d).
        """
        if self.architecture.encoder == "lstm_flat":
            ids = np.pad(ids, ((0, 0), (0, max(0, self.architecture.flat_length - ids.shape[1]))))
            ids = ids[:, : self.architecture.flat_length]
            lengths = np.full(len(ids), self.architecture.flat_length)
        sequences = [ids]
        if self._recurrence.directions == 2:
            sequences.append(_backwards(ids, lengths))
        return (self._encode_few if len(ids) <= _FEW else self._encode_many)(sequences, lengths, pool)

    def _encode_few(
        self, sequences: list[np.ndarray], lengths: np.ndarray, pool: ThreadPoolExecutor | None
    ) -> np.ndarray:
        order = np.argsort(-lengths, kind="stable")
        shape = (sequences[0].shape[1], 4, len(sequences), len(lengths), self.architecture.units)
        inputs = np.empty(shape, np.float32)
        for direction, sequence in enumerate(sequences):
            steps = sequence[order].T
            frequent = self._frequent[direction]
            rare = steps >= len(frequent)
            inputs[:, :, direction] = frequent.take(steps, axis=0, mode="clip").transpose(0, 2, 1, 3)
            if rare.any():
                step, row = np.nonzero(rare)
                projected = self._recurrence.project(self._embedding[steps[step, row]], direction)
                inputs[step, :, direction, row] = projected.transpose(1, 0, 2)
        vectors = np.empty((len(lengths), self.width), np.float32)
        vectors[order] = self._recurrence.few(inputs, lengths[order])
        return vectors

    def _encode_many(
        self, sequences: list[np.ndarray], lengths: np.ndarray, pool: ThreadPoolExecutor | None
    ) -> np.ndarray:
        # Each distinct token is projected once, however often it occurs.
        used = np.zeros(len(self._embedding), dtype=bool)
        used[sequences[0]] = True
        tokens = np.flatnonzero(used)
        place = np.zeros(len(used), dtype=np.int32)
        place[tokens] = np.arange(tokens.size, dtype=np.int32)
        vectors = np.empty((len(lengths), self.width), np.float32)
        width = self.width // len(sequences)

        def encode_block(rows: np.ndarray, projected: np.ndarray, direction: int) -> None:
            sizes = lengths[rows]
            block = place[sequences[direction][rows, : sizes.max()]]
            encoded = self._recurrence.many(direction, projected, block, sizes)
            vectors[rows, direction * width : (direction + 1) * width] = encoded

        for direction, sequence in enumerate(sequences):
            projected = self._recurrence.project(self._embedding[tokens], direction)
            order = by_beginning(sequence, lengths)
            blocks = [order[start : start + _ROWS] for start in range(0, len(order), _ROWS)]
            _each(pool, encode_block, [(rows, projected, direction) for rows in blocks])
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
        features = vector_similarities(self.architecture.measures, u, v, np)
        if self.architecture.lexical:
            features.append(
                np.maximum(lexical @ self.weights["lexical_hidden.kernel"] + self.weights["lexical_hidden.bias"], 0)
            )
        hidden = np.concatenate(features, axis=1)
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
            lexical = lexical_similarities(self.architecture.lexical, ids[a, :width], ids[b, :width], self._lexicon)
            scores[rows] = self.score(vectors[a], vectors[b], lexical)

        _each(pool, compare_block, [(order[start : start + _PAIRS],) for start in range(0, len(order), _PAIRS)])
        return scores


def _backwards(ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the ids with the tokens of each row in reverse, padding still on the right."""
    places = lengths[:, None] - 1 - np.arange(ids.shape[1])
    return np.where(places >= 0, np.take_along_axis(ids, np.maximum(places, 0), axis=1), 0)


def _each(pool: ThreadPoolExecutor | None, function: Any, arguments: Sequence[tuple[Any, ...]]) -> None:
    if pool is None:
        for values in arguments:
            function(*values)
    else:
        for future in [pool.submit(function, *values) for values in arguments]:
            future.result()
