"""From questions to decisions: which threshold, which share of duplicates to expect."""

import os
import platform
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from textsiam import __version__
from textsiam.errors import TextsiamError
from textsiam.inference.model import BUNDLED, Model, as_model, default_folder
from textsiam.siamese.calibration import prior_shift
from textsiam.siamese.thresholds import check_threshold

ModelLike = Any  # a Model, its folder, a fitted DuplicateClassifier, or None: see ``as_model``


def is_duplicate(
    q1: str | Sequence[str],
    q2: str | Sequence[str],
    *,
    model: ModelLike = None,
    threshold: float | None = None,
) -> bool | np.ndarray:
    """Decide whether two questions ask the same thing.

    >>> is_duplicate("How do I learn Python?", "What is the best way to learn Python?")
    True
    >>> is_duplicate(["How do I learn chess?"] * 2, ["Where is Oslo?", "How can I learn chess?"]).tolist()
    [False, True]

    Args:
        q1: a question, or n of them.
        q2: the question to compare it with, or n of them.
        model: a model, its folder, or a fitted ``DuplicateClassifier``; None as in ``load_model``.
        threshold: lowest probability of a duplicate, in [0, 1]; None takes the model's own.

    Returns:
        bool, or a boolean array (n,) for sequences.

    Raises:
        TextsiamError: the questions are not two texts or two sequences of the same length, or the model is no model.
    """
    chosen = as_model(model)
    if threshold is None:
        threshold = chosen.threshold
    else:
        check_threshold(threshold)
    answer = similarity(q1, q2, model=chosen) >= threshold
    return answer if isinstance(answer, np.ndarray) else bool(answer)


def similarity(q1: str | Sequence[str], q2: str | Sequence[str], *, model: ModelLike = None) -> float | np.ndarray:
    """Return the calibrated probability that two questions ask the same thing, in [0, 1], higher = more alike.

    >>> similarity("How do I learn chess?", "how do I learn chess")
    1.0

    Args and errors are those of ``is_duplicate``; a float, or float64 (n,) for sequences. Texts that differ at most in
    case, white space, typographic variants and marks at a sentence's end have probability 1, two empty ones too; no
    others are certain.
    """
    chosen = as_model(model)
    if isinstance(q1, str) and isinstance(q2, str):
        return float(chosen.probabilities([q1], [q2])[0])
    return chosen.probabilities(_texts(q1), _texts(q2))


def _texts(questions: Any) -> list[str]:
    """Return a sequence of questions as a list; refuse what is none, or has no order."""
    table = getattr(questions, "ndim", 1) != 1
    if isinstance(questions, (str, bytes, Mapping, Set)) or not isinstance(questions, Iterable) or table:
        raise TextsiamError(
            f"Give two questions, or two sequences of questions; received {type(questions).__name__} among them."
        )
    texts = list(questions)
    for text in texts:
        if not isinstance(text, str):
            raise TextsiamError(f"Questions are text; received {text!r:.60} ({type(text).__name__}).")
    return texts


@dataclass(frozen=True, eq=False)
class Answers:
    """What is said of n pairs.

    Attributes:
        probabilities: float64 (n,) in [0, 1], NaN where a question is blank.
        duplicates: bool (n,), False where a question is blank.
        present: bool (n,), whether both questions say something.
    """

    probabilities: np.ndarray
    duplicates: np.ndarray
    present: np.ndarray


@dataclass(frozen=True)
class Decisions:
    """How questions become probabilities and decisions.

    Attributes:
        model: the trained model.
        threshold: lowest probability of a duplicate, in [0, 1].
        prior: share of duplicates expected among the pairs, in (0, 1); None: as where the model was calibrated.
    """

    model: Model
    threshold: float
    prior: float | None = None

    def __call__(self, question1: Sequence[str], question2: Sequence[str]) -> Answers:
        """Answer n pairs."""
        present = np.ones(len(question1), bool)
        if not (all(map(str.strip, question1)) and all(map(str.strip, question2))):
            present[:] = [bool(a.strip() and b.strip()) for a, b in zip(question1, question2, strict=True)]
            question1, question2 = (list(compress(texts, present)) for texts in (question1, question2))
        values = self.model.probabilities(question1, question2)
        if self.prior is not None:
            values = prior_shift(values, self.model.prior, self.prior)
        probabilities = np.full(len(present), np.nan)
        probabilities[present] = values
        return Answers(probabilities, probabilities >= self.threshold, present)


@dataclass(frozen=True)
class RemoteDecisions:
    """Decisions that another process makes, on whatever machine: it reads the model itself.

    Attributes:
        folder: the model's; None: the one that comes with textsiam.
        digest: the model's.
        threshold: see ``Decisions``.
        prior: see ``Decisions``.
        version: of the textsiam that asks for them.
    """

    folder: str | None
    digest: str
    threshold: float
    prior: float | None
    version: str = __version__

    def load(self) -> Decisions:
        """Return the decisions, with a model that computes in one thread, read once a process.

        Raises:
            TextsiamError: there is another textsiam here, or no such model.
        """
        if self.version != __version__:
            raise TextsiamError(
                f"The worker {platform.node()} has textsiam {__version__}, the client {self.version}.",
                "Install the same.",
            )
        known = as_model(self.folder or BUNDLED)
        if known.digest != self.digest:
            raise TextsiamError(
                f"The model in {self.folder or BUNDLED} on the worker {platform.node()} is another than the client's.",
                "Put the same folder there.",
            )
        return Decisions(known.plain(threads=1), self.threshold, self.prior)


def decisions(
    model: ModelLike = None,
    *,
    threshold: float | None = None,
    precision: float | None = None,
    prior: float | None = None,
) -> Decisions:
    """Choose how to decide. A model's memory of questions is left out, so that answers do not depend on earlier ones.

    Args:
        model: see ``is_duplicate``.
        threshold: lowest probability of a duplicate, in [0, 1]; None takes the model's own.
        precision: take the threshold that had at least this precision on the model's dev pairs, in (0, 1].
        prior: share of duplicates expected, in (0, 1): probabilities are moved to it by Bayes' rule, see
            ``calibration.prior_shift``. The threshold stays as it is.

    Raises:
        TextsiamError: one of them is out of range, or two exclude each other.
    """
    chosen = as_model(model)
    chosen = chosen.plain(threads=chosen.threads)
    if precision is not None and (threshold is not None or prior is not None):
        raise TextsiamError(
            "A precision sets the threshold, for the share of duplicates that the model knows.",
            "Give precision=… without threshold and prior.",
        )
    if prior is not None and not (isinstance(prior, (int, float, np.number)) and 0 < prior < 1):
        raise TextsiamError(
            f"prior is a share of duplicates, not {prior!r}.", "Give prior=… between 0 and 1, both left out."
        )
    if precision is not None:
        threshold = chosen.threshold_for(precision)
    return Decisions(chosen, chosen.threshold if threshold is None else check_threshold(threshold), prior)


def remote_decisions(
    model: ModelLike = None,
    *,
    threshold: float | None = None,
    precision: float | None = None,
    prior: float | None = None,
) -> RemoteDecisions:
    """Choose how other processes decide; see ``decisions``.

    Raises:
        TextsiamError: see ``decisions``; or the model is no folder that they could read.
    """
    if not (model is None or isinstance(model, (str, os.PathLike))):
        raise TextsiamError("Dask's workers read the model themselves.", "Give its folder, not a loaded model.")
    folder = os.path.abspath(default_folder() if model is None else model)  # noqa: PTH100 - links stay
    chosen = decisions(folder, threshold=threshold, precision=precision, prior=prior)
    return RemoteDecisions(
        None if Path(folder) == BUNDLED else folder, chosen.model.digest, chosen.threshold, chosen.prior
    )
