"""Questions to vectors, and states of their tokens, in NumPy: a few at once, or many that have words in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from textsiam.inference.architecture import ALIGNED, Architecture
from textsiam.inference.lstm import EachStep, Pooling, Projections, Recurrence, by_beginning
from textsiam.inference.threads import Map

_FEW = 32  # questions that are encoded at once, without looking for what they have in common
_ROWS = 1024  # questions encoded together: more at once means fewer calls, which threads wait for each other for
_POOLING: dict[str, Pooling] = {"lstm": "last", "bilstm": "maximum"}


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


class Encoder:
    """Embedding and LSTM of one or both directions.

    Args:
        architecture: what it is made of.
        weights: arrays by the names that ``architecture.shapes`` gives.
    """

    def __init__(self, architecture: Architecture, weights: Mapping[str, np.ndarray]):
        kernels, recurrent, biases = (
            [weights[f"{name}.{part}"] for name in architecture.directions]
            for part in ("kernel", "recurrent_kernel", "bias")
        )
        self._recurrence = Recurrence(kernels, recurrent, biases, pooling=_POOLING[architecture.encoder])
        self._projections = Projections(self._recurrence, weights["embedding.embeddings"])
        self._width, self._late = architecture.width, architecture.late
        if self._late:
            self._states = np.split(weights["token_states.kernel"], len(kernels)), weights["token_states.bias"]

    def encode(self, ids: np.ndarray, lengths: np.ndarray, map: Map = map) -> Encodings:
        """Return the vector of each question, and the states of its tokens where the architecture has a late measure.

        Args:
            ids: int32 (n, steps), right-padded.
            lengths: (n,), tokens of each row, at least 1.
            map: of the blocks of rows, see ``threads.Map``.
        """
        sequences = [ids]
        if self._recurrence.directions == 2:
            sequences.append(_backwards(ids, lengths))
        encodings = Encodings.empty(lengths, self._width, late=self._late)
        if self._late:
            encodings.states[:] = self._states[1]
        (self._encode_few if len(ids) <= _FEW else self._encode_many)(sequences, lengths, encodings, map)
        return encodings

    def _each_step(
        self, encodings: Encodings, rows: np.ndarray, lengths: np.ndarray, directions: Sequence[int]
    ) -> EachStep | None:
        """Return what adds the states of questions to their tokens, as the recurrence comes to them."""
        if not self._late:
            return None
        starts = encodings.starts[rows]

        def add(step: int, alive: np.ndarray, states: np.ndarray) -> None:
            for direction, state in zip(directions, states, strict=True):
                place = lengths[alive] - 1 - step if direction else step
                encodings.states[starts[alive] + place] += state @ self._states[0][direction]

        return add

    def _encode_few(self, sequences: list[np.ndarray], lengths: np.ndarray, encodings: Encodings, map: Map) -> None:
        order = np.argsort(-lengths, kind="stable")
        shape = (sequences[0].shape[1], 4, len(sequences), len(lengths), self._recurrence.units)
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
        width = self._width // len(sequences)
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


def _backwards(ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the ids with the tokens of each row in reverse, padding still on the right."""
    places = lengths[:, None] - 1 - np.arange(ids.shape[1])
    return np.where(places >= 0, np.take_along_axis(ids, np.maximum(places, 0), axis=1), 0)
