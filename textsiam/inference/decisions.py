"""From questions to decisions: which threshold, which share of duplicates to expect."""

import os
import platform
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from textsiam import __version__
from textsiam.errors import TextsiamError
from textsiam.inference.model import BUNDLED, Model, as_model, check_threshold, default_folder
from textsiam.siamese.calibration import prior_shift


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

    def __call__(
        self, question1: Sequence[str], question2: Sequence[str]
    ) -> tuple[list[float | None], list[bool | None]]:
        """Return probability and decision of each pair, None for both where a question is blank."""
        blank = not (all(map(str.strip, question1)) and all(map(str.strip, question2)))
        if blank:
            present = [bool(a.strip()) and bool(b.strip()) for a, b in zip(question1, question2, strict=True)]
            question1, question2 = (
                [text for text, asked in zip(texts, present, strict=True) if asked] for texts in (question1, question2)
            )
        values = self.model.probabilities(question1, question2)
        if self.prior is not None:
            values = prior_shift(values, self.model.prior, self.prior)
        probabilities, duplicates = values.tolist(), (values >= self.threshold).tolist()
        if blank:
            answers = iter(zip(probabilities, duplicates, strict=True))
            both = [next(answers) if asked else (None, None) for asked in present]
            probabilities, duplicates = [probability for probability, _ in both], [duplicate for _, duplicate in both]
        return probabilities, duplicates


@dataclass(frozen=True)
class Elsewhere:
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
                f"The worker {platform.node()} has textsiam {__version__}, the client {self.version}. Install the same."
            )
        known = as_model(self.folder or BUNDLED)
        if known.digest != self.digest:
            raise TextsiamError(
                f"The model in {self.folder or BUNDLED} on the worker {platform.node()} is another than the client's. "
                "Put the same folder there."
            )
        model = copy(known)
        model.threads = 1
        return Decisions(model, self.threshold, self.prior)


def decisions(
    model: Model | str | Path | None = None,
    *,
    threshold: float | None = None,
    precision: float | None = None,
    prior: float | None = None,
) -> Decisions:
    """Choose how to decide. A model's memory of questions is left out, so that answers do not depend on earlier ones.

    Args:
        model: a model or its folder; None as in ``load_model``.
        threshold: lowest probability of a duplicate, in [0, 1]; None takes the model's own.
        precision: take the threshold that had at least this precision on the model's dev pairs, in (0, 1].
        prior: share of duplicates expected, in (0, 1): probabilities are moved to it by Bayes' rule, see
            ``calibration.prior_shift``. The threshold stays as it is.

    Raises:
        TextsiamError: one of them is out of range, or two exclude each other.
    """
    chosen = as_model(model)
    if chosen.cache is not None:
        chosen = copy(chosen)
        chosen.cache = None
    if precision is not None and (threshold is not None or prior is not None):
        raise TextsiamError(
            "A precision sets the threshold, for the share of duplicates that the model knows: give it "
            "without threshold and prior."
        )
    if prior is not None and not (isinstance(prior, (int, float, np.number)) and 0 < prior < 1):
        raise TextsiamError(f"prior is a share of duplicates between 0 and 1, not {prior!r}.")
    if precision is not None:
        threshold = chosen.threshold_for(precision)
    return Decisions(chosen, chosen.threshold if threshold is None else check_threshold(threshold), prior)


def decisions_elsewhere(
    model: Model | str | Path | None = None,
    *,
    threshold: float | None = None,
    precision: float | None = None,
    prior: float | None = None,
) -> Elsewhere:
    """Choose how other processes decide; see ``decisions``.

    Raises:
        TextsiamError: see ``decisions``; or the model is no folder that they could read.
    """
    if isinstance(model, Model):
        raise TextsiamError("Dask's workers read the model themselves: give its folder, not a loaded model.")
    folder = os.path.abspath(default_folder() if model is None else model)  # noqa: PTH100 - links stay
    chosen = decisions(folder, threshold=threshold, precision=precision, prior=prior)
    return Elsewhere(None if Path(folder) == BUNDLED else folder, chosen.model.digest, chosen.threshold, chosen.prior)
