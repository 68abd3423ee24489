"""From labelled pairs to a calibrated model: the recipe that DuplicateClassifier and the command line follow."""

import json
import logging
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from textsiam._version import __version__
from textsiam.architecture import Architecture
from textsiam.bundle import Bundle
from textsiam.calibration import Calibration, choose_threshold, fit_calibration
from textsiam.card import model_card
from textsiam.errors import TextsiamError
from textsiam.evaluation import evaluate
from textsiam.measures import lexical_similarities
from textsiam.preprocessing import Preprocessor, Tokenizer, Vocabulary, pad_sequences
from textsiam.report import plot_history
from textsiam.runtime import Model
from textsiam.vectors import embedding_matrix

logger = logging.getLogger(__name__)

_LEXICAL_ROWS = 4096  # pairs whose lexical measures are computed together


@dataclass(frozen=True)
class LabelledPairs:
    """Pairs with their labels.

    Attributes:
        questions: strings (n, 2).
        labels: (n,), 1 = duplicate, 0 = not.
    """

    questions: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if len(self.questions) != len(self.labels):
            raise TextsiamError(
                f"Every pair has one label; received {len(self.questions)} pairs and {len(self.labels)} labels."
            )

    def __len__(self) -> int:
        return len(self.labels)


def check_settings(settings: SimpleNamespace) -> None:
    """Refuse parameters of ``DuplicateClassifier`` that cannot be meant.

    Raises:
        TextsiamError: one of them is out of its range.
    """
    _architecture(settings, embedding=1)
    for name in ("epochs", "patience", "batch_size", "vector_size", "min_count", "max_length"):
        value = getattr(settings, name)
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise TextsiamError(f"{name} must be a whole number of at least 1, not {value!r}.")
    if not 0 <= settings.dropout < 1:
        raise TextsiamError(f"dropout must be in [0, 1), not {settings.dropout!r}.")
    if not settings.learning_rate > 0:
        raise TextsiamError(f"learning_rate must be above 0, not {settings.learning_rate!r}.")
    if settings.oov_buckets == 0 and settings.encoder != "lstm_flat":
        raise TextsiamError("oov_buckets must be at least 2: a question of unknown words only would have no token.")
    choices = {
        "schedule": ("cosine", "constant"),
        "class_weight": (None, "balanced"),
        "calibration": ("auto", "platt", "isotonic", "none"),
        "objective": ("accuracy", "f1", "precision"),
    }
    for name, allowed in choices.items():
        if getattr(settings, name) not in allowed:
            listed = ", ".join(str(choice) for choice in allowed)
            raise TextsiamError(f"{name} must be one of {listed}, not {getattr(settings, name)!r}.")


def fit_model(
    settings: SimpleNamespace, training: LabelledPairs, dev: LabelledPairs, *, folder: Path, resume: bool = False
) -> Model:
    """Train, calibrate and choose the threshold.

    Args:
        settings: the parameters of ``DuplicateClassifier`` by name, checked.
        training: pairs to learn from.
        dev: pairs that early stopping, calibration and threshold are decided on.
        folder: for checkpoints.
        resume: go on after the last epoch in ``folder``.

    Returns:
        The model, with its figures on dev, card, history and curves.
    """
    start = time.perf_counter()
    tokenizer = Tokenizer(settings.stem, settings.stop_words, settings.keep_negation, settings.keep_digits)
    questions = list(dict.fromkeys(training.questions.ravel()))
    logger.info("%d pairs, %d distinct questions: tokens and word vectors", len(training), len(questions))
    vocabulary = Vocabulary.build(
        map(tokenizer, questions),
        min_count=settings.min_count,
        max_size=settings.max_vocabulary,
        oov_buckets=settings.oov_buckets,
    )
    preprocessor = Preprocessor(tokenizer, vocabulary, settings.max_length)
    rows = preprocessor.encode(questions)
    lexicon = {"idf": vocabulary.inverse_document_frequency(rows), "numeric": vocabulary.numeric()}
    sources = [settings.vectors] if isinstance(settings.vectors, (str, Path)) else list(settings.vectors or [])
    vectors = embedding_matrix(sources, vocabulary, rows, dimensions=settings.vector_size, seed=settings.random_state)
    logger.info("%d words, vectors of %d dimensions", len(vocabulary.tokens), vectors.shape[1])
    architecture = _architecture(settings, embedding=vectors.shape[1])

    weights, progress = _train(settings, architecture, preprocessor, vectors, lexicon, training, dev, folder, resume)
    config = {
        "architecture": architecture.to_dict(),
        "preprocessing": {
            **tokenizer.__getstate__(),
            "oov_buckets": vocabulary.oov_buckets,
            "max_length": preprocessor.max_length,
        },
        "training": {
            "textsiam": __version__,
            "pairs": len(training),
            "dev_pairs": len(dev),
            "epochs": progress.epochs,
            "best_epoch": progress.best_epoch,
            "interrupted": progress.interrupted,
            "minutes": round((time.perf_counter() - start) / 60, 2),
            "parameters": {name: _plain(value) for name, value in vars(settings).items()},
        },
    }
    extras = {"history.json": json.dumps(progress.history, indent=2).encode()}
    if progress.history:
        plot_history(folder / "curves.png", progress.history)
        extras["curves.png"] = (folder / "curves.png").read_bytes()
    return calibrate(Bundle(config, weights | lexicon, {}, "", vocabulary.to_text(), extras), settings, dev)


def calibrate(bundle: Bundle, settings: SimpleNamespace, dev: LabelledPairs) -> Model:
    """Fit calibration and threshold of a trained network on dev pairs, and measure it there.

    Args:
        bundle: architecture, preprocessing, training summary and weights; what it says of calibration is replaced.
        settings: ``calibration``, ``objective``, ``precision`` and ``random_state`` of ``DuplicateClassifier``.
        dev: the pairs.
    """
    question1, question2 = dev.questions.T.tolist()
    config = {
        **bundle.config,
        "calibration": Calibration("identity").to_dict(),
        "threshold": {"value": 0.5, "objective": settings.objective},
    }
    if settings.calibration != "none":
        scores = Model(replace(bundle, config=config)).scores(question1, question2)
        calibration = fit_calibration(scores, dev.labels, settings.calibration, seed=settings.random_state)
        config["calibration"] = calibration.to_dict()
    probabilities = Model(replace(bundle, config=config)).probabilities(question1, question2)
    threshold = choose_threshold(probabilities, dev.labels, settings.objective, settings.precision)
    config["threshold"] = asdict(threshold)
    figures = evaluate(dev.labels, probabilities, threshold.value)
    metrics = {"dev": {"seed": settings.random_state, **figures.to_dict()}}
    return Model(replace(bundle, config=config, metrics=metrics, card=model_card(config, metrics)))


def _train(
    settings: SimpleNamespace,
    architecture: Architecture,
    preprocessor: Preprocessor,
    vectors: np.ndarray,
    lexicon: dict[str, np.ndarray],
    training: LabelledPairs,
    dev: LabelledPairs,
    folder: Path,
    resume: bool,
) -> tuple[dict[str, np.ndarray], Any]:
    import keras

    from textsiam.siamese import build_siamese, compile_siamese, get_weights
    from textsiam.training import PairArrays, balanced_class_weight, fingerprint, train

    full_length = architecture.encoder == "lstm_flat"

    def encode(pairs: LabelledPairs) -> PairArrays:
        columns = settings.max_length + (not full_length)
        ids1, ids2 = (pad_sequences(preprocessor.encode(column), columns) for column in pairs.questions.T)
        blocks = [slice(first, first + _LEXICAL_ROWS) for first in range(0, len(pairs), _LEXICAL_ROWS)]
        lexical = [lexical_similarities(architecture.lexical, ids1[b], ids2[b], **lexicon) for b in blocks]
        return PairArrays(ids1, ids2, np.concatenate(lexical), pairs.labels.astype(np.float32))

    learning, checking = encode(training), encode(dev)
    keras.utils.set_random_seed(settings.random_state)
    network = build_siamese(architecture, vectors, train_vectors=settings.train_vectors, dropout=settings.dropout)
    rate = settings.learning_rate
    if settings.schedule == "cosine":
        steps = settings.epochs * -(-len(training) // settings.batch_size)
        rate = keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.05)
    compile_siamese(network, architecture, keras.optimizers.Adam(rate))
    identity = fingerprint(
        {name: value for name, value in vars(settings).items() if name != "verbose"},
        vectors,
        *(array for pairs in (learning, checking) for array in (pairs.ids1, pairs.ids2, pairs.labels)),
    )
    progress = train(
        network,
        learning,
        checking,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        patience=settings.patience,
        seed=settings.random_state,
        folder=folder,
        identity=identity,
        full_length=full_length,
        class_weight=balanced_class_weight(training.labels) if settings.class_weight == "balanced" else None,
        resume=resume,
        verbose=settings.verbose,
    )
    return get_weights(network), progress


def _architecture(settings: SimpleNamespace, *, embedding: int) -> Architecture:
    return Architecture(
        encoder=settings.encoder,
        units=settings.units,
        embedding=embedding,
        measures=tuple(settings.measures),
        hidden=tuple(settings.hidden),
        loss=settings.loss,
        margin=settings.margin,
        flat_length=settings.max_length,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value
