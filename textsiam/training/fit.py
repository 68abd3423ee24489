"""From labelled pairs to a calibrated model: the recipe that DuplicateClassifier and the command line follow."""

import json
import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from textsiam import __version__
from textsiam.evaluation.charts import plot_history
from textsiam.evaluation.figures import evaluate
from textsiam.inference.architecture import Architecture
from textsiam.inference.card import model_card
from textsiam.inference.folder import Bundle
from textsiam.inference.model import Model
from textsiam.siamese.calibration import Calibration, fit_calibration
from textsiam.siamese.thresholds import choose_threshold, precision_ladder
from textsiam.text.lexical import Lexicon, lexical_similarities
from textsiam.text.preprocessor import Preprocessor, pad_sequences
from textsiam.text.tokenise import Tokenizer
from textsiam.text.vocabulary import Vocabulary
from textsiam.training.contrasts import contrasts
from textsiam.training.data import LabelledPairs
from textsiam.training.parameters import TextParameters
from textsiam.training.vectors import embedding_matrix

if TYPE_CHECKING:
    from textsiam.siamese.checkpoints import Progress
    from textsiam.training.batches import PairArrays

logger = logging.getLogger(__name__)

_LEXICAL_ROWS = 1024  # pairs whose lexical measures are computed together


def fit_model(
    parameters: TextParameters,
    training: LabelledPairs,
    dev: LabelledPairs,
    *,
    folder: Path,
    resume: bool = False,
    before: Model | None = None,
) -> Model:
    """Train, calibrate and choose the threshold.

    Args:
        parameters: of ``DuplicateClassifier``.
        training: pairs to learn from.
        dev: pairs that early stopping, calibration and threshold are decided on.
        folder: for checkpoints.
        resume: resume after the last epoch in ``folder``.
        before: train this model further; its words and its network stay.

    Returns:
        The model, with its figures on dev, card, history and curves.

    Raises:
        TextsiamError: ``before`` was made with other parameters.
    """
    start = time.perf_counter()
    if before:
        parameters.check_warm_start(before.bundle.config["training"].get("parameters", {}))
    questions = list(dict.fromkeys(training.questions.ravel()))
    logger.info("%d pairs, %d distinct questions: tokens and word vectors", len(training), len(questions))
    learnt = _with_contrasts(training, questions, parameters)
    preprocessor, rows, lexicon, vectors = _words_of(before, questions) if before else _words(parameters, questions)
    vocabulary = preprocessor.vocabulary
    logger.info("%d words, vectors of %d dimensions", len(vocabulary.tokens), vectors.shape[1])
    architecture = before.architecture if before else parameters.architecture(embedding=vectors.shape[1])
    known = dict(zip(questions, rows, strict=True))

    def encode(pairs: LabelledPairs) -> "PairArrays":
        return _encode(pairs, known, preprocessor, architecture, lexicon)

    weights, progress = _train(parameters, architecture, vectors, encode(learnt), encode(dev), folder, resume, before)
    config = {
        "kind": "text",
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
            "parameters": parameters.recorded(),
            **({"before": before.bundle.config["training"]} if before else {}),
        },
    }
    with tempfile.TemporaryDirectory() as temporary:
        curves = Path(temporary) / "curves.png"
        plot_history(curves, progress.history)
        extras = {"history.json": json.dumps(progress.history, indent=2).encode(), "curves.png": curves.read_bytes()}
    return calibrate(Bundle(config, weights | vars(lexicon), {}, "", vocabulary.to_text(), extras), parameters, dev)


class _Words(NamedTuple):
    """What training knows of words before it begins: the ids of the questions in ``rows``, and the words' vectors."""

    preprocessor: Preprocessor
    rows: list[list[int]]
    lexicon: Lexicon
    vectors: np.ndarray


def _words(parameters: TextParameters, questions: Sequence[str]) -> _Words:
    """Choose the words of the questions."""
    tokenizer = Tokenizer(parameters.stem, parameters.stop_words, parameters.keep_negation, parameters.keep_digits)
    tokens = [tokenizer(question) for question in questions]
    vocabulary = Vocabulary.build(
        tokens,
        min_count=parameters.min_count,
        max_size=parameters.max_vocabulary,
        oov_buckets=parameters.oov_buckets,
        correct_spelling=parameters.correct_spelling,
    )
    preprocessor = Preprocessor(tokenizer, vocabulary, parameters.max_length)
    rows = preprocessor.encode_tokens(tokens)
    del tokens
    lexicon = Lexicon(vocabulary.inverse_document_frequency(rows), vocabulary.numeric(), vocabulary.stems())
    vectors = embedding_matrix(
        parameters.sources(), vocabulary, rows, dimensions=parameters.vector_size, seed=parameters.random_state
    )
    return _Words(preprocessor, rows, lexicon, vectors)


def _words_of(model: Model, questions: Sequence[str]) -> _Words:
    """Keep the words of a model."""
    weights = model.network.weights
    rows = model.preprocessor.encode(questions)
    return _Words(model.preprocessor, rows, Lexicon.of(weights), weights["embedding.embeddings"])


def _with_contrasts(training: LabelledPairs, questions: Sequence[str], parameters: TextParameters) -> LabelledPairs:
    """Add pairs made by rule, all of label 0."""
    made = contrasts(questions, round(parameters.contrasts * len(training)), parameters.random_state)
    if not made:
        return training
    labels = np.concatenate([training.labels, np.zeros(len(made), training.labels.dtype)])
    return LabelledPairs(np.concatenate([training.questions, np.array(made, dtype=object)]), labels)


def calibrate(bundle: Bundle, parameters: TextParameters, dev: LabelledPairs) -> Model:
    """Fit calibration and threshold of a trained network on dev pairs, and measure it there.

    Args:
        bundle: architecture, preprocessing, training summary and weights; what it says of calibration is replaced.
        parameters: ``calibration``, ``objective``, ``precision`` and ``random_state`` of ``DuplicateClassifier``.
        dev: the pairs.
    """
    question1, question2 = dev.questions.T.tolist()
    config = {
        **bundle.config,
        "calibration": Calibration("identity").to_dict(),
        "threshold": {"value": 0.5, "objective": parameters.objective},
    }
    if parameters.calibration != "none":
        scores = Model(replace(bundle, config=config)).scores(question1, question2)
        calibration = fit_calibration(scores, dev.labels, parameters.calibration, seed=parameters.random_state)
        config["calibration"] = calibration.to_dict()
    probabilities = Model(replace(bundle, config=config)).probabilities(question1, question2)
    threshold = choose_threshold(probabilities, dev.labels, parameters.objective, parameters.precision)
    config["threshold"] = asdict(threshold)
    config["prior"] = float(np.mean(dev.labels))
    config["precisions"] = precision_ladder(probabilities, dev.labels)
    figures = evaluate(dev.labels, probabilities, threshold.value)
    metrics = {"dev": {"seed": parameters.random_state, **figures.to_dict()}}
    return Model(replace(bundle, config=config, metrics=metrics, card=model_card(config, metrics)))


def _encode(
    pairs: LabelledPairs,
    known: dict[str, list[int]],
    preprocessor: Preprocessor,
    architecture: Architecture,
    lexicon: Lexicon,
) -> "PairArrays":
    """Return pairs as arrays for the network; ``known`` holds the ids of questions that are encoded already."""
    from textsiam.training.batches import PairArrays

    unknown = [question for question in dict.fromkeys(pairs.questions.ravel()) if question not in known]
    known = known | dict(zip(unknown, preprocessor.encode(unknown), strict=True))
    columns = preprocessor.max_length + 1
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
    parameters: TextParameters,
    architecture: Architecture,
    vectors: np.ndarray,
    training: "PairArrays",
    dev: "PairArrays",
    folder: Path,
    resume: bool,
    before: Model | None,
) -> tuple[dict[str, np.ndarray], "Progress"]:
    import keras

    from textsiam.siamese.backend import seeded
    from textsiam.siamese.checkpoints import Checkpoints, fingerprint
    from textsiam.siamese.epochs import train_epochs
    from textsiam.training.baseline2019 import FullLengthBatches
    from textsiam.training.batches import PairBatches, balanced_class_weight
    from textsiam.training.measure import measure_dev
    from textsiam.training.network import build_siamese, compile_siamese, get_weights, set_weights
    from textsiam.training.optimizer import LazyAdam

    batches = FullLengthBatches if architecture.encoder == "lstm_flat" else PairBatches
    with seeded(parameters.random_state):
        network = build_siamese(
            architecture,
            vectors,
            train_vectors=parameters.train_vectors,
            dropout=parameters.dropout,
            distinct=batches.distinct,
        )
    if before:
        set_weights(network, before.network.weights)
    rate = parameters.learning_rate
    if parameters.schedule == "cosine":
        steps = parameters.epochs * -(-len(training) // parameters.batch_size)
        rate = keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.05)
    compile_siamese(network, architecture, LazyAdam(rate))
    lasting = {**parameters.lasting(), "before": before.digest if before else None}
    arrays = [array for pairs in (training, dev) for array in (pairs.ids1, pairs.ids2, pairs.labels)]
    size, seed = parameters.batch_size, parameters.random_state
    dev_batches = batches(dev, 4 * size)
    with Checkpoints(folder, fingerprint(lasting, *arrays)) as checkpoints:
        progress = train_epochs(
            network,
            lambda epoch: batches(training, size, seed=seed, epoch=epoch),
            lambda: measure_dev(network, dev_batches, architecture),
            checkpoints,
            epochs=parameters.epochs,
            patience=parameters.patience,
            seed=seed,
            class_weight=balanced_class_weight(training.labels) if parameters.class_weight == "balanced" else None,
            resume=resume,
            bar=parameters.verbose == 1,
        )
    return get_weights(network), progress
