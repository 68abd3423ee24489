"""Smaller weights for a shipped model: fewer words, the embedding in 8 bits, the rest in 16."""

from dataclasses import replace

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.inference.folder import Bundle
from textsiam.text.lexical import Lexicon

_EMBEDDING = "embedding.embeddings"
_INT8, _SCALE = ".int8", ".scale"
_VOCABULARY_ARRAYS = (_EMBEDDING, *Lexicon.names())  # one row an id


def prune_vocabulary(bundle: Bundle, words: int) -> Bundle:
    """Return the model with its most frequent words only; the others become unknown.

    Args:
        bundle: a model with float weights.
        words: how many to keep.
    """
    ids = 1 + bundle.config["preprocessing"]["oov_buckets"] + words
    lines = bundle.vocabulary.split("\n")[:ids]
    weights = {name: array[:ids] if name in _VOCABULARY_ARRAYS else array for name, array in bundle.weights.items()}
    return replace(bundle, vocabulary="\n".join(lines).rstrip("\n") + "\n", weights=weights)


def compress_weights(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the weights with the embedding as int8 with one scale a row, other float arrays as float16.

    Each row of the embedding is rounded to multiples of its largest absolute value / 127; the error of a value is at
    most half of that.

    Args:
        weights: float32 arrays by name.

    Returns:
        Arrays by name; ``expand_weights`` reads them.
    """
    compressed = {
        name: array.astype(np.float16) if array.dtype == np.float32 else array
        for name, array in weights.items()
        if name != _EMBEDDING
    }
    embedding = weights[_EMBEDDING]
    scale = np.abs(embedding).max(axis=1) / 127
    rounded = np.rint(embedding / np.where(scale > 0, scale, 1)[:, None])
    return {**compressed, _EMBEDDING + _INT8: rounded.astype(np.int8), _EMBEDDING + _SCALE: scale.astype(np.float32)}


def expand_weights(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return weights as the network takes them, float32, whether they were compressed or not.

    Raises:
        TextsiamError: an 8-bit array lacks its scale, or has one of another length.
    """
    expanded = {}
    for name, array in weights.items():
        if name.endswith(_INT8):
            base = name.removesuffix(_INT8)
            scale = weights.get(base + _SCALE)
            if scale is None or scale.shape != array.shape[:1]:
                raise TextsiamError(f"The model's weights need a scale for each row of {name}.", "Train it anew.")
            expanded[base] = array * scale[:, None].astype(np.float32)
        elif not name.endswith(_SCALE):
            expanded[name] = array.astype(np.float32) if array.dtype == np.float16 else array
    return expanded
