"""The Siamese network in Keras: one encoder called twice, similarity measures, head."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from textsiam.inference.architecture import COMPARED, LEXICAL_UNITS, Architecture
from textsiam.siamese.backend import assign, values_of
from textsiam.siamese.layers import Alignment, EuclideanDistance, Similarities
from textsiam.siamese.losses import ContrastiveLoss
from textsiam.siamese.measures import Array
from textsiam.training.baseline2019 import build_baseline_encoder
from textsiam.training.encoder import build_distinct_encoder, build_text_encoder


class _Rounded:
    """Of a metric of labels: takes a teacher's probability for the label it is nearer to."""

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> Any:
        return super().update_state(ops.round(y_true), y_pred, sample_weight)  # type: ignore[misc]


class _BinaryAccuracy(_Rounded, keras.metrics.BinaryAccuracy):
    pass


class _AUC(_Rounded, keras.metrics.AUC):
    pass


def build_siamese(
    architecture: Architecture,
    vectors: np.ndarray,
    *,
    train_vectors: bool = True,
    dropout: float = 0.0,
    distinct: bool = False,
) -> keras.Model:
    """Return the untrained, uncompiled network.

    Inputs: ``question1`` and ``question2``, int32 ids (n, steps), and ``lexical``, float32 (n, lexical measures), where
    the architecture has any. Output (n, 1): the probability of a duplicate in [0, 1], or, for the contrastive loss, the
    distance of the two encodings.

    Args:
        architecture: what it is made of.
        vectors: (vocabulary, embedding) first values of the embedding.
        train_vectors: tune the embedding, or keep it frozen.
        dropout: share of word-vector dimensions and of hidden units dropped in training, in [0, 1).
        distinct: take a batch as ``build_distinct_encoder`` does, which is faster to train: one more input, ``tokens``,
            and questions as places among these. Not for "lstm_flat".
    """
    if architecture.encoder == "lstm_flat":
        build_encoder = build_baseline_encoder
    else:
        build_encoder = build_distinct_encoder if distinct else build_text_encoder
    encoder = build_encoder(architecture, vectors, train_vectors=train_vectors, dropout=dropout)
    steps = (encoder.inputs[-1].shape[1],)
    question1 = keras.Input(steps, dtype="int32", name="question1")
    question2 = keras.Input(steps, dtype="int32", name="question2")
    inputs = {"question1": question1, "question2": question2}
    if distinct:
        inputs["tokens"] = keras.Input((), dtype="int32", name="tokens")
        both = encoder([inputs["tokens"], ops.concatenate([question1, question2], axis=0)])
        encoded = [tuple(ops.split(output, 2, axis=0)) for output in keras.tree.flatten(both)]
    else:
        each = (keras.tree.flatten(encoder(question)) for question in (question1, question2))
        encoded = list(zip(*each, strict=True))
    (u, v), *states = encoded
    late = [Alignment(COMPARED, name="alignment")(*pair, question1, question2) for pair in states]

    if architecture.loss == "contrastive":
        return keras.Model(inputs, EuclideanDistance(name="distance")(u, v), name="siamese")

    features = []
    similarities = Similarities(architecture.vector, name="similarities")(u, v)
    features.append(layers.Dropout(dropout, name="dropout_similarities")(similarities))
    features.extend(layers.Dropout(dropout, name="dropout_alignment")(measure) for measure in late)
    if architecture.lexical:
        # Without dropout: of a few numbers none can be spared, and what they say of unseen questions is reliable.
        inputs["lexical"] = keras.Input((len(architecture.lexical),), dtype="float32", name="lexical")
        features.append(layers.Dense(LEXICAL_UNITS, activation="relu", name="lexical_hidden")(inputs["lexical"]))
    hidden = features[0] if len(features) == 1 else layers.Concatenate(name="features")(features)
    for number, units in enumerate(architecture.hidden):
        if number:
            hidden = layers.Dropout(dropout, name=f"dropout_{number}")(hidden)
        hidden = layers.Dense(units, activation="relu", name=f"hidden_{number}")(hidden)
    hidden = layers.Dropout(dropout, name="dropout_output")(hidden)
    output = layers.Dense(1, activation="sigmoid", name="output")(hidden)
    return keras.Model(inputs, output, name="siamese")


def compile_siamese(model: keras.Model, architecture: Architecture, optimizer: keras.optimizers.Optimizer) -> None:
    """Compile the network with the loss and the metrics of its architecture."""
    if architecture.loss == "contrastive":
        model.compile(optimizer, ContrastiveLoss(architecture.margin))
    else:
        metrics = [_BinaryAccuracy(name="accuracy"), _AUC(name="auc")]
        model.compile(optimizer, "binary_crossentropy", metrics=metrics)


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Name every weight of the network as the model folder does: ``forward.kernel``, ``output.bias``."""
    named = {}
    for variable in model.weights:
        parts = variable.path.split("/")
        if "seed_generator" in variable.path:
            continue
        layer = next(part for part in reversed(parts[:-1]) if not part.endswith("_cell"))
        layer = layer.removeprefix("forward_")  # Bidirectional puts it before the name of its first layer
        named[f"{layer}.{parts[-1]}"] = variable
    return named


def get_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Return the weights of the network by name, float32 arrays in Keras's layout (gates i, f, c, o)."""
    return values_of(_variables(model))


def set_weights(model: keras.Model, weights: dict[str, np.ndarray]) -> None:
    """Put weights that ``get_weights`` returned into a network of the same architecture.

    Raises:
        TextsiamError: one is missing or has another shape.
    """
    assign(_variables(model), weights)
