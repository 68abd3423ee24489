"""The trained model in NumPy: questions in, calibrated probabilities out. Imports neither Keras nor pandas."""

import hashlib
import os
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.inference.architecture import Architecture
from textsiam.inference.compression import expand_weights
from textsiam.inference.folder import MANIFEST, Bundle, read_bundle
from textsiam.inference.network import Encodings, Network
from textsiam.inference.threads import one_blas_thread, worker_threads
from textsiam.siamese.calibration import Calibration
from textsiam.text.normalise import normalise
from textsiam.text.preprocessor import Preprocessor
from textsiam.text.tokenise import Tokenizer
from textsiam.text.vocabulary import Vocabulary

BUNDLED = Path(__file__).parent / "default"  # made by scripts/compress_model.py
_ENTRY = 400  # bytes that Python takes to remember a question, beside its text and encoding
_TOKENIZER = Tokenizer()
_LATE_PAIRS = 1 << 14  # pairs answered together where the states of every token are kept for it


class QuestionCache:
    """Encodings of the questions asked last, bounded in bytes; the least recently used go first.

    Args:
        capacity: bytes that may be taken, approximately.
    """

    def __init__(self, capacity: int):
        self.capacity = capacity
        self.size = 0
        self._entries: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, text: str) -> np.ndarray | None:
        """Return the encoding of a question, if it is remembered."""
        with self._lock:
            if text in self._entries:
                self._entries.move_to_end(text)
            return self._entries.get(text)

    def put(self, text: str, encoding: np.ndarray) -> None:
        """Remember a question, and forget others until it fits."""
        with self._lock:
            if text not in self._entries:
                self._entries[text] = encoding
                self.size += self._bytes(text, encoding)
            while self.size > self.capacity:
                self.size -= self._bytes(*self._entries.popitem(last=False))

    @staticmethod
    def _bytes(text: str, encoding: np.ndarray) -> int:
        return _ENTRY + 4 * len(text) + encoding.nbytes


class Model:
    """A trained model, ready to answer. Safe to share between threads.

    Args:
        bundle: what the model folder holds.
        cache_bytes: remember the encodings of recent questions in so many bytes; 0 remembers none.

    Attributes:
        threads: how many compute; None: one a core.
    """

    def __init__(self, bundle: Bundle, *, cache_bytes: int = 0):
        self.bundle = bundle
        self.threads: int | None = None
        self.cache = QuestionCache(cache_bytes) if cache_bytes else None
        try:
            config = bundle.config
            if config.get("kind") == "images":
                raise TextsiamError("This is an image model. Read it with ImageSiamese.load.")
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
                raise TextsiamError(f"The model's threshold is {self.threshold}, not a probability. Train it anew.")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, TextsiamError):
                raise
            raise TextsiamError(
                f"The model's config.json lacks or misnames something: {error}. Train it anew."
            ) from error
        self.network = Network(self.architecture, expand_weights(bundle.weights))
        known, embedded = len(vocabulary), len(self.network.weights["embedding.embeddings"])
        if known != embedded:
            raise TextsiamError(
                f"The model's vocabulary has {known} ids, its embedding {embedded} rows. Train it anew."
            )

    @classmethod
    def load(cls, path: str | Path, *, cache_bytes: int = 0) -> "Model":
        """Read a model folder; see ``bundle.read_bundle`` for the errors."""
        return cls(read_bundle(path), cache_bytes=cache_bytes)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over everything that the model is, hexadecimal."""
        return hashlib.sha256(self.bundle.to_files()[MANIFEST]).hexdigest()

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
            raise TextsiamError(f"precision is a share in (0, 1], not {precision!r}.")
        points = self._known("precisions")
        for reached, threshold in points:
            if reached >= precision:
                return float(threshold)
        raise TextsiamError(
            f"No threshold reaches precision {precision:g} on the dev pairs; the best is {points[-1][0]:g}."
        )

    def _known(self, name: str) -> Any:
        value = self.bundle.config.get(name)
        if not value:
            raise TextsiamError(f"The model's config.json has no {name}: it is older than that. Train it anew.")
        return value

    def probabilities(self, question1: Sequence[str], question2: Sequence[str]) -> np.ndarray:
        """Return the calibrated probability of a duplicate of each pair.

        Each distinct question is encoded once. A pair is put into one order first, so that the result does not depend,
        to the last bit, on which question comes first (the asymmetric baseline preset excepted).

        Args:
            question1: n questions.
            question2: the n questions to compare them with.

        Returns:
            float64 (n,) in [0, 1], higher = more alike; 1 where both have the same tokens.
        """
        scores, same = self._compare(question1, question2)
        probabilities = self.calibration(scores)
        probabilities[same] = 1.0
        return probabilities

    def scores(self, question1: Sequence[str], question2: Sequence[str]) -> np.ndarray:
        """Return the uncalibrated score of each pair, float64 (n,), higher = more alike; see ``Network.score``."""
        return self._compare(question1, question2)[0]

    def _compare(self, question1: Sequence[str], question2: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        if len(question1) != len(question2):
            raise TextsiamError(
                f"Sequences of questions must be of one length; received {len(question1)} and {len(question2)}."
            )
        if not len(question1):
            return np.empty(0), np.empty(0, dtype=bool)
        if self.architecture.late and len(question1) > _LATE_PAIRS:
            parts = [slice(start, start + _LATE_PAIRS) for start in range(0, len(question1), _LATE_PAIRS)]
            scores, same = zip(*(self._compare(question1[part], question2[part]) for part in parts), strict=True)
            return np.concatenate(scores), np.concatenate(same)
        if self.architecture.symmetric:
            question1, question2 = list(map(min, question1, question2)), list(map(max, question1, question2))
        numbers = defaultdict[str, int](count().__next__)  # each distinct question gets the next number
        first, second = (
            np.fromiter(map(numbers.__getitem__, texts), np.intp, len(texts)) for texts in (question1, question2)
        )
        texts = list(numbers)
        with one_blas_thread, worker_threads(len(texts), self.threads) as pool:
            ids, lengths = self.preprocessor.encode_padded(texts, pool.map if pool else map)
            encodings = self._encode(texts, ids, lengths, pool)
            scores = self.network.compare(encodings, ids, lengths, first, second, pool)
        same = first == second
        like = np.flatnonzero(~same & (lengths[first] == lengths[second]) & (ids[first, 0] == ids[second, 0]))
        for pair in like[(ids[first[like]] == ids[second[like]]).all(axis=1)] if like.size else ():
            same[pair] = _content(texts[first[pair]]) == _content(texts[second[pair]])
        return scores, same

    def _encode(
        self, texts: list[str], ids: np.ndarray, lengths: np.ndarray, pool: ThreadPoolExecutor | None
    ) -> Encodings:
        """Return the encodings of distinct questions, those that are remembered not computed again."""
        if self.cache is None:
            return self.network.encode(ids, lengths, pool)
        known = {number: flat for number, text in enumerate(texts) if (flat := self.cache.get(text)) is not None}
        encodings = Encodings.empty(lengths, self.network.width, late=self.architecture.late)
        for number, flat in known.items():
            encodings.put_flat(number, lengths[number], flat)
        fresh = [number for number in range(len(texts)) if number not in known]
        if fresh:
            computed = self.network.encode(ids[fresh], lengths[fresh], pool)
            encodings.put(fresh, lengths[fresh], computed)
            for place, number in enumerate(fresh):
                self.cache.put(texts[number], computed.flat(place, lengths[number]))
        return encodings


def load_model(path: str | Path | None = None, *, cache_bytes: int = 0) -> Model:
    """Read a trained model.

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
        TextsiamError: the questions are not two texts or two sequences of the same length, or the model is no model.
    """
    chosen = as_model(model)
    if threshold is None:
        threshold = chosen.threshold
    else:
        check_threshold(threshold)
    answer = similarity(q1, q2, model=chosen) >= threshold
    return answer if isinstance(answer, np.ndarray) else bool(answer)


def similarity(
    q1: str | Sequence[str], q2: str | Sequence[str], *, model: Model | str | Path | None = None
) -> float | np.ndarray:
    """Return the calibrated probability that two questions ask the same thing, in [0, 1], higher = more alike.

    Args and errors are those of ``is_duplicate``; a float, or float64 (n,) for sequences. Two questions of the same
    tokens have probability 1 (case, marks and contractions make no difference), two empty ones too.
    """
    chosen = as_model(model)
    if isinstance(q1, str) and isinstance(q2, str):
        return float(chosen.probabilities([q1], [q2])[0])
    return chosen.probabilities(_texts(q1), _texts(q2))


def _content(text: str) -> list[str] | str:
    """Return what questions that ask the same in the same words share: their tokens, whichever a model knows."""
    normalised = normalise(text)
    return _TOKENIZER.tokens(normalised) or normalised


def _texts(questions: Any) -> list[str]:
    """Return a sequence of questions as a list; refuse what is none, or has no order."""
    table = getattr(questions, "ndim", 1) != 1
    if isinstance(questions, (str, bytes, Mapping, Set)) or not isinstance(questions, Iterable) or table:
        raise TextsiamError(
            f"Give two questions, or two sequences of questions; received {type(questions).__name__} among them."
        )
    texts = list(questions)
    for text in texts:
        if not isinstance(text, str):
            raise TextsiamError(f"Questions are text; received {text!r:.60} ({type(text).__name__}).")
    return texts


def check_threshold(threshold: Any) -> float:
    """Return a threshold that is a number in [0, 1].

    Raises:
        TextsiamError: it is not.
    """
    if not isinstance(threshold, (int, float, np.number)) or not 0 <= threshold <= 1:
        raise TextsiamError(f"threshold is a probability in [0, 1], not {threshold!r}.")
    return float(threshold)


def as_model(model: Model | str | Path | None) -> Model:
    """Return the model itself, the one in the folder, or the default one; a folder is read once."""
    if isinstance(model, Model):
        return model
    if model is not None and not isinstance(model, (str, Path)):
        raise TextsiamError(f"A model is a folder or a loaded model, not {type(model).__name__}.")
    return _loaded(default_folder() if model is None else model)
