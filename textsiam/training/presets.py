"""Named settings of ``DuplicateClassifier``: parameters by name, to be overridden one by one."""

from typing import Any

from textsiam.errors import TextsiamError
from textsiam.inference.architecture import DEFAULT_MEASURES

# Of the results in the README; tuned on the dev pairs of Quora's standard split.
_TUNED: dict[str, Any] = {
    "units": 192,
    "dropout": 0.3,
    "min_count": 2,
    "batch_size": 256,
    "learning_rate": 2e-3,
    "epochs": 4,
}

_SMALL: dict[str, Any] = {**_TUNED, "max_vocabulary": 36_000, "contrasts": 0.05}

PRESETS: dict[str, dict[str, Any]] = {
    # One vector a question, small and quick.
    "clean": _SMALL,
    # The same with a teacher, as the model that comes with textsiam: more pairs, so larger batches.
    "fast": {**_SMALL, "batch_size": 512},
    # The most accurate so far, with a teacher: both directions, late interaction, every word that occurs twice.
    "accurate": {**_TUNED, "batch_size": 512, "encoder": "bilstm", "measures": (*DEFAULT_MEASURES, "alignment")},
    # The well-known blog recipe of 2019 as published, mistakes included, to measure every repair against: stop words
    # ("not" among them) and digits removed, unknown words dropped, no mask, and u² − v², which changes its sign when
    # the questions swap.
    "singh2019": {
        "encoder": "lstm_flat",
        "units": 64,
        "measures": ("squared_difference", "difference_of_squares", "cosine"),
        "hidden": (100,),
        "dropout": 0.0,
        "train_vectors": False,
        "oov_buckets": 0,
        "correct_spelling": False,
        "min_count": 1,
        "max_vocabulary": None,
        "max_length": 30,
        "stop_words": True,
        "keep_negation": False,
        "keep_digits": False,
        "epochs": 5,
        "patience": 5,
        "batch_size": 128,
        "learning_rate": 1e-5,
        "schedule": "constant",
        "calibration": "none",
    },
}


def preset(name: str) -> dict[str, Any]:
    """Return the parameters of a preset.

    Raises:
        TextsiamError: there is none of this name.
    """
    if name not in PRESETS:
        raise TextsiamError(f"There is no preset {name!r}; there are: {', '.join(PRESETS)}.")
    return dict(PRESETS[name])
