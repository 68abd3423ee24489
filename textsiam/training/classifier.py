"""DuplicateClassifier: the whole path from labelled pairs to a calibrated model, as a scikit-learn classifier."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted

from textsiam.errors import TextsiamError
from textsiam.evaluation.figures import Evaluation, evaluate_pairs
from textsiam.inference.architecture import DEFAULT_MEASURES
from textsiam.inference.folder import Bundle, write_bundle
from textsiam.inference.model import Model
from textsiam.scoring.frame import score_frame
from textsiam.text.tokenise import Tokenizer
from textsiam.training.data import check_labels, check_pairs, check_targets
from textsiam.training.fit import LabelledPairs, fit_model
from textsiam.training.parameters import check_settings
from textsiam.training.vectors import SELF_TRAINED

Pairs = Any  # a frame with question1 and question2, or anything of shape (n, 2) that holds strings
Labels = Any  # (n,) of 0 and 1: a list, an array, a series


class DuplicateClassifier(ClassifierMixin, BaseEstimator):
    """Learns from labelled pairs whether two questions ask the same thing.

    Args:
        encoder: "lstm" (last state) or "bilstm" (maximum over time); "lstm_flat" serves the baseline preset.
        units: size of the LSTM state, of each direction.
        measures: similarity measures that feed the head, see ``textsiam.siamese.measures.MEASURES``.
        hidden: units of each dense layer of the head.
        dropout: share of word-vector dimensions and hidden units dropped in training, in [0, 1).
        vectors: where the word vectors come from: "self" (trained on the training questions), the path of a
            GloVe-format file, a list of these to put side by side, or None for random ones.
        vector_size: dimensions of self-trained or random vectors.
        train_vectors: tune the vectors in training.
        min_count: words that occur less often in the distinct training questions are unknown.
        max_vocabulary: keep at most so many words; None keeps all.
        oov_buckets: ids that the unknown words share, an even number; 0 drops unknown words.
        correct_spelling: give an unknown word of five letters or more, a–z, the vector of the most frequent known one
            that is one slip of typing away: two letters exchanged, one too many, one missing.
        max_length: tokens looked at in a question.
        stem: reduce words to their stems (English).
        stop_words: drop English stop words.
        keep_negation: but not "not" and its kin.
        keep_digits: keep tokens with a digit.
        contrasts: pairs to make by rule and learn from besides, as a share of the training pairs, in [0, 10): near
            copies of a question that ask something else (English; see ``textsiam.training.contrasts``).
        loss: "binary_crossentropy", or "contrastive" on the Euclidean distance of the encodings, without a head.
        margin: of the contrastive loss.
        epochs: passes over the training pairs, at most.
        patience: epochs without a lower log loss on dev, after Platt's calibration, after which training stops; the
            epoch of the lowest is kept.
        batch_size: pairs a step.
        learning_rate: Adam's, at the start.
        schedule: "cosine", down to a twentieth over all epochs, or "constant".
        class_weight: None, or "balanced".
        calibration: "auto" (the better of Platt and isotonic), "platt", "isotonic" or "none".
        objective: what the threshold is best for: "accuracy", "f1", or "precision" of at least ``precision``.
        precision: wanted precision, in (0, 1], for that objective.
        random_state: seed of everything random.
        warm_start: train the model at hand further, of an earlier ``fit`` or of ``load``: its words and its network
            stay, and so must the parameters that made them.
        verbose: Keras's: 0 silent, 1 progress bar, 2 a line an epoch.

    Attributes:
        model_: the trained ``textsiam.inference.model.Model``.
        history_: one list a figure of training, one value an epoch; only after ``fit``.
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
        correct_spelling: bool = True,
        max_length: int = 60,
        stem: bool = False,
        stop_words: bool = False,
        keep_negation: bool = True,
        keep_digits: bool = True,
        contrasts: float = 0.0,
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
        warm_start: bool = False,
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
        self.correct_spelling = correct_spelling
        self.max_length = max_length
        self.stem = stem
        self.stop_words = stop_words
        self.keep_negation = keep_negation
        self.keep_digits = keep_digits
        self.contrasts = contrasts
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
        self.warm_start = warm_start
        self.verbose = verbose

    def fit(
        self,
        X: Pairs,
        y: Labels,
        validation: tuple[Pairs, Labels] | None = None,
        *,
        checkpoints: str | Path | None = None,
        resume: bool = False,
    ) -> "DuplicateClassifier":
        """Train, calibrate and choose the threshold.

        Args:
            X: n pairs: a frame with ``question1`` and ``question2``, or (n, 2) strings.
            y: (n,), 1 = duplicate, 0 = not; both must occur. Or probabilities of a duplicate in [0, 1], which another
                model, a teacher, gave (Hinton, Vinyals and Dean 2015): the loss is the cross-entropy with them.
            validation: dev pairs and labels: early stopping, calibration and threshold are decided on them. None takes
                a random tenth of the pairs, stratified; probabilities need some.
            checkpoints: folder to keep the state of each epoch in; None uses a temporary one.
            resume: go on after the last epoch in ``checkpoints``.

        Returns:
            Itself.

        Raises:
            TextsiamError: the pairs, labels or parameters are wrong.
        """
        settings = SimpleNamespace(**self.get_params())
        check_settings(settings)
        training = LabelledPairs(check_pairs(X), check_targets(y))
        if training.taught and (validation is None or self.class_weight is not None or self.loss == "contrastive"):
            raise TextsiamError(
                "To learn from probabilities give dev pairs with labels 0 and 1, and leave class_weight and the "
                "contrastive loss out."
            )
        if validation is None:
            training, dev = _hold_out(training, seed=self.random_state)
            check_labels(dev.labels, "The labels of the tenth held out as dev")
        else:
            dev = LabelledPairs(check_pairs(validation[0]), check_labels(validation[1], "The dev labels"))
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary if checkpoints is None else checkpoints)
            before = getattr(self, "model_", None) if self.warm_start else None
            self.model_ = fit_model(settings, training, dev, folder=folder, resume=resume, before=before)
        self.history_ = json.loads(self.model_.bundle.extras["history.json"])
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X: Pairs) -> np.ndarray:
        """Return the calibrated probabilities of "different" and "duplicate", float64 (n, 2), rows summing to 1."""
        check_is_fitted(self, "model_")
        duplicate = self.model_.probabilities(*check_pairs(X).T.tolist())
        return np.column_stack([1 - duplicate, duplicate])

    def predict(self, X: Pairs) -> np.ndarray:
        """Return 1 for the pairs whose probability reaches the model's threshold, 0 for the others: (n,)."""
        return (self.predict_proba(X)[:, 1] >= self.model_.threshold).astype(int)

    def predict_frame(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return a frame with two columns more, ``duplicate_probability`` and ``duplicate``: see ``score_frame``."""
        check_is_fitted(self, "model_")
        return score_frame(X, model=self.model_)

    def evaluate(self, X: Pairs, y: Labels, training: Pairs | None = None) -> Evaluation:
        """Return figures, slices and mistakes on labelled pairs; see ``evaluate_model``."""
        check_is_fitted(self, "model_")
        return evaluate_model(self.model_, X, y, training)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the model folder.

        Raises:
            TextsiamError: the folder exists and ``overwrite`` is off, or it cannot be written.
        """
        check_is_fitted(self, "model_")
        write_bundle(path, self.model_.bundle, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | Path) -> "DuplicateClassifier":
        """Read a model folder that ``save`` or ``textsiam train`` wrote, with its parameters; ``warm_start`` is off.

        Raises:
            TextsiamError: there is no such folder, or it is foreign or damaged.
        """
        model = Model.load(path)
        known = cls._get_param_names()
        parameters = model.bundle.config.get("training", {}).get("parameters", {})
        classifier = cls(**{name: value for name, value in parameters.items() if name in known})
        classifier.warm_start = False  # how that model began says nothing of the next
        classifier.model_ = model
        classifier.classes_ = np.array([0, 1])
        return classifier

    def keras_model(self) -> Any:
        """Return the trainable Keras network with the trained weights, rebuilt from what the folder holds."""
        from textsiam.training import network as siamese

        check_is_fitted(self, "model_")
        model = self.model_
        network = siamese.build_siamese(
            model.architecture,
            model.network.weights["embedding.embeddings"],
            train_vectors=self.train_vectors,
            dropout=self.dropout,
        )
        siamese.set_weights(network, model.network.weights)
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
        return tags


def evaluate_model(
    model: Model, X: Pairs, y: Labels, training: Pairs | None = None, *, probabilities: np.ndarray | None = None
) -> Evaluation:
    """Measure a model on labelled pairs.

    Args:
        model: the trained model.
        X: n pairs, see ``DuplicateClassifier``.
        y: (n,), 1 = duplicate, 0 = not.
        training: the pairs the model learned from, for the slices by questions seen and unseen.
        probabilities: (n,), what the model says of the pairs; None: it is asked.

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
        probabilities=model.probabilities(question1, question2) if probabilities is None else probabilities,
        threshold=model.threshold,
        seen=seen,
    )


def _hold_out(pairs: LabelledPairs, *, seed: int) -> tuple[LabelledPairs, LabelledPairs]:
    """Return nine tenths of the pairs, and a random tenth with the same share of duplicates."""
    rarer = min(np.bincount(pairs.labels))
    if rarer < 10:
        raise TextsiamError(f"Holding out a tenth as dev needs 10 pairs of each label, not {rarer}. Give dev pairs.")
    rows = np.arange(len(pairs))
    most, tenth = train_test_split(rows, test_size=0.1, random_state=seed, stratify=pairs.labels)
    return tuple(LabelledPairs(pairs.questions[part], pairs.labels[part]) for part in (most, tenth))  # type: ignore[return-value]
