"""Sequence of token ids to one vector, in Keras."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from textsiam.inference.architecture import ALIGNED, Architecture
from textsiam.siamese.measures import Array
from textsiam.training.distinct import DistinctEmbedding, DistinctLSTM


class MaskedMaxPooling(layers.Layer):
    """Maximum over the steps that are not padding: (n, steps, d) → (n, d)."""

    def __init__(self, **kwargs):  # type: ignore[no-untyped-def]
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Array, mask: Array | None = None) -> Array:
        """Return the maximum over time, padding left out."""
        if mask is not None:
            inputs = ops.where(ops.expand_dims(mask, -1), inputs, -1e9)
        return ops.max(inputs, axis=1)

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> None:
        """Return None: there are no steps left to mask."""
        return None


def build_text_encoder(
    architecture: Architecture, vectors: np.ndarray, *, train_vectors: bool = True, dropout: float = 0.0
) -> keras.Model:
    """Return the shared encoder, a model from ids (n, steps) to vectors (n, d), or to these and states of tokens.

    d is ``units`` for "lstm", twice that for "bilstm". There are states, (n, steps, ``ALIGNED``), where the
    architecture has a late measure.

    Args:
        architecture: encoder, "lstm" or "bilstm", and sizes.
        vectors: (vocabulary, embedding) first values of the embedding.
        train_vectors: tune the embedding, or keep it frozen.
        dropout: share of each word vector's dimensions that is dropped in training, in [0, 1).
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    embedding = layers.Embedding(**embedding_of(vectors, train_vectors), mask_zero=True)
    steps = layers.Dropout(dropout, name="embedding_dropout")(embedding(ids))
    if architecture.encoder == "lstm":
        forward = layers.LSTM(architecture.units, return_state=True, return_sequences=architecture.late, name="forward")
        states, encoding, _ = forward(steps)
    else:
        forward = layers.LSTM(architecture.units, return_sequences=True, name="forward")
        backward = layers.LSTM(architecture.units, return_sequences=True, go_backwards=True, name="backward")
        states = layers.Bidirectional(forward, backward_layer=backward, name="bidirectional")(steps)
        encoding = MaskedMaxPooling(name="maximum")(states)
    return keras.Model(ids, _with_token_states(architecture, encoding, states), name="encoder")


def build_distinct_encoder(
    architecture: Architecture, vectors: np.ndarray, *, train_vectors: bool = True, dropout: float = 0.0
) -> keras.Model:
    """Return an encoder as ``build_text_encoder`` does, of the same weights, that is faster to train.

    It takes a batch as its distinct tokens, int32 (k,) ids, the first of them 0, and int32 (n, steps) places among
    these, right-padded with 0. A word vector's dimensions are dropped wherever the word occurs in the batch.

    Args:
        architecture: encoder, "lstm" or "bilstm", and sizes.
        vectors: see ``build_text_encoder``, as are the others.
        train_vectors: likewise.
        dropout: likewise.
    """
    embedding = DistinctEmbedding(**embedding_of(vectors, train_vectors))
    tokens = keras.Input((), dtype="int32", name="tokens")
    places = keras.Input((None,), dtype="int32", name="places")
    distinct = layers.Dropout(dropout, name="embedding_dropout")(embedding(tokens))
    encoding, states = DistinctLSTM(architecture.units, name="forward")(distinct, places)
    if architecture.encoder == "bilstm":
        _, back = DistinctLSTM(architecture.units, reverse=True, name="backward")(distinct, places)
        states = layers.Concatenate(name="directions")([states, back])
        encoding = MaskedMaxPooling(name="maximum")(states, mask=ops.not_equal(places, 0))
    outputs = _with_token_states(architecture, encoding, states)
    return keras.Model([tokens, places], outputs, name="encoder")


def embedding_of(vectors: np.ndarray, train_vectors: bool) -> dict[str, Any]:
    """Return the arguments of a ``keras.layers.Embedding`` that begins with these vectors, (vocabulary, embedding)."""
    return {
        "input_dim": vectors.shape[0],
        "output_dim": vectors.shape[1],
        "embeddings_initializer": keras.initializers.Constant(vectors),
        "trainable": train_vectors,
        "name": "embedding",
    }


def _with_token_states(architecture: Architecture, encoding: Array, states: Array) -> Array | list[Array]:
    """Return the encoding, and what a late measure compares."""
    return [encoding, layers.Dense(ALIGNED, name="token_states")(states)] if architecture.late else encoding
