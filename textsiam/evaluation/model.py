"""A model on labelled pairs: figures, slices and mistakes."""

import numpy as np
from numpy.typing import ArrayLike

from textsiam.evaluation.figures import Evaluation, evaluate_pairs
from textsiam.inference.model import Model
from textsiam.text.tokenise import Tokenizer


def evaluate_model(
    model: Model,
    pairs: np.ndarray,
    labels: ArrayLike,
    training: np.ndarray | None = None,
    *,
    probabilities: np.ndarray | None = None,
) -> Evaluation:
    """Measure a model on labelled pairs.

    Args:
        model: the trained model.
        pairs: strings (n, 2).
        labels: (n,), 1 = duplicate, 0 = not.
        training: strings (m, 2), the pairs the model learned from, for the slices by questions seen and unseen.
        probabilities: (n,), what the model says of the pairs; None: it is asked.

    Returns:
        Figures, slices and the most confident mistakes.
    """
    question1, question2 = pairs.T.tolist()
    tokens = Tokenizer()
    seen = None
    if training is not None:
        known = set(training.ravel())
        seen = np.array([(a in known) + (b in known) for a, b in zip(question1, question2, strict=True)])
    return evaluate_pairs(
        question1,
        question2,
        [tokens(text) for text in question1],
        [tokens(text) for text in question2],
        labels=labels,
        probabilities=model.probabilities(question1, question2) if probabilities is None else probabilities,
        threshold=model.threshold,
        seen=seen,
    )
