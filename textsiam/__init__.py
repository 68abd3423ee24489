"""Decide whether two questions ask the same thing.

The public names are imported when first used: ``import textsiam`` itself loads neither TensorFlow nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textsiam.errors import TextsiamError
    from textsiam.files.pairs import read_pairs
    from textsiam.files.splits import split_pairs
    from textsiam.images.model import ImageSiamese
    from textsiam.inference.decisions import is_duplicate, similarity
    from textsiam.inference.model import Model, load_model
    from textsiam.scoring.file import score_file
    from textsiam.scoring.frame import score_frame
    from textsiam.siamese.losses import contrastive_loss, triplet_loss
    from textsiam.siamese.pairing import make_pairs, make_triplets
    from textsiam.training.classifier import DuplicateClassifier

__version__ = "0.1.0"

_HOMES = {
    "DuplicateClassifier": "training.classifier",
    "ImageSiamese": "images.model",
    "Model": "inference.model",
    "TextsiamError": "errors",
    "contrastive_loss": "siamese.losses",
    "is_duplicate": "inference.decisions",
    "load_model": "inference.model",
    "make_pairs": "siamese.pairing",
    "make_triplets": "siamese.pairing",
    "read_pairs": "files.pairs",
    "score_file": "scoring.file",
    "score_frame": "scoring.frame",
    "similarity": "inference.decisions",
    "split_pairs": "files.splits",
    "triplet_loss": "siamese.losses",
}
_MODULES = {"losses": "siamese.losses", "pairing": "siamese.pairing"}  # documented under these names

__all__ = [
    "DuplicateClassifier",
    "ImageSiamese",
    "Model",
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
    if name not in _HOMES and name not in _MODULES:
        raise AttributeError(f"module 'textsiam' has no attribute {name!r}")
    from textsiam.errors import extras

    with extras("images" if _HOMES.get(name, "").startswith("images.") else None):
        if name in _MODULES:
            value = import_module(f"textsiam.{_MODULES[name]}")
        else:
            value = getattr(import_module(f"textsiam.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
