"""The published recipe of 2019, mistakes included, to measure every repair against; see ``inference.baseline2019``.

Stop words ("not" among them) and digits are removed, unknown words dropped, padding flows through an LSTM with relu
for tanh, whose states at all steps are the encoding, and u² − v² changes its sign when the questions swap.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

from textsiam.inference.architecture import Architecture
from textsiam.training.batches import PairBatches
from textsiam.training.encoder import embedding_of


def build_baseline_encoder(
    architecture: Architecture, vectors: np.ndarray, *, train_vectors: bool = True, dropout: float = 0.0
) -> keras.Model:
    """Return the encoder "lstm_flat", a model from ids (n, flat_length) to vectors (n, flat_length · units).

    Args:
        architecture: its sizes.
        vectors: see ``build_text_encoder``, as are the others.
        train_vectors: likewise.
        dropout: likewise.
    """
    ids = keras.Input((architecture.flat_length,), dtype="int32", name="ids")
    embedding = layers.Embedding(**embedding_of(vectors, train_vectors))
    steps = layers.Dropout(dropout, name="embedding_dropout")(embedding(ids))
    states = layers.LSTM(architecture.units, activation="relu", return_sequences=True, name="forward")(steps)
    return keras.Model(ids, layers.Flatten(name="flatten")(states), name="encoder")


class FullLengthBatches(PairBatches):
    """Batches of ids, all padded to one length."""

    distinct = False

    def _questions(self, index: int) -> dict[str, Any]:
        rows = self._batches[index]
        return {"question1": self.pairs.ids1[rows, :-1], "question2": self.pairs.ids2[rows, :-1]}
