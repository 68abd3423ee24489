"""The parameters of ImageSiamese: what they may be, and what of them is written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from textsiam.images.network import LOSSES, HeadSettings
from textsiam.siamese.losses import CONTRASTIVE_FORMS, MINING
from textsiam.siamese.parameters import (
    check_parameters,
    listed,
    names,
    number,
    one_of,
    parameter,
    positive,
    seed,
    truth,
    whole,
)

PAIRINGS = ("within", "random", "once", "consecutive")
MININGS = (*MINING, "random", "nearest")


@dataclass(frozen=True)
class ImageParameters:
    """The parameters of ``ImageSiamese``.

    >>> ImageParameters(pairing="never")
    Traceback (most recent call last):
    ...
    textsiam.TextsiamError: pairing must be one of within, random, once, consecutive, not 'never'.

    Raises:
        TextsiamError: one is not what it may be.
    """

    encoder: str | keras.Model = parameter(
        "dense", "dense, lenet, conv, a backbone of keras.applications by name, or a Keras model, trained in place."
    )
    loss: str = parameter(
        "contrastive", "contrastive, triplet, or binary_crossentropy on a sigmoid head.", one_of(*LOSSES)
    )
    margin: float = parameter(1.0, "Of the contrastive and the triplet loss.", positive())
    form: str = parameter("distance", "Of the contrastive loss: distance or squared.", one_of(*CONTRASTIVE_FORMS))
    mining: str = parameter(
        "semihard",
        "Triplets: all, semihard or hard within the batch; random negatives; nearest, of all images, anew each epoch.",
        one_of(*MININGS),
    )
    measures: Sequence[str] = parameter(
        ("squared_difference", "absolute_difference_of_squares", "cosine"), "Of the sigmoid head.", listed()
    )
    hidden: Sequence[int] = parameter((), "Units of each dense layer of the sigmoid head.", listed())
    dropout: float = parameter(0.0, "Of the sigmoid head, in [0, 1).", number(0, 1))
    encoder_options: Mapping[str, Any] | None = parameter(None, "Of the encoder of that name.")
    pairing: str = parameter(
        "within",
        "within pairs the images of each batch, many pairs an image; random, once, consecutive: see make_pairs.",
        one_of(*PAIRINGS),
    )
    pairs_per_image: float = parameter(8, "For within.", number(0))
    positive_fraction: float = parameter(
        0.5, "Share of same pairs, in [0, 1]; for once the least.", number(0, 1 + 1e-12)
    )
    images_per_class: int | None = parameter(
        None,
        "In a batch, for within and triplets; None: as chance will have it, and 4 for triplets.",
        whole(2, none=True),
    )
    shift: int = parameter(0, "In training, images are moved by up to so many pixels each way.", whole(0))
    mirror: bool = parameter(False, "In training, half of the images are turned left to right.", truth())
    epochs: int = parameter(10, "Passes over the images, or pairs.", whole(1))
    patience: int | None = parameter(
        None, "Epochs without gain before training stops; None: never.", whole(0, none=True)
    )
    batch_size: int = parameter(128, "Images in a batch.", whole(2))
    learning_rate: float = parameter(0.001, "Adam's, at the start; it falls by cosine to a fiftieth.", positive())
    calibration: str | None = parameter(
        None,
        "auto, platt or isotonic: verdicts come with probabilities.",
        one_of(None, "auto", "platt", "isotonic"),
        resume=True,
    )
    random_state: int = parameter(0, "Seed of everything random.", seed())
    verbose: int = parameter(0, "1 draws a progress bar in a terminal; 0 does not.", one_of(0, 1), resume=True)

    def __post_init__(self) -> None:
        check_parameters(self)
        self.head()

    def head(self) -> HeadSettings:
        """Return the settings of the head."""
        return HeadSettings(self.loss, self.margin, self.form, tuple(self.measures), tuple(self.hidden), self.dropout)

    def recorded(self) -> dict[str, Any]:
        """Return the parameters as JSON values; a Keras model stands elsewhere, first weights in the folder."""
        known = dict(vars(self))
        known["encoder"] = known["encoder"] if isinstance(known["encoder"], str) else "dense"
        if known["encoder_options"]:
            known["encoder_options"] = without_weights(known["encoder_options"])
        return {name: list(value) if isinstance(value, tuple) else value for name, value in known.items()}

    def lasting(self) -> dict[str, Any]:
        """Return those that a resumed training must share with the one that it continues, as JSON values."""
        return {name: value for name, value in self.recorded().items() if name not in names(self, lambda of: of.resume)}


def without_weights(options: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the file that first values came from: the folder has all weights."""
    return {name: value for name, value in options.items() if name != "weights"}
