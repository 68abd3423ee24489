"""The network in NumPy: encoder, measures and head, equal to the Keras network of the same weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.inference.architecture import ALIGNED, Architecture
from textsiam.inference.lstm import EachStep, Pooling, Projections, Recurrence, by_beginning
from textsiam.inference.threads import Map
from textsiam.siamese.measures import alignment, euclidean_distance, vector_similarities
from textsiam.text.lexical import Lexicon, lexical_similarities

_FEW = 32  # questions that are encoded at once, without looking for what they have in common
_ROWS = 1024  # questions encoded together: more at once means fewer calls, which threads wait for each other for
_PAIRS, _ALIGNED_PAIRS = 2048, 128  # pairs compared together; of each token much is computed when they are aligned
_POOLING: dict[str, Pooling] = {"lstm": "last", "bilstm": "maximum", "lstm_flat": "all"}


@dataclass(frozen=True)
class Encodings:
    """What the encoder makes of questions.

    Attributes:
        vectors: float32 (q, d).
        states: float32 (tokens of all, ``ALIGNED``), one question after another; no rows where no measure needs them.
        starts: (q,), the row of each question's first token.
    """

    vectors: np.ndarray
    states: np.ndarray
    starts: np.ndarray

    @classmethod
    def empty(cls, lengths: np.ndarray, width: int, *, late: bool) -> "Encodings":
        """Make room for questions of so many tokens."""
        states = np.empty((lengths.sum() if late else 0, ALIGNED), np.float32)
        return cls(np.empty((len(lengths), width), np.float32), states, np.cumsum(lengths) - lengths)

    def put(self, numbers: Sequence[int], lengths: np.ndarray, others: "Encodings") -> None:
        """Put in other questions, of so many tokens each, under these numbers."""
        self.vectors[numbers] = others.vectors
        if len(others.states):
            shift = self.starts[numbers] - others.starts
            self.states[np.repeat(shift, lengths) + np.arange(len(others.states))] = others.states

    def flat(self, number: int, length: int) -> np.ndarray:
        """Return what is known of a question of so many tokens as one array of its own."""
        if not len(self.states):
            return self.vectors[number].copy()
        start = self.starts[number]
        return np.concatenate([self.vectors[number], self.states[start : start + length].ravel()])

    def put_flat(self, number: int, length: int, flat: np.ndarray) -> None:
        """Put in what ``flat`` returned."""
        width, start = self.vectors.shape[1], self.starts[number]
        self.vectors[number] = flat[:width]
        if len(self.states):
            self.states[start : start + length] = flat[width:].reshape(-1, ALIGNED)


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
        self._recurrence = Recurrence(
            kernels, recurrent, biases, pooling=_POOLING[architecture.encoder], relu=architecture.encoder == "lstm_flat"
        )
        self._projections = Projections(self._recurrence, embedding)
        layers = [f"hidden_{number}" for number in range(len(architecture.hidden))] + ["output"]
        if architecture.loss == "contrastive":
            layers = []
        self._lexicon = Lexicon.of(weights)
        if architecture.late:
            self._states = np.split(weights["token_states.kernel"], len(names)), weights["token_states.bias"]
        self._head = [(weights[f"{layer}.kernel"], weights[f"{layer}.bias"]) for layer in layers]

    @property
    def width(self) -> int:
        """Dimensions of a question's vector."""
        steps = self.architecture.flat_length if self.architecture.encoder == "lstm_flat" else 1
        return self.architecture.units * steps * self._recurrence.directions

    def encode(self, ids: np.ndarray, lengths: np.ndarray, map: Map = map) -> Encodings:
        """Return the vector of each question, and the states of its tokens where the architecture has a late measure.

        Args:
            ids: int32 (n, steps), right-padded.
            lengths: (n,), tokens of each row, at least 1.
            map: of the blocks of rows, see ``threads.Map``.
        """
        if self.architecture.encoder == "lstm_flat":
            ids = np.pad(ids, ((0, 0), (0, max(0, self.architecture.flat_length - ids.shape[1]))))
            ids = ids[:, : self.architecture.flat_length]
            lengths = np.full(len(ids), self.architecture.flat_length)
        sequences = [ids]
        if self._recurrence.directions == 2:
            sequences.append(_backwards(ids, lengths))
        encodings = Encodings.empty(lengths, self.width, late=self.architecture.late)
        if self.architecture.late:
            encodings.states[:] = self._states[1]
        (self._encode_few if len(ids) <= _FEW else self._encode_many)(sequences, lengths, encodings, map)
        return encodings

    def _each_step(
        self, encodings: Encodings, rows: np.ndarray, lengths: np.ndarray, directions: Sequence[int]
    ) -> EachStep | None:
        """Return what adds the states of questions to their tokens, as the recurrence comes to them."""
        if not self.architecture.late:
            return None
        starts = encodings.starts[rows]

        def add(step: int, alive: np.ndarray, states: np.ndarray) -> None:
            for direction, state in zip(directions, states, strict=True):
                place = lengths[alive] - 1 - step if direction else step
                encodings.states[starts[alive] + place] += state @ self._states[0][direction]

        return add

    def _encode_few(self, sequences: list[np.ndarray], lengths: np.ndarray, encodings: Encodings, map: Map) -> None:
        order = np.argsort(-lengths, kind="stable")
        shape = (sequences[0].shape[1], 4, len(sequences), len(lengths), self.architecture.units)
        inputs = np.empty(shape, np.float32)
        for direction, sequence in enumerate(sequences):
            steps = sequence[order].T
            frequent = self._projections.frequent[direction]
            rare = steps >= len(frequent)
            inputs[:, :, direction] = frequent.take(steps, axis=0, mode="clip").transpose(0, 2, 1, 3)
            if rare.any():
                step, row = np.nonzero(rare)
                inputs[step, :, direction, row] = self._projections.of(steps[step, row], direction)
        each_step = self._each_step(encodings, order, lengths[order], range(len(sequences)))
        encodings.vectors[order] = self._recurrence.few(inputs, lengths[order], each_step)

    def _encode_many(self, sequences: list[np.ndarray], lengths: np.ndarray, encodings: Encodings, map: Map) -> None:
        width = self.width // len(sequences)
        tasks = [partial(by_beginning, sequence, lengths) for sequence in sequences]
        words, *orders = map(lambda task: task(), [partial(self._projections.unknown, sequences[0]), *tasks])
        self._projections.learn(words, map)

        def encode_block(direction: int, rows: np.ndarray) -> None:
            sizes = lengths[rows]
            block = sequences[direction][rows, : sizes.max()]
            each_step = self._each_step(encodings, rows, sizes, [direction])
            encoded = self._recurrence.many(direction, self._projections.all[direction], block, sizes, each_step)
            encodings.vectors[rows, direction * width : (direction + 1) * width] = encoded

        for direction, order in enumerate(orders):
            blocks = [order[start : start + _ROWS] for start in range(0, len(order), _ROWS)]
            list(map(partial(encode_block, direction), blocks[::-1]))  # the last take longest

    def score(self, u: np.ndarray, v: np.ndarray, lexical: np.ndarray, late: Sequence[np.ndarray] = ()) -> np.ndarray:
        """Return the score of each pair: the logit of the head, or margin/2 − distance for the contrastive loss.

        Args:
            u: float32 (n, d), vectors of the first questions.
            v: float32 (n, d), of the second.
            lexical: float32 (n, lexical measures).
            late: the late measures.

        Returns:
            float64 (n,), higher = more alike; the network's own probability is σ(score).
        """
        if self.architecture.loss == "contrastive":
            return self.architecture.margin / 2 - euclidean_distance(u, v, np)[:, 0].astype(np.float64)
        features = [*vector_similarities(self.architecture.vector, u, v, np), *late]
        if self.architecture.lexical:
            features.append(
                np.maximum(lexical @ self.weights["lexical_hidden.kernel"] + self.weights["lexical_hidden.bias"], 0)
            )
        hidden = np.concatenate(features, axis=1)
        for kernel, bias in self._head[:-1]:
            hidden = hidden @ kernel
            hidden += bias
            np.maximum(hidden, 0, out=hidden)
        kernel, bias = self._head[-1]
        return (hidden @ kernel + bias)[:, 0].astype(np.float64)

    def compare(
        self,
        encodings: Encodings,
        ids: np.ndarray,
        lengths: np.ndarray,
        first: np.ndarray,
        second: np.ndarray,
        map: Map = map,
    ) -> np.ndarray:
        """Return the score of pairs of encoded distinct questions.

        Args:
            encodings: what ``encode`` returned for the distinct questions.
            ids: int32 (q, steps), their right-padded ids.
            lengths: (q,), their numbers of tokens.
            first: (n,) row of the first question of each pair.
            second: (n,) row of the second.
            map: of the blocks of pairs, see ``threads.Map``.

        Returns:
            float64 (n,), see ``score``.
        """
        scores = np.empty(len(first), np.float64)
        order = np.argsort(np.maximum(lengths[first], lengths[second]), kind="stable")

        def compare_block(rows: np.ndarray) -> None:
            a, b = first[rows], second[rows]
            width = max(lengths[a].max(), lengths[b].max())
            lexical = lexical_similarities(self.architecture.lexical, ids[a, :width], ids[b, :width], self._lexicon)
            late = [self._alignment(encodings, lengths, a, b)] if self.architecture.late else []
            scores[rows] = self.score(encodings.vectors[a], encodings.vectors[b], lexical, late)

        size = _ALIGNED_PAIRS if self.architecture.late else _PAIRS
        list(map(compare_block, [order[start : start + size] for start in range(0, len(order), size)]))
        return scores

    def _alignment(self, encodings: Encodings, lengths: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the late measure of questions a and b."""
        both = []
        for rows in (a, b):
            steps = np.arange(lengths[rows].max())
            places = encodings.starts[rows, None] + steps
            mask = (steps < lengths[rows, None]).astype(np.float32)
            both.append((encodings.states.take(places, axis=0, mode="clip"), mask))
        one, other = both
        return alignment(one, other, (self.weights["alignment.kernel"], self.weights["alignment.bias"]), np)


def _backwards(ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the ids with the tokens of each row in reverse, padding still on the right."""
    places = lengths[:, None] - 1 - np.arange(ids.shape[1])
    return np.where(places >= 0, np.take_along_axis(ids, np.maximum(places, 0), axis=1), 0)
