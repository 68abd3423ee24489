"""The encoder of the published recipe of 2019, kept to measure every repair against; see ``training.presets``.

An LSTM with relu for tanh runs over exactly ``flat_length`` steps, padding included, and the states of all steps, side
by side, are the encoding. Its measures and options stand where the others do: ``siamese.measures`` has u² − v².
"""

from collections.abc import Mapping

import numpy as np

from textsiam.inference.architecture import Architecture
from textsiam.inference.encoder import Encodings
from textsiam.inference.threads import Map


class BaselineEncoder:
    """Embedding and LSTM of the encoder "lstm_flat": plain loops, made to be read rather than to be fast.

    Args:
        architecture: what it is made of.
        weights: arrays by the names that ``architecture.shapes`` gives.
        rows: questions encoded together.
    """

    def __init__(self, architecture: Architecture, weights: Mapping[str, np.ndarray], *, rows: int = 512):
        self._steps, self._width, self._rows = architecture.flat_length, architecture.width, rows
        self._embedding = weights["embedding.embeddings"]
        self._kernel, self._recurrent, self._bias = (
            weights[f"forward.{part}"] for part in ("kernel", "recurrent_kernel", "bias")
        )

    def encode(self, ids: np.ndarray, lengths: np.ndarray, map: Map = map) -> Encodings:
        """Return the vector of each question, float32 (n, flat_length · units); see ``Encoder.encode``."""
        encodings = Encodings.empty(lengths, self._width, late=False)
        padded = np.zeros((len(ids), self._steps), ids.dtype)
        padded[:, : ids.shape[1]] = ids[:, : self._steps]

        def encode_some(start: int) -> None:
            some = slice(start, start + self._rows)
            encodings.vectors[some] = self._encoded(padded[some])

        list(map(encode_some, range(0, len(ids), self._rows)))
        return encodings

    def _encoded(self, ids: np.ndarray) -> np.ndarray:
        """Return the states of all steps side by side, (n, steps · units)."""
        inputs = self._embedding[ids] @ self._kernel + self._bias
        state, cell = np.zeros((2, len(ids), len(self._recurrent)), np.float32)
        states = []
        for step in range(self._steps):
            i, f, g, o = np.split(inputs[:, step] + state @ self._recurrent, 4, axis=1)  # Keras's order of gates
            cell = _sigmoid(f) * cell + _sigmoid(i) * np.maximum(g, 0)
            state = _sigmoid(o) * np.maximum(cell, 0)
            states.append(state)
        return np.concatenate(states, axis=1)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.float32(0.5) * np.tanh(x / 2) + np.float32(0.5)
