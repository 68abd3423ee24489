"""DuplicateClassifier: the whole path from labelled pairs to a calibrated model, as a scikit-learn classifier."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from textsiam.errors import TextsiamError
from textsiam.evaluation.model import Evaluation, evaluate_model
from textsiam.inference.folder import write_bundle
from textsiam.inference.model import Model
from textsiam.scoring.frame import score_frame
from textsiam.siamese.holding_out import hold_out
from textsiam.siamese.parameters import signature_of
from textsiam.training.data import LabelledPairs, Labels, Pairs, check_labels, check_pairs, check_targets
from textsiam.training.fit import calibrate, fit_model
from textsiam.training.parameters import TextParameters

_CONSTRUCTOR = signature_of(TextParameters)


class DuplicateClassifier(ClassifierMixin, BaseEstimator):
    """Learns from labelled pairs whether two questions ask the same thing.

    >>> classifier = DuplicateClassifier(units=64, epochs=2)
    >>> classifier.get_params()["units"]
    64

    Args:
        encoder: "lstm" (last state) or "bilstm" (maximum over time).
        **parameters: by name; ``TextParameters`` tells of each what it means, what it may be, and its default.

    Attributes:
        model_: the trained ``textsiam.Model``.
        history_: one list a figure of training, one value an epoch; only after ``fit``.
        classes_: ``[0, 1]``; 1 = duplicate.
    """

    def __init__(self, *arguments: Any, **parameters: Any):
        given = _CONSTRUCTOR.bind(self, *arguments, **parameters)
        given.apply_defaults()
        self.__dict__ |= {name: value for name, value in given.arguments.items() if name != "self"}

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
            resume: resume after the last epoch in ``checkpoints``.

        Returns:
            Itself.

        Raises:
            TextsiamError: the pairs, labels or parameters are wrong.
        """
        parameters = self.parameters()
        training = LabelledPairs(check_pairs(X), check_targets(y))
        if training.taught and (validation is None or self.class_weight is not None or self.loss == "contrastive"):
            raise TextsiamError(
                "To learn from probabilities takes dev pairs with labels 0 and 1, and neither class_weight nor the "
                "contrastive loss.",
                "Give validation=…",
            )
        if validation is None:
            training, dev = _held_out(training, parameters.random_state)
        else:
            dev = LabelledPairs(check_pairs(validation[0]), check_labels(validation[1], "The dev labels"))
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary if checkpoints is None else checkpoints)
            before = getattr(self, "model_", None) if self.warm_start else None
            self.model_ = fit_model(parameters, training, dev, folder=folder, resume=resume, before=before)
        self.history_ = json.loads(self.model_.bundle.extras["history.json"])
        self.classes_ = np.array([0, 1])
        return self

    def parameters(self) -> TextParameters:
        """Return the parameters, checked.

        Raises:
            TextsiamError: one is not what it may be.
        """
        return TextParameters(**self.get_params())

    def calibrate(self, X: Pairs, y: Labels) -> "DuplicateClassifier":
        """Fit calibration and threshold anew, on labelled pairs of another kind or time; the network stays.

        Some hundred pairs do. ``calibration``, ``objective`` and ``precision`` say how.

        Args:
            X: n pairs, see ``fit``, that the model was not trained on.
            y: (n,), 1 = duplicate, 0 = not; both must occur.

        Returns:
            Itself.

        Raises:
            TextsiamError: the pairs, labels or parameters are wrong, or the classifier is not fitted.
        """
        check_is_fitted(self, "model_")
        pairs = LabelledPairs(check_pairs(X), check_labels(y))
        self.model_ = calibrate(self.model_.bundle, self.parameters(), pairs)
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
        """Measure the model on labelled pairs.

        Args:
            X: n pairs, as ``fit`` takes them.
            y: (n,), 1 = duplicate, 0 = not.
            training: the pairs the model learned from, for slices by how many of a pair's questions it has seen.

        Returns:
            Figures, slices and the most confident mistakes.

        Raises:
            TextsiamError: the pairs or labels are wrong.
        """
        check_is_fitted(self, "model_")
        known = None if training is None else set(check_pairs(training).ravel())
        question1, question2 = check_pairs(X).T.tolist()
        return evaluate_model(self.model_, question1, question2, y, known=known)

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
        from textsiam.training import network

        check_is_fitted(self, "model_")
        model = self.model_
        vectors = model.network.weights["embedding.embeddings"]
        built = network.build_siamese(
            model.architecture, vectors, train_vectors=self.train_vectors, dropout=self.dropout
        )
        network.set_weights(built, model.network.weights)
        return built

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.string = True
        return tags


DuplicateClassifier.__init__.__signature__ = _CONSTRUCTOR  # type: ignore[attr-defined]  # scikit-learn reads it
DuplicateClassifier.__module__ = "textsiam"  # where it is documented: a pickle survives its moves


def _held_out(pairs: LabelledPairs, seed: int) -> tuple[LabelledPairs, LabelledPairs]:
    """Return nine tenths of the pairs, and a tenth with the same share of duplicates."""
    rarer = min(np.bincount(pairs.labels, minlength=2))
    if rarer < 10:
        raise TextsiamError(
            f"Holding out a tenth as dev needs 10 pairs of each label, not {rarer}.", "Give dev pairs: validation=…"
        )
    kept, held = (LabelledPairs(pairs.questions[rows], pairs.labels[rows]) for rows in hold_out(pairs.labels, seed))
    return kept, held
