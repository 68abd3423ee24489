"""From labelled pairs to a calibrated model: the recipe that DuplicateClassifier and the command line follow."""

import json
import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from textsiam import __version__
from textsiam.errors import TextsiamError
from textsiam.evaluation.figures import evaluate
from textsiam.evaluation.report import plot_history
from textsiam.inference.architecture import Architecture
from textsiam.inference.card import model_card
from textsiam.inference.folder import Bundle
from textsiam.inference.model import Model
from textsiam.siamese.calibration import Calibration, calibrated_log_loss, fit_calibration
from textsiam.siamese.thresholds import choose_threshold, precision_ladder
from textsiam.text.lexical import Lexicon, lexical_similarities
from textsiam.text.preprocessor import Preprocessor, pad_sequences
from textsiam.text.tokenise import Tokenizer
from textsiam.text.vocabulary import Vocabulary
from textsiam.training.contrasts import contrasts
from textsiam.training.parameters import architecture_of, check_going_on, recorded, sources
from textsiam.training.vectors import embedding_matrix

if TYPE_CHECKING:
    from textsiam.siamese.checkpoints import Progress
    from textsiam.training.loop import PairArrays

logger = logging.getLogger(__name__)

_LEXICAL_ROWS = 1024  # pairs whose lexical measures are computed together
_AFTER_TRAINING = {"calibration", "objective", "precision", "verbose"}  # a resumed run may change these


@dataclass(frozen=True)
class LabelledPairs:
    """Pairs with their labels.

    Attributes:
        questions: strings (n, 2).
        labels: (n,), 1 = duplicate, 0 = not; or a teacher's probabilities in [0, 1].
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

    @property
    def taught(self) -> bool:
        """Whether the labels are probabilities."""
        return self.labels.dtype.kind == "f"


def fit_model(
    settings: SimpleNamespace,
    training: LabelledPairs,
    dev: LabelledPairs,
    *,
    folder: Path,
    resume: bool = False,
    before: Model | None = None,
) -> Model:
    """Train, calibrate and choose the threshold.

    Args:
        settings: the parameters of ``DuplicateClassifier`` by name, checked.
        training: pairs to learn from.
        dev: pairs that early stopping, calibration and threshold are decided on.
        folder: for checkpoints.
        resume: go on after the last epoch in ``folder``.
        before: train this model further; its words and its network stay.

    Returns:
        The model, with its figures on dev, card, history and curves.

    Raises:
        TextsiamError: ``before`` was made with other parameters.
    """
    start = time.perf_counter()
    if before:
        check_going_on(settings, before.bundle.config["training"].get("parameters", {}))
    questions = list(dict.fromkeys(training.questions.ravel()))
    logger.info("%d pairs, %d distinct questions: tokens and word vectors", len(training), len(questions))
    learnt = _with_contrasts(training, questions, settings)
    preprocessor, rows, lexicon, vectors = _words_of(before, questions) if before else _words(settings, questions)
    vocabulary = preprocessor.vocabulary
    logger.info("%d words, vectors of %d dimensions", len(vocabulary.tokens), vectors.shape[1])
    architecture = before.architecture if before else architecture_of(settings, embedding=vectors.shape[1])
    known = dict(zip(questions, rows, strict=True))

    def encode(pairs: LabelledPairs) -> "PairArrays":
        return _encode(pairs, known, preprocessor, architecture, lexicon)

    weights, progress = _train(settings, architecture, vectors, encode(learnt), encode(dev), folder, resume, before)
    config = {
        "architecture": architecture.to_dict(),
        "preprocessing": {
            **preprocessor.tokenizer.__getstate__(),
            "oov_buckets": vocabulary.oov_buckets,
            "correct_spelling": vocabulary.correct_spelling,
            "max_length": preprocessor.max_length,
        },
        "training": {
            "textsiam": __version__,
            "pairs": len(training),
            "made_pairs": len(learnt) - len(training),
            "taught": training.taught,
            "dev_pairs": len(dev),
            "epochs": progress.epochs,
            "best_epoch": progress.best_epoch,
            "interrupted": progress.interrupted,
            "minutes": round((progress.earlier + time.perf_counter() - start) / 60, 2),
            "parameters": recorded(settings),
            **({"before": before.bundle.config["training"]} if before else {}),
        },
    }
    with tempfile.TemporaryDirectory() as temporary:
        curves = Path(temporary) / "curves.png"
        plot_history(curves, progress.history)
        extras = {"history.json": json.dumps(progress.history, indent=2).encode(), "curves.png": curves.read_bytes()}
    return calibrate(Bundle(config, weights | vars(lexicon), {}, "", vocabulary.to_text(), extras), settings, dev)


class _Words(NamedTuple):
    """What training knows of words before it begins: the ids of the questions in ``rows``, and the words' vectors."""

    preprocessor: Preprocessor
    rows: list[list[int]]
    lexicon: Lexicon
    vectors: np.ndarray


def _words(settings: SimpleNamespace, questions: Sequence[str]) -> _Words:
    """Choose the words of the questions."""
    tokenizer = Tokenizer(settings.stem, settings.stop_words, settings.keep_negation, settings.keep_digits)
    tokens = [tokenizer(question) for question in questions]
    vocabulary = Vocabulary.build(
        tokens,
        min_count=settings.min_count,
        max_size=settings.max_vocabulary,
        oov_buckets=settings.oov_buckets,
        correct_spelling=settings.correct_spelling,
    )
    preprocessor = Preprocessor(tokenizer, vocabulary, settings.max_length)
    rows = preprocessor.encode_tokens(tokens)
    del tokens
    lexicon = Lexicon(vocabulary.inverse_document_frequency(rows), vocabulary.numeric(), vocabulary.stems())
    vectors = embedding_matrix(
        sources(settings), vocabulary, rows, dimensions=settings.vector_size, seed=settings.random_state
    )
    return _Words(preprocessor, rows, lexicon, vectors)


def _words_of(model: Model, questions: Sequence[str]) -> _Words:
    """Keep the words of a model."""
    weights = model.network.weights
    rows = model.preprocessor.encode(questions)
    return _Words(model.preprocessor, rows, Lexicon.of(weights), weights["embedding.embeddings"])


def _with_contrasts(training: LabelledPairs, questions: Sequence[str], settings: SimpleNamespace) -> LabelledPairs:
    """Add pairs made by rule, all of label 0."""
    made = contrasts(questions, round(settings.contrasts * len(training)), settings.random_state)
    if not made:
        return training
    labels = np.concatenate([training.labels, np.zeros(len(made), training.labels.dtype)])
    return LabelledPairs(np.concatenate([training.questions, np.array(made, dtype=object)]), labels)


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
    config["prior"] = float(np.mean(dev.labels))
    config["precisions"] = precision_ladder(probabilities, dev.labels)
    figures = evaluate(dev.labels, probabilities, threshold.value)
    metrics = {"dev": {"seed": settings.random_state, **figures.to_dict()}}
    return Model(replace(bundle, config=config, metrics=metrics, card=model_card(config, metrics)))


def _encode(
    pairs: LabelledPairs,
    known: dict[str, list[int]],
    preprocessor: Preprocessor,
    architecture: Architecture,
    lexicon: Lexicon,
) -> "PairArrays":
    """Return pairs as arrays for the network; ``known`` holds the ids of questions that are encoded already."""
    from textsiam.training.loop import PairArrays

    unknown = [question for question in dict.fromkeys(pairs.questions.ravel()) if question not in known]
    known = known | dict(zip(unknown, preprocessor.encode(unknown), strict=True))
    columns = preprocessor.max_length + (architecture.encoder != "lstm_flat")
    ids1, ids2 = (pad_sequences([known[question] for question in column], columns) for column in pairs.questions.T)
    lengths = np.maximum((ids1 != 0).sum(axis=1), (ids2 != 0).sum(axis=1))
    order = np.argsort(lengths, kind="stable")
    lexical = np.empty((len(pairs), len(architecture.lexical)), np.float32)
    for first in range(0, len(pairs), _LEXICAL_ROWS):
        rows = order[first : first + _LEXICAL_ROWS]
        width = max(lengths[rows[-1]], 1)
        lexical[rows] = lexical_similarities(architecture.lexical, ids1[rows, :width], ids2[rows, :width], lexicon)
    return PairArrays(ids1, ids2, lexical, pairs.labels.astype(np.float32))


def _train(
    settings: SimpleNamespace,
    architecture: Architecture,
    vectors: np.ndarray,
    training: "PairArrays",
    dev: "PairArrays",
    folder: Path,
    resume: bool,
    before: Model | None,
) -> tuple[dict[str, np.ndarray], "Progress"]:
    import keras

    from textsiam.siamese.checkpoints import Checkpoints, fingerprint
    from textsiam.training.loop import balanced_class_weight, train
    from textsiam.training.network import build_siamese, compile_siamese, get_weights, set_weights
    from textsiam.training.optimizer import LazyAdam

    keras.utils.set_random_seed(settings.random_state)
    flat = architecture.encoder == "lstm_flat"
    network = build_siamese(
        architecture,
        vectors,
        train_vectors=settings.train_vectors,
        dropout=settings.dropout,
        distinct=not flat,
    )
    if before:
        set_weights(network, before.network.weights)
    rate = settings.learning_rate
    if settings.schedule == "cosine":
        steps = settings.epochs * -(-len(training) // settings.batch_size)
        rate = keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.05)
    compile_siamese(network, architecture, LazyAdam(rate))
    lasting = {name: value for name, value in vars(settings).items() if name not in _AFTER_TRAINING}
    lasting["before"] = before.digest if before else None
    arrays = [array for pairs in (training, dev) for array in (pairs.ids1, pairs.ids2, pairs.labels)]

    def criterion(outputs: np.ndarray, labels: np.ndarray) -> float:
        if architecture.loss == "contrastive":
            return calibrated_log_loss(-outputs, labels)
        likely = outputs.astype(np.float64).clip(1e-7, 1 - 1e-7)
        return calibrated_log_loss(np.log(likely / (1 - likely)), labels)

    with Checkpoints(folder, fingerprint(lasting, *arrays)) as checkpoints:
        progress = train(
            network,
            training,
            dev,
            criterion,
            checkpoints,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            patience=settings.patience,
            seed=settings.random_state,
            full_length=flat,
            class_weight=balanced_class_weight(training.labels) if settings.class_weight == "balanced" else None,
            resume=resume,
            verbose=settings.verbose,
        )
    return get_weights(network), progress
