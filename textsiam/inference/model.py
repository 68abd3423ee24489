"""The trained model in NumPy: questions in, calibrated probabilities out. Imports neither Keras nor pandas."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from textsiam.errors import TextsiamError
from textsiam.inference.architecture import Architecture
from textsiam.inference.cache import QuestionCache
from textsiam.inference.compression import expand_weights
from textsiam.inference.encoder import Encodings
from textsiam.inference.folder import LAYOUT, Bundle, read_bundle
from textsiam.inference.network import Network
from textsiam.inference.threads import Map, one_blas_thread, worker_threads
from textsiam.siamese.calibration import Calibration
from textsiam.text.preprocessor import Preprocessor
from textsiam.text.same import same_text
from textsiam.text.tokenise import Tokenizer
from textsiam.text.vocabulary import Vocabulary

BUNDLED = Path(__file__).parent / "default"  # made by scripts/compress_model.py


@dataclass(frozen=True, eq=False)
class EncodedQuestions:
    """Questions as ``Model.encode`` returns them.

    Attributes:
        texts: the distinct ones among them.
        rows: (n,), the number of each question among the distinct ones.
        ids: int32 (distinct, steps), right-padded token ids.
        lengths: (distinct,), tokens of each, at least 1.
        encodings: of the distinct ones.
    """

    texts: list[str]
    rows: np.ndarray
    ids: np.ndarray
    lengths: np.ndarray
    encodings: Encodings

    @classmethod
    def empty(cls, width: int) -> "EncodedQuestions":
        """Return no questions, with vectors of so many dimensions."""
        lengths = np.empty(0, np.intp)
        return cls([], lengths, np.empty((0, 1), np.int32), lengths, Encodings.empty(lengths, width, late=False))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def vectors(self) -> np.ndarray:
        """The encoder's vector of each question, float32 (n, d)."""
        return self.encodings.vectors[self.rows]


class Model:
    """A trained model, ready to answer. Threads may share it; it can be pickled and copied.

    >>> from textsiam import load_model
    >>> model = load_model()
    >>> questions = model.encode(["How do I learn chess?", "how do I learn chess", "Where is Oslo?"])
    >>> model.compare(questions, [0, 0], [1, 2]).round(2).tolist()
    [1.0, 0.01]

    Args:
        bundle: what the model folder holds.
        cache_bytes: remember the encodings of recent questions in so many bytes; 0 remembers none.

    Attributes:
        threads: how many compute; None: one a core.
        threshold: lowest probability of a duplicate, in [0, 1].
    """

    def __init__(self, bundle: Bundle, *, cache_bytes: int = 0):
        self.bundle = bundle
        self.threads: int | None = None
        self.late_pairs = 1 << 14  # answered together where the states of every token are kept for it
        self.cache = QuestionCache(cache_bytes) if cache_bytes else None
        try:
            config = bundle.config
            if bundle.kind == "images":
                raise TextsiamError("This is an image model.", "Read it with ImageSiamese.load.")
            preprocessing = dict(config["preprocessing"])
            vocabulary = Vocabulary.from_text(
                bundle.vocabulary,
                preprocessing.pop("oov_buckets"),
                correct_spelling=preprocessing.pop("correct_spelling", False),  # older folders do not name it
            )
            max_length = preprocessing.pop("max_length")
            self.preprocessor = Preprocessor(Tokenizer(**preprocessing), vocabulary, max_length)
            self.architecture = Architecture.from_dict(config["architecture"])
            self.calibration = Calibration.from_dict(config["calibration"])
            self.threshold = float(config["threshold"]["value"])
            if not 0 <= self.threshold <= 1:
                raise TextsiamError(f"The model's threshold is {self.threshold}, not a probability.", "Train it anew.")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, TextsiamError):
                raise
            raise TextsiamError(
                f"The model's {LAYOUT.config} lacks or misnames something: {error}.", "Train it anew."
            ) from error
        self.network = Network(self.architecture, expand_weights(bundle.weights))
        known, embedded = len(vocabulary), len(self.network.weights["embedding.embeddings"])
        if known != embedded:
            raise TextsiamError(
                f"The model's vocabulary has {known} ids, its embedding {embedded} rows.", "Train it anew."
            )

    @classmethod
    def load(cls, path: str | Path, *, cache_bytes: int = 0) -> "Model":
        """Read a model folder; see ``load_model``."""
        return cls(read_bundle(path), cache_bytes=cache_bytes)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over everything that the model is, hexadecimal."""
        return hashlib.sha256(self.bundle.to_files()[LAYOUT.manifest]).hexdigest()

    @property
    def prior(self) -> float:
        """Share of duplicates among the dev pairs that the model was calibrated on, in (0, 1).

        Raises:
            TextsiamError: the model does not tell.
        """
        return float(self._known("prior"))

    def threshold_for(self, precision: float) -> float:
        """Return the threshold that had at least a precision on the dev pairs, with the highest recall.

        Args:
            precision: wanted, in (0, 1].

        Raises:
            TextsiamError: it is none, or no threshold reached it.
        """
        if not isinstance(precision, (int, float, np.number)) or not 0 < precision <= 1:
            raise TextsiamError(f"precision is a share, not {precision!r}.", "Give precision=… above 0 and at most 1.")
        points = self._known("precisions")
        for reached, threshold in points:
            if reached >= precision:
                return float(threshold)
        raise TextsiamError(
            f"No threshold reaches precision {precision:g} on the dev pairs; the best is {points[-1][0]:g}.",
            "Give a lower precision=…",
        )

    def _known(self, name: str) -> Any:
        value = self.bundle.config.get(name)
        if not value:
            raise TextsiamError(f"The model's {LAYOUT.config} has no {name}: it is older than that.", "Train it anew.")
        return value

    def unknown_share(self, texts: Sequence[str]) -> np.ndarray:
        """Return the share of each question's tokens that the model does not know, float64 (n,) in [0, 1].

        Where it is high for most questions, the model was trained on another language or subject, and its answers are
        worth little: train one on pairs of your own.

        >>> from textsiam import load_model
        >>> load_model().unknown_share(["How do I learn chess?", "체스는 어떻게 배우나요?"]).tolist()
        [0.0, 1.0]

        Args:
            texts: n questions.
        """
        texts = list(texts)
        if not texts:
            return np.empty(0)
        with worker_threads(len(texts), self.threads) as share:
            return self.preprocessor.unknown_share(texts, share)

    def encode(self, texts: Sequence[str]) -> EncodedQuestions:
        """Encode questions, to compare them with one another as often as it takes; each distinct text once.

        Args:
            texts: n questions.

        Returns:
            What ``compare`` takes. Its ``vectors``, float32 (n, d), are the encoder's; the network's measures compare
            them, a cosine alone is not the model's answer.
        """
        texts = list(texts)
        if not texts:
            return EncodedQuestions.empty(self.architecture.width)
        numbers = defaultdict[str, int](count().__next__)  # each distinct text gets the next number
        rows = np.fromiter(map(numbers.__getitem__, texts), np.intp, len(texts))
        distinct = list(numbers)
        with one_blas_thread, worker_threads(len(distinct), self.threads) as share:
            ids, lengths = self.preprocessor.encode_padded(distinct, share)
            return EncodedQuestions(distinct, rows, ids, lengths, self._encoded(distinct, ids, lengths, share))

    def compare(self, questions: EncodedQuestions, first: ArrayLike, second: ArrayLike) -> np.ndarray:
        """Return the calibrated probability that pairs of encoded questions ask the same thing.

        Args:
            questions: what ``encode`` returned.
            first: (n,) numbers, from 0, of the first question of each pair.
            second: (n,) numbers of the second.

        Returns:
            float64 (n,) in [0, 1], higher = more alike; 1 for the same text, see ``similarity``, alone. Equal pairs,
            whichever question comes first, have the same bits.

        Raises:
            TextsiamError: there are not as many first as second questions, or one has no such number.
        """
        a, b = (_numbers(side, len(questions)) for side in (first, second))
        if len(a) != len(b):
            raise TextsiamError(f"Pairs have as many first as second questions; received {len(a)} and {len(b)}.")
        scores, same = self._compared(questions, questions.rows[a], questions.rows[b])
        probabilities = self.calibration(scores)
        probabilities[same] = 1.0
        return probabilities

    def probabilities(self, question1: Sequence[str], question2: Sequence[str]) -> np.ndarray:
        """Return the calibrated probability of a duplicate of each pair; see ``compare``.

        A pair's last bits may depend on the others of the call, on how many they are: by less than 1e-6. They depend
        neither on earlier calls nor on threads.

        Args:
            question1: n questions.
            question2: the n questions to compare them with.

        Returns:
            float64 (n,) in [0, 1], higher = more alike; 1 for the same text, see ``similarity``, alone.

        Raises:
            TextsiamError: there are not as many on both sides.
        """
        scores, same = self._scores(question1, question2)
        probabilities = self.calibration(scores)
        probabilities[same] = 1.0
        return probabilities

    def scores(self, question1: Sequence[str], question2: Sequence[str]) -> np.ndarray:
        """Return the uncalibrated score of each pair, float64 (n,), higher = more alike; see ``Network.score``."""
        return self._scores(question1, question2)[0]

    def _scores(self, question1: Sequence[str], question2: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the score of each pair, and whether its questions are the same text."""
        size = len(question1)
        if size != len(question2):
            raise TextsiamError(f"Sequences of questions must be of one length; received {size} and {len(question2)}.")
        if not size:
            return np.empty(0), np.empty(0, dtype=bool)
        if self.architecture.late and size > self.late_pairs:
            parts = [slice(start, start + self.late_pairs) for start in range(0, size, self.late_pairs)]
            scores, same = zip(*(self._scores(question1[part], question2[part]) for part in parts), strict=True)
            return np.concatenate(scores), np.concatenate(same)
        if self.architecture.symmetric:  # texts in one order, whichever is the first question
            question1, question2 = list(map(min, question1, question2)), list(map(max, question1, question2))
        with one_blas_thread:
            questions = self.encode([*question1, *question2])
            return self._compared(questions, questions.rows[:size], questions.rows[size:])

    def _compared(self, questions: EncodedQuestions, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the score of pairs of distinct texts, and whether they are the same to a reader; each pair once."""
        count = len(questions.texts)
        if not count:
            return np.empty(0), np.empty(0, dtype=bool)
        if self.architecture.symmetric:
            a, b = np.minimum(a, b), np.maximum(a, b)
        place: Any = slice(None)
        if len(a) > 1:
            pairs, place = np.unique(a * count + b, return_inverse=True)
            a, b = np.divmod(pairs, count)
        ids, lengths = questions.ids, questions.lengths
        with one_blas_thread, worker_threads(count, self.threads) as share:
            scores = self.network.compare(questions.encodings, ids, lengths, a, b, share)
        same = a == b
        like = np.flatnonzero(~same & (lengths[a] == lengths[b]) & (ids[a, 0] == ids[b, 0]))
        for pair in like[(ids[a[like]] == ids[b[like]]).all(axis=1)] if like.size else ():
            same[pair] = same_text(questions.texts[a[pair]], questions.texts[b[pair]])
        return scores[place], same[place]

    def _encoded(self, texts: list[str], ids: np.ndarray, lengths: np.ndarray, share: Map) -> Encodings:
        """Return the encodings of distinct questions, those that are remembered not computed again."""
        if self.cache is None:
            return self.network.encode(ids, lengths, share)
        known = {number: flat for number, text in enumerate(texts) if (flat := self.cache.get(text)) is not None}
        encodings = Encodings.empty(lengths, self.architecture.width, late=self.architecture.late)
        for number, flat in known.items():
            encodings.put_flat(number, lengths[number], flat)
        fresh = [number for number in range(len(texts)) if number not in known]
        if fresh:
            computed = self.network.encode(ids[fresh], lengths[fresh], share)
            encodings.put(fresh, lengths[fresh], computed)
            for place, number in enumerate(fresh):
                self.cache.put(texts[number], computed.flat(place, lengths[number]))
        return encodings

    def plain(self, *, threads: int | None = None) -> "Model":
        """Return the same model without a memory of questions, computing in so many threads; weights are shared."""
        other = object.__new__(type(self))
        other.__dict__ |= {**self.__dict__, "cache": None, "threads": threads}
        return other

    def __getstate__(self) -> dict[str, Any]:
        capacity = 0 if self.cache is None else self.cache.capacity
        return {"files": self.bundle.to_files(), "cache_bytes": capacity, "threads": self.threads}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(Bundle.from_files(state["files"], "a pickled model"), cache_bytes=state["cache_bytes"])  # type: ignore[misc]
        self.threads = state["threads"]


Model.__module__ = "textsiam"  # where it is documented: a pickle survives its moves


def _numbers(values: ArrayLike, count: int) -> np.ndarray:
    numbers = np.asarray(values)
    if not numbers.size:
        return np.empty(0, np.intp)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= count:
        raise TextsiamError(f"Questions have numbers from 0 to {count - 1}, (n,) of them; received {values!r:.60}.")
    return numbers.astype(np.intp)


def load_model(path: str | Path | None = None, *, cache_bytes: int = 0) -> Model:
    """Read a trained model.

    >>> model = load_model()
    >>> 0 < model.threshold < 1
    True

    Args:
        path: a model folder; None takes the one named by the environment variable ``TEXTSIAM_MODEL``, or the model that
            comes with textsiam.
        cache_bytes: remember the encodings of recent questions in so many bytes; 0 remembers none.

    Raises:
        TextsiamError: the folder is missing, foreign or damaged.
    """
    return Model.load(default_folder() if path is None else path, cache_bytes=cache_bytes)


def default_folder() -> str | Path:
    """Return the folder of the model to use where none is named; see ``load_model``."""
    return os.environ.get("TEXTSIAM_MODEL") or BUNDLED


def _loaded(path: str | os.PathLike[str]) -> Model:
    """Read a model folder once, and again when it has been replaced."""
    try:
        changed = (Path(path) / LAYOUT.manifest).stat().st_mtime_ns
    except OSError:
        changed = 0  # reading it says what is wrong
    return _load_once(os.fspath(path), changed)


@lru_cache(maxsize=4)
def _load_once(path: str, changed: int) -> Model:
    return Model.load(path)


def as_model(model: object = None) -> Model:
    """Return a model: itself, a fitted ``DuplicateClassifier``'s, that of a folder, which is read once, or the default.

    Raises:
        TextsiamError: it is none of these, or the classifier is not fitted.
    """
    if isinstance(model, Model):
        return model
    if model is None or isinstance(model, (str, os.PathLike)):
        return _loaded(default_folder() if model is None else model)
    fitted = getattr(model, "model_", None)
    if isinstance(fitted, Model):
        return fitted
    raise TextsiamError(
        f"A model is a folder, a loaded model or a fitted DuplicateClassifier, not {type(model).__name__}.",
        "Give model=… as one of them, or leave it out.",
    )
