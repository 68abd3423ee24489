"""What a text model is made of: names and sizes, no framework; it travels in the model folder."""

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.siamese.measures import MEASURES, Measure, check_names
from textsiam.text.lexical import LEXICAL_MEASURES, LexicalMeasure, Lexicon

ENCODERS = ("lstm", "bilstm", "lstm_flat")
LOSSES = ("binary_crossentropy", "contrastive")
DEFAULT_MEASURES = (
    "absolute_difference",
    "squared_difference",
    "product",
    "cosine",
    "idf_overlap",
    "stem_overlap",
    "bigram_overlap",
    "idf_containment",
    "least_unshared",
    "most_unshared",
    "shared_numbers",
    "shared_rare_words",
    "length_ratio",
)
ALIGNED, COMPARED = 128, 128  # dimensions of a token's state and units of the dense layer in ``alignment``
LEXICAL_UNITS = 32  # of the dense layer that the lexical measures pass before they join the others


@dataclass(frozen=True)
class Architecture:
    """Encoder, similarity measures and head of a Siamese text model.

    Attributes:
        encoder: "lstm" (last state), "bilstm" (both directions, maximum over time) or "lstm_flat" (the published
            baseline: relu, every step kept, no mask, exactly ``flat_length`` steps).
        units: size of the LSTM state, of each direction.
        embedding: dimensions of the word vectors.
        measures: names of similarity measures, in the order of the head's inputs.
        hidden: units of each dense layer between the measures and the output; the lexical measures pass one more, of
            ``LEXICAL_UNITS``, before they join the others.
        loss: "binary_crossentropy" (measures → dense → sigmoid) or "contrastive" (Euclidean distance, no head).
        margin: of the contrastive loss.
        flat_length: steps of "lstm_flat".
    """

    encoder: str = "lstm"
    units: int = 128
    embedding: int = 200
    measures: tuple[str, ...] = DEFAULT_MEASURES
    hidden: tuple[int, ...] = (256,)
    loss: str = "binary_crossentropy"
    margin: float = 1.0
    flat_length: int = 30

    def __post_init__(self) -> None:
        if self.encoder not in ENCODERS:
            raise TextsiamError(f"There is no encoder {self.encoder!r}; there are: {', '.join(ENCODERS)}.")
        if self.loss not in LOSSES:
            raise TextsiamError(f"There is no loss {self.loss!r} for text; there are: {', '.join(LOSSES)}.")
        for name, value in (("units", self.units), ("embedding", self.embedding), ("flat_length", self.flat_length)):
            if not _whole(value):
                raise TextsiamError(f"{name} must be a whole number of at least 1, not {value!r}.")
        for value in self.hidden:
            if not _whole(value):
                raise TextsiamError(f"hidden layers have whole numbers of units of at least 1, not {value!r}.")
        if not (isinstance(self.margin, (int, float)) and 0 < self.margin < math.inf):
            raise TextsiamError(f"margin must be a number above 0, not {self.margin!r}.")
        check_names(self.measures, _known())
        if self.loss != "contrastive" and not self.vector:
            raise TextsiamError(f"Choose a measure of the encodings beside {', '.join(self.measures)}; cosine, say.")
        if self.baseline and self._of_kind("late"):
            raise TextsiamError("The encoder 'lstm_flat' has no states of tokens to align. Choose lstm or bilstm.")

    @property
    def baseline(self) -> bool:
        """Whether the encoder is that of the published baseline of 2019; see ``baseline2019``."""
        return self.encoder == "lstm_flat"

    @property
    def directions(self) -> tuple[str, ...]:
        """Names of the LSTMs that run side by side."""
        return ("forward", "backward") if self.encoder == "bilstm" else ("forward",)

    @property
    def width(self) -> int:
        """Dimensions of a question's vector."""
        return self.units * len(self.directions) * (self.flat_length if self.baseline else 1)

    @cached_property
    def symmetric(self) -> bool:
        """Whether p(a, b) == p(b, a): true for everything but the 2019 baseline."""
        return self.loss == "contrastive" or all(_known()[name].symmetric for name in self.measures)

    @cached_property
    def vector(self) -> tuple[str, ...]:
        """Names of the measures of the encodings, in their order."""
        return self._of_kind("vector")

    @cached_property
    def lexical(self) -> tuple[str, ...]:
        """Names of the lexical measures among the head's inputs; the contrastive loss has no head."""
        if self.loss == "contrastive":
            return ()
        return tuple(name for name in self.measures if name in LEXICAL_MEASURES)

    @cached_property
    def late(self) -> bool:
        """Whether the states of the tokens are compared, not the encodings alone; the contrastive loss has no head."""
        return self.loss != "contrastive" and bool(self._of_kind("late"))

    def _of_kind(self, kind: str) -> tuple[str, ...]:
        return tuple(name for name in self.measures if name in MEASURES and MEASURES[name].kind == kind)

    def shapes(self, vocabulary: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of every array of a trained model, by name, for a vocabulary of so many ids."""
        shapes: dict[str, tuple[int, ...]] = {
            "embedding.embeddings": (vocabulary, self.embedding),
            **dict.fromkeys(Lexicon.names(), (vocabulary,)),
        }
        for name in self.directions:
            shapes[f"{name}.kernel"] = (self.embedding, 4 * self.units)
            shapes[f"{name}.recurrent_kernel"] = (self.units, 4 * self.units)
            shapes[f"{name}.bias"] = (4 * self.units,)
        if self.loss == "contrastive":
            return shapes
        width = sum(self.width if MEASURES[name].elementwise else 1 for name in self.vector)
        if self.late:
            shapes["token_states.kernel"] = (self.units * len(self.directions), ALIGNED)
            shapes["token_states.bias"] = (ALIGNED,)
            shapes["alignment.kernel"], shapes["alignment.bias"] = (2, ALIGNED, COMPARED), (COMPARED,)
            width += 4 * COMPARED
        if self.lexical:
            shapes["lexical_hidden.kernel"], shapes["lexical_hidden.bias"] = (
                (len(self.lexical), LEXICAL_UNITS),
                (LEXICAL_UNITS,),
            )
            width += LEXICAL_UNITS
        layers = [(f"hidden_{number}", units) for number, units in enumerate(self.hidden)]
        for name, units in [*layers, ("output", 1)]:
            shapes[f"{name}.kernel"], shapes[f"{name}.bias"] = (width, units), (units,)
            width = units
        return shapes

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Architecture":
        """Read what ``to_dict`` returned, after a round through JSON."""
        settings: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**settings)


def _whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and int(value) >= 1


def _known() -> dict[str, Measure | LexicalMeasure]:
    return {**MEASURES, **LEXICAL_MEASURES}
