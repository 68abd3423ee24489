"""The network in NumPy: encoder, measures and head, equal to the Keras network of the same weights."""

from collections.abc import Sequence

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.inference.architecture import Architecture
from textsiam.inference.baseline2019 import BaselineEncoder
from textsiam.inference.encoder import Encoder, Encodings
from textsiam.inference.threads import Map
from textsiam.siamese.measures import alignment, euclidean_distance, vector_similarities
from textsiam.text.lexical import Lexicon, lexical_similarities

_PAIRS, _ALIGNED_PAIRS = 2048, 128  # pairs compared together; of each token much is computed when they are aligned


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
                raise TextsiamError(
                    f"The model's weights need {name} of shape {shape}; found: {found}.", "Train it anew."
                )
        self.architecture = architecture
        self.weights = weights
        self._encoder = (BaselineEncoder if architecture.baseline else Encoder)(architecture, weights)
        layers = [f"hidden_{number}" for number in range(len(architecture.hidden))] + ["output"]
        if architecture.loss == "contrastive":
            layers = []
        self._lexicon = Lexicon.of(weights)
        self._head = [(weights[f"{layer}.kernel"], weights[f"{layer}.bias"]) for layer in layers]

    def encode(self, ids: np.ndarray, lengths: np.ndarray, map: Map = map) -> Encodings:
        """Return the vector of each question, and the states of its tokens where the architecture has a late measure.

        Args:
            ids: int32 (n, steps), right-padded.
            lengths: (n,), tokens of each row, at least 1.
            map: of the blocks of rows, see ``threads.Map``.
        """
        return self._encoder.encode(ids, lengths, map)

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
