"""The parameters of DuplicateClassifier: what they may be, and what of them is written down."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.inference.architecture import Architecture

_WHOLE = {  # parameters that are whole numbers, and the least they may be
    "epochs": 1,
    "patience": 1,
    "batch_size": 1,
    "vector_size": 1,
    "min_count": 1,
    "max_vocabulary": 1,
    "max_length": 1,
    "oov_buckets": 0,
    "random_state": 0,
}
_BETWEEN = {"dropout": (0, 1), "contrasts": (0, 10), "learning_rate": (1e-12, math.inf)}
_ONE_OF = {
    "correct_spelling": (True, False),
    "warm_start": (True, False),
    "schedule": ("cosine", "constant"),
    "class_weight": (None, "balanced"),
    "calibration": ("auto", "platt", "isotonic", "none"),
    "objective": ("accuracy", "f1", "precision"),
}
# The others are settled once a model is there: they made its words and its network.
_STEERING = {
    *("epochs", "patience", "batch_size", "learning_rate", "schedule", "dropout", "train_vectors", "contrasts"),
    *("class_weight", "calibration", "objective", "precision", "random_state", "verbose", "warm_start"),
}


def check_settings(settings: SimpleNamespace) -> None:
    """Refuse parameters of ``DuplicateClassifier`` that cannot be meant, before any work is done.

    Raises:
        TextsiamError: one of them is out of its range.
    """
    for name in ("measures", "hidden"):
        if isinstance(getattr(settings, name), str) or not isinstance(getattr(settings, name), Sequence):
            raise TextsiamError(f"{name} must be a list, not {getattr(settings, name)!r}.")
    architecture_of(settings, embedding=1)
    for name, least in _WHOLE.items():
        value = getattr(settings, name)
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least
        if not whole and (name, value) != ("max_vocabulary", None):
            raise TextsiamError(f"{name} must be a whole number of at least {least}, not {value!r}.")
    for name, (low, high) in _BETWEEN.items():
        value = getattr(settings, name)
        if not isinstance(value, (int, float, np.number)) or not low <= value < high:
            raise TextsiamError(f"{name} must be a number in [{low}, {high}), not {value!r}.")
    for name, allowed in _ONE_OF.items():
        if getattr(settings, name) not in allowed:
            listed = ", ".join(str(choice) for choice in allowed)
            raise TextsiamError(f"{name} must be one of {listed}, not {getattr(settings, name)!r}.")
    if not all(isinstance(source, (str, Path)) for source in sources(settings)):
        raise TextsiamError(f"vectors are files or 'self', not {settings.vectors!r}.")
    _check_together(settings)


def _check_together(settings: SimpleNamespace) -> None:
    if settings.oov_buckets == 0 and settings.encoder != "lstm_flat":
        raise TextsiamError("oov_buckets must be at least 2: a question of unknown words only would have no token.")
    if (settings.objective == "precision") != (settings.precision is not None):
        raise TextsiamError("The objective 'precision' and the wanted precision go together; give both or neither.")
    if settings.precision is not None and not 0 < settings.precision <= 1:
        raise TextsiamError(f"precision must be in (0, 1], not {settings.precision!r}.")


def check_going_on(settings: SimpleNamespace, before: Mapping[str, Any]) -> None:
    """Refuse to train a model further with other parameters than made it, but for those that steer training.

    Args:
        settings: the parameters.
        before: those of the model, as ``recorded`` returned them.

    Raises:
        TextsiamError: one differs.
    """
    for name, value in recorded(settings).items():
        if name not in _STEERING and name in before and before[name] != value:
            raise TextsiamError(
                f"warm_start goes on with the model at hand, whose {name} is {before[name]!r}, not {value!r}. Leave "
                f"{name} as it is, or train a new model."
            )


def recorded(settings: SimpleNamespace) -> dict[str, Any]:
    """Return the parameters as JSON values, files of vectors without their folders."""
    values = {name: _plain(value) for name, value in vars(settings).items()}
    return values | {"vectors": _without_folders(settings.vectors)}


def architecture_of(settings: SimpleNamespace, *, embedding: int) -> Architecture:
    """Return the architecture that the parameters describe, with word vectors of so many dimensions."""
    return Architecture(
        encoder=settings.encoder,
        units=settings.units,
        embedding=embedding,
        measures=tuple(settings.measures),
        hidden=tuple(settings.hidden),
        loss=settings.loss,
        margin=settings.margin,
        flat_length=settings.max_length,
    )


def sources(settings: SimpleNamespace) -> list[str | Path]:
    """Return where the word vectors come from, in their order."""
    if settings.vectors is None or isinstance(settings.vectors, (str, Path)):
        return [] if settings.vectors is None else [settings.vectors]
    if not isinstance(settings.vectors, Sequence):
        raise TextsiamError(f"vectors are files or 'self', not {settings.vectors!r}.")
    return list(settings.vectors)


def _without_folders(vectors: str | Path | Sequence[str | Path] | None) -> str | list[str] | None:
    """Name files of vectors by their last part: where they lay concerns nobody who gets the model."""
    if isinstance(vectors, (str, Path)):
        return Path(vectors).name
    return None if vectors is None else [Path(source).name for source in vectors]


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value
