"""The parameters of DuplicateClassifier: what they may be, and what of them is written down."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.inference.architecture import DEFAULT_MEASURES, ENCODERS, LOSSES, Architecture
from textsiam.siamese.parameters import (
    check_parameters,
    listed,
    names,
    number,
    one_of,
    parameter,
    positive,
    seed,
    share,
    truth,
    whole,
)

SELF_TRAINED = "self"


@dataclass(frozen=True)
class TextParameters:
    """The parameters of ``DuplicateClassifier``.

    >>> TextParameters(units=64).units
    64
    >>> TextParameters(dropout=2)
    Traceback (most recent call last):
    ...
    textsiam.TextsiamError: dropout must be a number in [0, 1), not 2.

    Raises:
        TextsiamError: one is not what it may be.
    """

    encoder: str = parameter(
        "lstm", "lstm (last state) or bilstm (maximum over time); lstm_flat is the 2019 baseline's.", one_of(*ENCODERS),
        option="encoder",
    )  # fmt: skip
    units: int = parameter(128, "Size of the LSTM state, of each direction.", whole(1), option="units")
    measures: Sequence[str] = parameter(
        DEFAULT_MEASURES, "Similarity measures that feed the head, separated by commas.", listed(), option="measures"
    )
    hidden: Sequence[int] = parameter((256,), "Units of each dense layer of the head.", listed(), option="hidden")
    dropout: float = parameter(
        0.2, "Share of word-vector dimensions and hidden units dropped in training, in [0, 1).", number(0, 1),
        option="dropout", warm=True,
    )  # fmt: skip
    vectors: str | Path | Sequence[str | Path] | None = parameter(
        SELF_TRAINED,
        "GloVe-format file, self (trained on the questions) or random; several stand side by side.",
        option="vectors",
    )
    vector_size: int = parameter(200, "Dimensions of self-trained or random vectors.", whole(1))
    train_vectors: bool = parameter(True, "Tune the vectors in training.", truth(), option="freeze-vectors", warm=True)
    min_count: int = parameter(
        3, "Words that occur less often in the distinct training questions are unknown.", whole(1)
    )
    max_vocabulary: int | None = parameter(50_000, "Words kept at most; None keeps all.", whole(1, none=True))
    oov_buckets: int = parameter(256, "Ids that the unknown words share, an even number.", whole(0))
    correct_spelling: bool = parameter(
        True, "An unknown word counts as the most frequent known one that is one slip of typing away.", truth()
    )
    max_length: int = parameter(60, "Tokens looked at in a question.", whole(1), option="max-length")
    stem: bool = parameter(False, "Reduce words to their stems (English).", truth(), option="stem")
    stop_words: bool = parameter(False, "Drop English stop words.", truth(), option="stop-words")
    keep_negation: bool = parameter(True, 'But not "not" and its kin.', truth())
    keep_digits: bool = parameter(True, "Keep tokens with a digit.", truth())
    contrasts: float = parameter(
        0.0, "Near copies to make by rule and learn from, as a share of the pairs (English).", number(0, 10),
        option="contrasts", warm=True,
    )  # fmt: skip
    loss: str = parameter(
        "binary_crossentropy", "binary_crossentropy, or contrastive on the encodings' distance.", one_of(*LOSSES),
        option="loss",
    )  # fmt: skip
    margin: float = parameter(1.0, "Of the contrastive loss.", positive())
    epochs: int = parameter(4, "Passes over the training pairs, at most.", whole(1), option="epochs", warm=True)
    patience: int = parameter(
        2, "Epochs without a lower log loss on dev after which training stops.", whole(1), option="patience", warm=True
    )
    batch_size: int = parameter(512, "Pairs a step.", whole(1), option="batch-size", warm=True)
    learning_rate: float = parameter(1e-3, "Adam's, at the start.", positive(), option="learning-rate", warm=True)
    schedule: str = parameter(
        "cosine", "cosine, down to a twentieth over all epochs, or constant.", one_of("cosine", "constant"), warm=True
    )
    class_weight: str | None = parameter(
        None, "balanced weighs both labels alike.", one_of(None, "balanced"), option="class-weight", warm=True
    )
    calibration: str = parameter(
        "auto", "auto (the better of both), platt, isotonic or none.", one_of("auto", "platt", "isotonic", "none"),
        option="calibration", warm=True, resume=True,
    )  # fmt: skip
    objective: str = parameter(
        "accuracy", "What the threshold is best for: accuracy, f1 or precision.", one_of("accuracy", "f1", "precision"),
        option="objective", warm=True, resume=True,
    )  # fmt: skip
    precision: float | None = parameter(
        None, "Wanted precision, in (0, 1], for that objective.", share(), option="precision", warm=True, resume=True
    )
    random_state: int = parameter(0, "Seed of everything random.", seed(), option="seed", warm=True)
    warm_start: bool = parameter(
        False, "Train the model at hand further: its words and its network stay.", truth(), warm=True
    )
    verbose: int = parameter(
        0, "1 draws a progress bar in a terminal; 0 does not.", one_of(0, 1, 2), warm=True, resume=True
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if not all(isinstance(source, (str, Path)) for source in self.sources()):
            raise TextsiamError(f"vectors are files or 'self', not {self.vectors!r:.60}.")
        if self.oov_buckets == 0 and self.encoder != "lstm_flat":
            raise TextsiamError("oov_buckets must be at least 2: a question of unknown words only would have no token.")
        if (self.objective == "precision") != (self.precision is not None):
            raise TextsiamError(
                "The objective 'precision' and the wanted precision go together.", "Give precision=… or neither."
            )
        self.architecture(embedding=1)

    def architecture(self, *, embedding: int) -> Architecture:
        """Return the architecture that the parameters describe, with word vectors of so many dimensions."""
        return Architecture(
            encoder=self.encoder,
            units=self.units,
            embedding=embedding,
            measures=tuple(self.measures),
            hidden=tuple(self.hidden),
            loss=self.loss,
            margin=self.margin,
            flat_length=self.max_length,
        )

    def sources(self) -> list[str | Path]:
        """Return where the word vectors come from, in their order; none: random ones."""
        if self.vectors is None or isinstance(self.vectors, (str, Path)):
            return [] if self.vectors is None else [self.vectors]
        if not isinstance(self.vectors, Sequence):
            raise TextsiamError(f"vectors are files or 'self', not {self.vectors!r:.60}.")
        return list(self.vectors)

    def recorded(self) -> dict[str, Any]:
        """Return the parameters as JSON values, files of vectors without their folders."""
        return {name: _plain(value) for name, value in asdict(self).items()} | {
            "vectors": _without_folders(self.vectors)
        }

    def lasting(self) -> dict[str, Any]:
        """Return those that a resumed training must share with the one that it continues."""
        return {name: value for name, value in asdict(self).items() if name not in names(self, lambda of: of.resume)}

    def check_warm_start(self, before: Mapping[str, Any]) -> None:
        """Refuse to train a model further with other parameters than made it, but for those that steer training.

        Args:
            before: those of the model, as ``recorded`` returned them.

        Raises:
            TextsiamError: one differs.
        """
        settled = names(self, lambda of: not of.warm)
        for name, value in self.recorded().items():
            if name in settled and name in before and before[name] != value:
                raise TextsiamError(
                    f"warm_start trains the model at hand further, whose {name} is {before[name]!r}, not {value!r}.",
                    f"Leave {name} as it is, or train a new model.",
                )


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
