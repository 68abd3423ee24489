"""What a learner is given, checked: pairs of questions, labels, a teacher's probabilities."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from textsiam.errors import TextsiamError
from textsiam.files.pairs import parse_labels
from textsiam.files.tables import listing

Pairs = Any  # a frame with question1 and question2, or anything of shape (n, 2) that holds strings
Labels = Any  # (n,) of 0 and 1: a list, an array, a series


@dataclass(frozen=True)
class LabelledPairs:
    """Pairs with their labels.

    Attributes:
        questions: strings (n, 2).
        labels: (n,), 1 = duplicate, 0 = not; or a teacher's probabilities in [0, 1].
    """

    questions: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if len(self.questions) != len(self.labels):
            raise TextsiamError(
                f"Every pair has one label; received {len(self.questions)} pairs and {len(self.labels)} labels."
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def taught(self) -> bool:
        """Whether the labels are probabilities."""
        return self.labels.dtype.kind == "f"


def check_labels(labels: ArrayLike, name: str = "The labels") -> NDArray[np.int8]:
    """Demand labels that a model can be trained on: 0 and 1, both of them.

    Args:
        labels: (n,) numbers, booleans or texts, as `read_pairs` accepts them.
        name: What the labels are, to begin the error with.

    Returns:
        (n,) int8 of 0 and 1.

    Raises:
        TextsiamError: There are none, one is neither 0 nor 1, or all are alike.
    """
    values = np.asarray(labels)
    if values.ndim != 1 or not values.size:
        raise TextsiamError(f"{name} must be one value a pair, of shape (n,); received shape {values.shape}.")
    parsed = parse_labels(pd.Series(values).astype(str), name)
    if parsed.min() == parsed.max():
        raise TextsiamError(f"{name} must hold both 0 and 1; all {len(parsed)} are {parsed[0]}. Add the other class.")
    return parsed


def check_targets(labels: ArrayLike) -> NDArray[np.int8] | NDArray[np.float32]:
    """Demand what a model can learn from: labels, see `check_labels`, or a teacher's probabilities of a duplicate.

    Returns:
        (n,) int8 of 0 and 1, or, where a number lies between them, float32 in [0, 1].

    Raises:
        TextsiamError: see `check_labels`.
    """
    values = np.asarray(labels)
    if values.ndim == 1 and values.dtype.kind == "f" and ((values > 0) & (values < 1)).any():
        wrong = np.flatnonzero(~((values >= 0) & (values <= 1)))
        if len(wrong):
            row = f"row {wrong[0] + 1} has {values[wrong[0]]}"
            raise TextsiamError(f"The labels: a probability must lie in [0, 1]; {row}. Correct it.")
        return values.astype(np.float32)
    return check_labels(labels)


def check_pairs(X: Pairs) -> np.ndarray:
    """Return the pairs that a learner is given as an object array of strings, (n, 2).

    Args:
        X: a frame or Arrow table with ``question1`` and ``question2``, or of two columns; an array or list of shape
            (n, 2); ``zip(questions1, questions2)``.

    Raises:
        TextsiamError: X is none of these, or holds something other than strings, or nothing.
    """
    if hasattr(X, "to_pandas"):  # an Arrow table
        X = X.to_pandas()
    if isinstance(X, Iterator):
        X = list(X)
    if isinstance(X, pd.DataFrame) and {"question1", "question2"} <= set(X.columns):
        X = X[["question1", "question2"]]
    elif isinstance(X, pd.DataFrame) and X.shape[1] != 2:
        raise TextsiamError(
            f"A frame of pairs has columns question1 and question2; this one has: {listing(X.columns)}.",
            "Rename its columns.",
        )
    pairs = np.asarray(X, dtype=object)
    if pairs.ndim and not len(pairs):
        raise TextsiamError("There are no pairs.", "Give at least one.")
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise TextsiamError(
            f"Pairs have shape (n, 2), two questions a row; received shape {pairs.shape}.",
            "Give list(zip(questions1, questions2)).",
        )
    for position, value in enumerate(pairs.flat):
        if not isinstance(value, str):
            raise TextsiamError(
                f"Questions are text; row {position // 2 + 1} has {value!r:.60} ({type(value).__name__})."
            )
    return pairs
