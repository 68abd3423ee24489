"""The trained model in NumPy: questions in, calibrated probabilities out. Imports neither Keras nor pandas."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from textsiam.architecture import Architecture
from textsiam.bundle import Bundle, read_bundle
from textsiam.calibration import Calibration
from textsiam.errors import TextsiamError
from textsiam.preprocessing import Preprocessor, Tokenizer, Vocabulary, pad_sequences
from textsiam.similarity import euclidean_distance, lexical_similarities, vector_similarities

_ROWS = 256  # questions encoded together: their states stay in the processor's cache
_PAIRS = 1024  # pairs compared together
_POOLING = {"lstm": "last", "bilstm": "maximum", "lstm_flat": "all"}
_every_word = Tokenizer()  # every word counts when two questions are compared for equality


class _Direction:
    """One direction of an LSTM, its gates reordered to i, f, o, g and the sigmoids rewritten for one call of tanh.

    σ(x) = ½·tanh(x/2) + ½: the factor ½ is folded into the weights of i, f and o.
    """

    def __init__(self, weights: dict[str, np.ndarray], name: str, embedding: np.ndarray, relu: bool):
        self.embedding = embedding
        self.relu = relu
        self.kernel, self.recurrent, self.bias = (
            self._reorder(weights[f"{name}.{part}"]) for part in ("kernel", "recurrent_kernel", "bias")
        )
        self.units = self.recurrent.shape[0]

    @staticmethod
    def _reorder(weight: np.ndarray) -> np.ndarray:
        i, f, g, o = np.split(weight.astype(np.float32), 4, axis=-1)
        return np.ascontiguousarray(np.concatenate([i / 2, f / 2, o / 2, g], axis=-1))

    def project(self, ids: np.ndarray) -> np.ndarray:
        """Return x·W + b of each id: (n,) → (n, 4·units)."""
        return self.embedding[ids] @ self.kernel + self.bias

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
        gates = np.empty((rows, 4 * units), np.float32)
        scratch = np.empty((rows, units), np.float32)
        maximum = np.full((rows, units), -np.inf, np.float32)
        states = []
        for step, k in enumerate(active):
            z, c, h, s = gates[:k], cell[:k], state[:k], scratch[:k]
            if step:
                np.matmul(h, self.recurrent, out=z)
                z += projected[steps[step, :k]]
            else:
                z[:] = projected[steps[0, :k]]
            sigmoids, candidate = z[:, : 3 * units], z[:, 3 * units :]
            if self.relu:
                np.tanh(sigmoids, out=sigmoids)
                np.maximum(candidate, 0, out=candidate)
            else:
                np.tanh(z, out=z)
            sigmoids *= 0.5
            sigmoids += 0.5
            c *= z[:, units : 2 * units]
            candidate *= z[:, :units]
            c += candidate
            if self.relu:
                np.maximum(c, 0, out=s)
            else:
                np.tanh(c, out=s)
            np.multiply(z[:, 2 * units : 3 * units], s, out=h)
            if pooling == "maximum":
                np.maximum(maximum[:k], h, out=maximum[:k])
            elif pooling == "all":
                states.append(state.copy())
        if pooling == "all":
            return np.concatenate(states, axis=1)
        return maximum if pooling == "maximum" else state


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
        width = self.architecture.units * (self.architecture.flat_length if flat else 1)
        vectors = np.empty((len(ids), width * len(self._directions)), np.float32)

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

    def score_pairs(
        self, ids: np.ndarray, lengths: np.ndarray, first: np.ndarray, second: np.ndarray, workers: int
    ) -> np.ndarray:
        """Return the score of pairs of encoded distinct questions.

        Args:
            ids: int32 (q, steps), right-padded ids of the distinct questions.
            lengths: (q,), their numbers of tokens.
            first, second: (n,) rows of ``ids``: the questions of each pair.
            workers: threads.

        Returns:
            float64 (n,), see ``score``.
        """
        scores = np.empty(len(first), np.float64)
        order = np.argsort(np.maximum(lengths[first], lengths[second]), kind="stable")

        def compare(rows: np.ndarray) -> None:
            a, b = first[rows], second[rows]
            width = max(lengths[a].max(), lengths[b].max())
            lexical = lexical_similarities(
                self.architecture.lexical, ids[a, :width], ids[b, :width], self.weights["idf"], self.weights["numeric"]
            )
            scores[rows] = self.score(vectors[a], vectors[b], lexical)

        blocks = [(order[start : start + _PAIRS],) for start in range(0, len(order), _PAIRS)]
        if workers == 1 or len(first) <= _ROWS:
            vectors = self.encode(ids, lengths)
            _each(None, compare, blocks)
        else:
            from threadpoolctl import threadpool_limits

            with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
                vectors = self.encode(ids, lengths, pool)
                _each(pool, compare, blocks)
        return scores


def _each(pool: ThreadPoolExecutor | None, function: Any, arguments: Sequence[tuple[Any, ...]]) -> None:
    if pool is None:
        for values in arguments:
            function(*values)
    else:
        for future in [pool.submit(function, *values) for values in arguments]:
            future.result()


class Model:
    """A trained model, ready to answer. Safe to share between threads.

    Args:
        bundle: what the model folder holds.
    """

    def __init__(self, bundle: Bundle):
        self.bundle = bundle
        try:
            config = bundle.config
            preprocessing = dict(config["preprocessing"])
            vocabulary = Vocabulary.from_text(bundle.vocabulary, preprocessing.pop("oov_buckets"))
            max_length = preprocessing.pop("max_length")
            self.preprocessor = Preprocessor(Tokenizer(**preprocessing), vocabulary, max_length)
            self.architecture = Architecture.from_dict(config["architecture"])
            self.calibration = Calibration.from_dict(config["calibration"])
            self.threshold = float(config["threshold"]["value"])
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, TextsiamError):
                raise
            raise TextsiamError(f"The model's config.json lacks or misnames something: {error}. Train it anew.") from error
        self.network = Network(self.architecture, bundle.weights)
        known, embedded = len(vocabulary), len(bundle.weights["embedding.embeddings"])
        if known != embedded:
            raise TextsiamError(f"The model's vocabulary has {known} ids, its embedding {embedded} rows. Train it anew.")

    @classmethod
    def load(cls, path: str | Path) -> "Model":
        """Read a model folder; see ``bundle.read_bundle`` for the errors."""
        return cls(read_bundle(path))

    def probabilities(self, question1: Sequence[str], question2: Sequence[str]) -> np.ndarray:
        """Return the calibrated probability of a duplicate of each pair.

        Each distinct question is encoded once. A pair is put into one order first, so that the result does not depend,
        to the last bit, on which question comes first (the asymmetric baseline preset excepted).

        Args:
            question1: n questions.
            question2: the n questions to compare them with.

        Returns:
            float64 (n,) in [0, 1], higher = more alike; 1 where both are the same words.
        """
        scores, same = self._compare(question1, question2)
        probabilities = self.calibration(scores)
        probabilities[same] = 1.0
        return probabilities

    def scores(self, question1: Sequence[str], question2: Sequence[str]) -> np.ndarray:
        """Return the uncalibrated score of each pair, float64 (n,), higher = more alike; see ``Network.score``."""
        return self._compare(question1, question2)[0]

    def _compare(self, question1: Sequence[str], question2: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        if not len(question1):
            return np.empty(0), np.empty(0, dtype=bool)
        numbers: dict[str, int] = {}
        pairs = zip(question1, question2, strict=True)
        if self.architecture.symmetric:
            pairs = ((a, b) if a <= b else (b, a) for a, b in pairs)  # type: ignore[assignment]
        indices = [(numbers.setdefault(a, len(numbers)), numbers.setdefault(b, len(numbers))) for a, b in pairs]
        texts, rows = list(numbers), self.preprocessor.encode(numbers)
        same = [
            a == b or (rows[a] == rows[b] and _every_word(texts[a]) == _every_word(texts[b])) for a, b in indices
        ]
        lengths = np.fromiter(map(len, rows), dtype=np.intp, count=len(rows))
        first, second = np.array(indices, dtype=np.intp).T
        scores = self.network.score_pairs(pad_sequences(rows), lengths, first, second, self._workers)
        return scores, np.array(same)

    @cached_property
    def _workers(self) -> int:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_model(path: str | Path | None = None) -> Model:
    """Read a trained model.

    Args:
        path: a model folder; None takes the one named by the environment variable ``TEXTSIAM_MODEL``.

    Raises:
        TextsiamError: no folder is named, or it is missing, foreign or damaged.
    """
    return Model.load(path) if path is not None else default_model()


def default_model() -> Model:
    """Return the model used where none is named; it is read once."""
    path = os.environ.get("TEXTSIAM_MODEL")
    if not path:
        raise TextsiamError(
            "No model is named. Train one (textsiam train PAIRS --out DIR), then give its folder as model= or --model, "
            "or in the environment variable TEXTSIAM_MODEL."
        )
    return _loaded(path)


def _loaded(path: str | Path) -> Model:
    """Read a model folder once, and again when it has been replaced."""
    try:
        changed = (Path(path) / "manifest.json").stat().st_mtime_ns
    except OSError:
        changed = 0  # reading it says what is wrong
    return _load_once(os.fspath(path), changed)


@lru_cache(maxsize=4)
def _load_once(path: str, changed: int) -> Model:
    return Model.load(path)


def is_duplicate(
    q1: str | Sequence[str],
    q2: str | Sequence[str],
    *,
    model: Model | str | Path | None = None,
    threshold: float | None = None,
) -> bool | np.ndarray:
    """Decide whether two questions ask the same thing.

    Args:
        q1: a question, or n of them.
        q2: the question to compare it with, or n of them.
        model: a model or its folder; None as in ``load_model``.
        threshold: lowest probability of a duplicate, in [0, 1]; None takes the model's own.

    Returns:
        bool, or a boolean array (n,) for sequences.

    Raises:
        TextsiamError: the questions are not two texts or two sequences of the same length, or there is no model.
    """
    chosen = as_model(model)
    if threshold is None:
        threshold = chosen.threshold
    elif not 0 <= threshold <= 1:
        raise TextsiamError(f"threshold is a probability in [0, 1], not {threshold!r}.")
    answer = similarity(q1, q2, model=chosen) >= threshold
    return answer if isinstance(answer, np.ndarray) else bool(answer)


def similarity(
    q1: str | Sequence[str], q2: str | Sequence[str], *, model: Model | str | Path | None = None
) -> float | np.ndarray:
    """Return the calibrated probability that two questions ask the same thing, in [0, 1], higher = more alike.

    Args and errors are those of ``is_duplicate``; a float, or float64 (n,) for sequences.
    """
    chosen = as_model(model)
    if isinstance(q1, str) and isinstance(q2, str):
        return float(chosen.probabilities([q1], [q2])[0])
    if isinstance(q1, str) or isinstance(q2, str):
        raise TextsiamError("Give two questions, or two sequences of questions; received one of each.")
    q1, q2 = list(q1), list(q2)
    if len(q1) != len(q2):
        raise TextsiamError(f"Two sequences of questions have the same length; received {len(q1)} and {len(q2)}.")
    for question in (*q1, *q2):
        if not isinstance(question, str):
            raise TextsiamError(f"Questions are text; received {question!r} ({type(question).__name__}).")
    return chosen.probabilities(q1, q2)


def as_model(model: Model | str | Path | None) -> Model:
    if isinstance(model, Model):
        return model
    return default_model() if model is None else _loaded(model)
