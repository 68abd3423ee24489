"""DuplicateClassifier: the whole path from labelled pairs to a calibrated model, as a scikit-learn classifier."""

import json
import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted

from textsiam import bundle as bundles
from textsiam._version import __version__
from textsiam.architecture import DEFAULT_MEASURES, Architecture
from textsiam.bundle import Bundle
from textsiam.calibration import Calibration, choose_threshold, fit_calibration
from textsiam.card import model_card
from textsiam.errors import TextsiamError
from textsiam.evaluation import Evaluation, evaluate, evaluate_pairs
from textsiam.pairs import check_labels
from textsiam.preprocessing import Preprocessor, Tokenizer, Vocabulary, pad_sequences
from textsiam.report import plot_history
from textsiam.runtime import Model
from textsiam.similarity import lexical_similarities
from textsiam.vectors import SELF_TRAINED, embedding_matrix

logger = logging.getLogger(__name__)

Pairs = Any  # a frame with question1 and question2, or anything of shape (n, 2) that holds strings
_LEXICAL_ROWS = 4096


class DuplicateClassifier(ClassifierMixin, BaseEstimator):
    """Learns from labelled pairs whether two questions ask the same thing.

    Args:
        encoder: "lstm" (last state) or "bilstm" (maximum over time); "lstm_flat" serves the baseline preset.
        units: size of the LSTM state, of each direction.
        measures: similarity measures that feed the head, see ``textsiam.similarity.MEASURES``.
        hidden: units of each dense layer of the head.
        dropout: share of word-vector dimensions and hidden units dropped in training, in [0, 1).
        vectors: where the word vectors come from: "self" (trained on the training questions), the path of a
            GloVe-format file, a list of these to put side by side, or None for random ones.
        vector_size: dimensions of self-trained or random vectors.
        train_vectors: tune the vectors in training.
        min_count: words that occur less often in the distinct training questions are unknown.
        max_vocabulary: keep at most so many words; None keeps all.
        oov_buckets: ids that the unknown words share, an even number; 0 drops unknown words.
        max_length: tokens looked at in a question.
        stem: reduce words to their stems (English).
        stop_words: drop English stop words.
        keep_negation: but not "not" and its kin.
        keep_digits: keep tokens with a digit.
        loss: "binary_crossentropy", or "contrastive" on the Euclidean distance of the encodings, without a head.
        margin: of the contrastive loss.
        epochs: passes over the training pairs, at most.
        patience: epochs without a lower dev loss after which training stops.
        batch_size: pairs a step.
        learning_rate: Adam's, at the start.
        schedule: "cosine", down to a twentieth over all epochs, or "constant".
        class_weight: None, or "balanced".
        calibration: "auto" (the better of Platt and isotonic), "platt", "isotonic" or "none".
        objective: what the threshold is best for: "accuracy", "f1", or "precision" of at least ``precision``.
        precision: wanted precision, in (0, 1], for that objective.
        random_state: seed of everything random.
        verbose: Keras's: 0 silent, 1 progress bar, 2 a line an epoch.

    Attributes:
        model_: the trained ``textsiam.runtime.Model``.
        classes_: ``[0, 1]``; 1 = duplicate.
    """

    def __init__(
        self,
        encoder: str = "lstm",
        *,
        units: int = 128,
        measures: Sequence[str] = DEFAULT_MEASURES,
        hidden: Sequence[int] = (256,),
        dropout: float = 0.2,
        vectors: str | Path | Sequence[str | Path] | None = SELF_TRAINED,
        vector_size: int = 200,
        train_vectors: bool = True,
        min_count: int = 3,
        max_vocabulary: int | None = 50_000,
        oov_buckets: int = 256,
        max_length: int = 60,
        stem: bool = False,
        stop_words: bool = False,
        keep_negation: bool = True,
        keep_digits: bool = True,
        loss: str = "binary_crossentropy",
        margin: float = 1.0,
        epochs: int = 4,
        patience: int = 2,
        batch_size: int = 512,
        learning_rate: float = 1e-3,
        schedule: str = "cosine",
        class_weight: str | None = None,
        calibration: str = "auto",
        objective: str = "accuracy",
        precision: float | None = None,
        random_state: int = 0,
        verbose: int = 0,
    ):
        self.encoder = encoder
        self.units = units
        self.measures = measures
        self.hidden = hidden
        self.dropout = dropout
        self.vectors = vectors
        self.vector_size = vector_size
        self.train_vectors = train_vectors
        self.min_count = min_count
        self.max_vocabulary = max_vocabulary
        self.oov_buckets = oov_buckets
        self.max_length = max_length
        self.stem = stem
        self.stop_words = stop_words
        self.keep_negation = keep_negation
        self.keep_digits = keep_digits
        self.loss = loss
        self.margin = margin
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.class_weight = class_weight
        self.calibration = calibration
        self.objective = objective
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Pairs,
        y: Sequence[int] | np.ndarray,
        validation: tuple[Pairs, Sequence[int] | np.ndarray] | None = None,
        *,
        checkpoints: str | Path | None = None,
        resume: bool = False,
    ) -> "DuplicateClassifier":
        """Train, calibrate and choose the threshold.

        Args:
            X: n pairs: a frame with ``question1`` and ``question2``, or (n, 2) strings.
            y: (n,), 1 = duplicate, 0 = not; both must occur.
            validation: dev pairs and labels: early stopping, calibration and threshold are decided on them. None takes
                a random tenth of the pairs, stratified.
            checkpoints: folder to keep the state of each epoch in; None uses a temporary one.
            resume: go on after the last epoch in ``checkpoints``.

        Returns:
            Itself.

        Raises:
            TextsiamError: the pairs, labels or parameters are wrong.
        """
        self._check_parameters()
        pairs, labels = check_pairs(X), check_labels(y)
        _check_lengths(pairs, labels)
        if validation is None:
            shares = {"test_size": 0.1, "random_state": self.random_state, "stratify": labels}
            if min(np.bincount(labels)) < 2 or len(labels) < 20:
                raise TextsiamError(f"Training needs 20 pairs and 2 of each label, or dev pairs; there are {len(labels)}.")
            pairs, dev_pairs, labels, dev_labels = train_test_split(pairs, labels, **shares)
        else:
            dev_pairs, dev_labels = check_pairs(validation[0]), check_labels(validation[1], "The dev labels")
            _check_lengths(dev_pairs, dev_labels)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(checkpoints) if checkpoints is not None else Path(temporary) / "checkpoints"
            self._fit(pairs, labels, dev_pairs, dev_labels, folder, resume)
        self.classes_ = np.array([0, 1])
        return self

    def _fit(
        self,
        pairs: np.ndarray,
        labels: np.ndarray,
        dev_pairs: np.ndarray,
        dev_labels: np.ndarray,
        folder: Path,
        resume: bool,
    ) -> None:
        import keras

        from textsiam import siamese, training

        start = time.perf_counter()
        sources = [self.vectors] if isinstance(self.vectors, (str, Path)) else list(self.vectors or [])
        tokenizer = Tokenizer(self.stem, self.stop_words, self.keep_negation, self.keep_digits)
        questions = list(dict.fromkeys(pairs.ravel()))
        logger.info("%d pairs, %d distinct questions: tokens and word vectors", len(pairs), len(questions))
        vocabulary = Vocabulary.build(
            map(tokenizer, questions),
            min_count=self.min_count,
            max_size=self.max_vocabulary,
            oov_buckets=self.oov_buckets,
        )
        preprocessor = Preprocessor(tokenizer, vocabulary, self.max_length)
        rows = preprocessor.encode(questions)
        idf, numeric = vocabulary.inverse_document_frequency(rows), vocabulary.numeric()
        vectors = embedding_matrix(sources, vocabulary, rows, dimensions=self.vector_size, seed=self.random_state)
        logger.info("%d words, vectors of %d dimensions", len(vocabulary.tokens), vectors.shape[1])
        architecture = self._architecture(vectors.shape[1])

        full_length = architecture.encoder == "lstm_flat"
        columns = self.max_length + (not full_length)

        def arrays(pairs: np.ndarray, labels: np.ndarray) -> training.PairArrays:
            ids1, ids2 = (pad_sequences(preprocessor.encode(column), columns) for column in pairs.T)
            blocks = range(0, len(pairs), _LEXICAL_ROWS)
            lexical = [
                lexical_similarities(
                    architecture.lexical, ids1[s : s + _LEXICAL_ROWS], ids2[s : s + _LEXICAL_ROWS], idf, numeric
                )
                for s in blocks
            ]
            return training.PairArrays(ids1, ids2, np.concatenate(lexical), labels.astype(np.float32))

        learning, dev = arrays(pairs, labels), arrays(dev_pairs, dev_labels)
        keras.utils.set_random_seed(self.random_state)
        network = siamese.build_siamese(
            architecture, vectors, train_vectors=self.train_vectors, dropout=self.dropout
        )
        siamese.compile_siamese(network, architecture, keras.optimizers.Adam(self._learning_rates(len(pairs))))
        settings = {name: value for name, value in self.get_params().items() if name != "verbose"}
        progress = training.train(
            network,
            learning,
            dev,
            epochs=self.epochs,
            batch_size=self.batch_size,
            patience=self.patience,
            seed=self.random_state,
            folder=folder,
            identity=training.fingerprint(
                settings, vectors, learning.ids1, learning.ids2, learning.labels, dev.ids1, dev.ids2, dev.labels
            ),
            full_length=full_length,
            class_weight=training.balanced_class_weight(labels) if self.class_weight == "balanced" else None,
            resume=resume,
            verbose=self.verbose,
        )
        summary = {
            "textsiam": __version__,
            "pairs": len(pairs),
            "dev_pairs": len(dev_pairs),
            "epochs": progress.epochs,
            "best_epoch": progress.best_epoch,
            "interrupted": progress.interrupted,
            "minutes": round((time.perf_counter() - start) / 60, 2),
            "parameters": {name: _plain(value) for name, value in self.get_params().items()},
        }
        weights = {**siamese.get_weights(network), "idf": idf, "numeric": numeric}
        self.model_ = self._calibrated(architecture, preprocessor, weights, dev_pairs, dev_labels, summary, progress.history, folder)
        self.history_ = progress.history

    def _calibrated(
        self,
        architecture: Architecture,
        preprocessor: Preprocessor,
        weights: dict[str, np.ndarray],
        dev_pairs: np.ndarray,
        dev_labels: np.ndarray,
        summary: dict[str, Any],
        history: dict[str, list[float]],
        folder: Path,
    ) -> Model:
        tokenizer, vocabulary = preprocessor.tokenizer, preprocessor.vocabulary
        config = {
            "architecture": architecture.to_dict(),
            "preprocessing": {
                **tokenizer.__getstate__(),
                "oov_buckets": vocabulary.oov_buckets,
                "max_length": preprocessor.max_length,
            },
            "calibration": Calibration("identity").to_dict(),
            "threshold": {"value": 0.5, "objective": self.objective},
            "training": summary,
        }
        extras = {"history.json": json.dumps(history, indent=2).encode()}
        if history:
            plot_history(folder / "curves.png", history)
            extras["curves.png"] = (folder / "curves.png").read_bytes()
        bundle = Bundle(config, weights, {}, "", vocabulary.to_text(), extras)
        question1, question2 = dev_pairs.T.tolist()
        if self.calibration != "none":
            scores = Model(bundle).scores(question1, question2)
            fitted = fit_calibration(scores, dev_labels, self.calibration, seed=self.random_state)
            config["calibration"] = fitted.to_dict()
        probabilities = Model(bundle).probabilities(question1, question2)
        threshold = choose_threshold(probabilities, dev_labels, self.objective, self.precision)
        config["threshold"] = asdict(threshold)
        figures = evaluate(dev_labels, probabilities, threshold.value)
        metrics = {"dev": {"seed": self.random_state, **figures.to_dict()}}
        return Model(replace(bundle, metrics=metrics, card=model_card(config, metrics)))

    def _architecture(self, embedding: int) -> Architecture:
        return Architecture(
            encoder=self.encoder,
            units=self.units,
            embedding=embedding,
            measures=tuple(self.measures),
            hidden=tuple(self.hidden),
            loss=self.loss,
            margin=self.margin,
            flat_length=self.max_length,
        )

    def _check_parameters(self) -> None:
        self._architecture(1)
        for name in ("epochs", "patience", "batch_size", "vector_size", "min_count", "max_length"):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise TextsiamError(f"{name} must be a whole number of at least 1, not {value!r}.")
        if not 0 <= self.dropout < 1:
            raise TextsiamError(f"dropout must be in [0, 1), not {self.dropout!r}.")
        if not self.learning_rate > 0:
            raise TextsiamError(f"learning_rate must be above 0, not {self.learning_rate!r}.")
        choices = {
            "schedule": ("cosine", "constant"),
            "class_weight": (None, "balanced"),
            "calibration": ("auto", "platt", "isotonic", "none"),
            "objective": ("accuracy", "f1", "precision"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                listed = ", ".join(str(choice) for choice in allowed)
                raise TextsiamError(f"{name} must be one of {listed}, not {getattr(self, name)!r}.")

    def _learning_rates(self, pairs: int) -> Any:
        if self.schedule == "constant":
            return self.learning_rate
        from keras.optimizers.schedules import CosineDecay

        steps = self.epochs * -(-pairs // self.batch_size)
        return CosineDecay(self.learning_rate, steps, alpha=0.05)

    def predict_proba(self, X: Pairs) -> np.ndarray:
        """Return the calibrated probabilities of "different" and "duplicate", float64 (n, 2), rows summing to 1."""
        check_is_fitted(self, "model_")
        duplicate = self.model_.probabilities(*check_pairs(X).T.tolist())
        return np.column_stack([1 - duplicate, duplicate])

    def predict(self, X: Pairs) -> np.ndarray:
        """Return 1 for the pairs whose probability reaches the model's threshold, 0 for the others: (n,)."""
        return (self.predict_proba(X)[:, 1] >= self.model_.threshold).astype(int)

    def predict_frame(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with two columns more: ``duplicate_probability`` in [0, 1] and ``duplicate`` (0 or 1)."""
        probability = self.predict_proba(X)[:, 1]
        decision = (probability >= self.model_.threshold).astype(int)
        return X.assign(duplicate_probability=probability, duplicate=decision)

    def evaluate(self, X: Pairs, y: Sequence[int] | np.ndarray, training: Pairs | None = None) -> Evaluation:
        """Return figures, slices and mistakes on labelled pairs; see ``evaluate_model``."""
        check_is_fitted(self, "model_")
        return evaluate_model(self.model_, X, y, training)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the model folder.

        Raises:
            TextsiamError: the folder exists and ``overwrite`` is off, or it cannot be written.
        """
        check_is_fitted(self, "model_")
        bundles.write_bundle(path, self.model_.bundle, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | Path) -> "DuplicateClassifier":
        """Read a model folder that ``save`` or ``textsiam train`` wrote.

        Raises:
            TextsiamError: there is no such folder, or it is foreign or damaged.
        """
        return cls._from_model(Model.load(path))

    @classmethod
    def _from_model(cls, model: Model) -> "DuplicateClassifier":
        known = cls._get_param_names()
        parameters = model.bundle.config.get("training", {}).get("parameters", {})
        classifier = cls(**{name: value for name, value in parameters.items() if name in known})
        classifier.model_ = model
        classifier.classes_ = np.array([0, 1])
        return classifier

    def keras_model(self) -> Any:
        """Return the trainable Keras network with the trained weights, rebuilt from what the folder holds."""
        check_is_fitted(self, "model_")
        from textsiam import siamese

        model = self.model_
        network = siamese.build_siamese(
            model.architecture,
            model.bundle.weights["embedding.embeddings"],
            train_vectors=self.train_vectors,
            dropout=self.dropout,
        )
        siamese.set_weights(network, model.bundle.weights)
        return network

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = state["model_"].bundle.to_files()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(state.get("model_"), dict):
            state = {**state, "model_": Model(Bundle.from_files(state["model_"], "pickle"))}
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.string = True
        tags.non_deterministic = False
        return tags


def evaluate_model(
    model: Model, X: Pairs, y: Sequence[int] | np.ndarray, training: Pairs | None = None
) -> Evaluation:
    """Measure a model on labelled pairs.

    Args:
        model: the trained model.
        X: n pairs, see ``DuplicateClassifier``.
        y: (n,), 1 = duplicate, 0 = not.
        training: the pairs the model learned from, for the slices by questions seen and unseen.

    Returns:
        Figures, slices and the most confident mistakes.
    """
    question1, question2 = check_pairs(X).T.tolist()
    tokens = Tokenizer()
    seen = None
    if training is not None:
        known = set(check_pairs(training).ravel())
        seen = np.array([(a in known) + (b in known) for a, b in zip(question1, question2, strict=True)])
    return evaluate_pairs(
        question1,
        question2,
        [tokens(text) for text in question1],
        [tokens(text) for text in question2],
        labels=y,
        probabilities=model.probabilities(question1, question2),
        threshold=model.threshold,
        seen=seen,
    )


def check_pairs(X: Pairs) -> np.ndarray:
    """Return pairs as an object array of strings, (n, 2).

    Raises:
        TextsiamError: X is no frame with ``question1`` and ``question2``, nor of shape (n, 2), or holds something
            other than strings, or nothing.
    """
    if isinstance(X, pd.DataFrame) and {"question1", "question2"} <= set(X.columns):
        X = X[["question1", "question2"]]
    elif isinstance(X, pd.DataFrame) and X.shape[1] != 2:
        raise TextsiamError(f"A frame of pairs has columns question1 and question2; this one has: {', '.join(map(str, X))}.")
    pairs = np.asarray(X, dtype=object)
    if not len(pairs):
        raise TextsiamError("There are no pairs; give at least one.")
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise TextsiamError(f"Pairs have shape (n, 2), two questions a row; received shape {pairs.shape}.")
    for position, value in enumerate(pairs.flat):
        if not isinstance(value, str):
            raise TextsiamError(f"Questions are text; row {position // 2} has {value!r} ({type(value).__name__}).")
    return pairs


def _check_lengths(pairs: np.ndarray, labels: np.ndarray) -> None:
    if len(pairs) != len(labels):
        raise TextsiamError(f"Every pair has one label; received {len(pairs)} pairs and {len(labels)} labels.")


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value
