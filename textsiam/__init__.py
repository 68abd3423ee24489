"""Decide whether two questions ask the same thing.

The public names are imported when first used: ``import textsiam`` itself loads neither TensorFlow nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from textsiam._version import __version__

if TYPE_CHECKING:
    from textsiam.classifier import DuplicateClassifier
    from textsiam.errors import TextsiamError
    from textsiam.frames import score_frame
    from textsiam.images.model import ImageSiamese
    from textsiam.losses import contrastive_loss, triplet_loss
    from textsiam.pairing import make_pairs, make_triplets
    from textsiam.pairs import read_pairs, split_pairs
    from textsiam.runtime import is_duplicate, load_model, similarity
    from textsiam.scoring import score_file

_HOMES = {
    "DuplicateClassifier": "classifier",
    "ImageSiamese": "images.model",
    "TextsiamError": "errors",
    "contrastive_loss": "losses",
    "is_duplicate": "runtime",
    "load_model": "runtime",
    "make_pairs": "pairing",
    "make_triplets": "pairing",
    "read_pairs": "pairs",
    "score_file": "scoring",
    "score_frame": "frames",
    "similarity": "runtime",
    "split_pairs": "pairs",
    "triplet_loss": "losses",
}

__all__ = [
    "DuplicateClassifier",
    "ImageSiamese",
    "TextsiamError",
    "__version__",
    "contrastive_loss",
    "is_duplicate",
    "load_model",
    "make_pairs",
    "make_triplets",
    "read_pairs",
    "score_file",
    "score_frame",
    "similarity",
    "split_pairs",
    "triplet_loss",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'textsiam' has no attribute {name!r}")
    value = getattr(import_module(f"textsiam.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
