"""ImageSiamese: the whole path from labelled images, or pairs of them, to verdicts and names."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from textsiam import __version__
from textsiam.errors import TextsiamError
from textsiam.images.answers import Images, TrainedSiamese, labelled_images
from textsiam.images.data.read import PairList
from textsiam.images.encoders import build_image_encoder
from textsiam.images.fit import History, check_settings, train
from textsiam.images.folder import ImageModel, describe_encoder
from textsiam.images.gallery import Gallery
from textsiam.images.network import HeadSettings, SiameseNetwork
from textsiam.images.sources import ImagePart, PairData, Part, Source, labelled_source, scheme_pairs
from textsiam.images.verification import verification_figures
from textsiam.inference.folder import read_bundle
from textsiam.siamese.calibration import fit_calibration
from textsiam.siamese.thresholds import choose_distance


class ImageSiamese(TrainedSiamese):
    """A Siamese network for images: embeddings that lie close together where two images show the same.

    Args:
        encoder: "dense", "lenet", "conv", the name of a backbone of ``keras.applications``, or a Keras model from
            images in [0, 1] to one vector each, which is trained in place.
        loss: "contrastive" or "triplet" on the Euclidean distance, or "binary_crossentropy" on a sigmoid head.
        margin: of the contrastive and the triplet loss.
        form: of the contrastive loss: "distance" or "squared", see ``textsiam.siamese.losses.contrastive_loss``.
        mining: for triplets: "all", "semihard" or "hard" within the batch; "random" negatives; or "nearest", the hard
            negatives of all images, found anew before each epoch.
        measures: vector measures that feed the sigmoid head.
        hidden: units of each dense layer of the sigmoid head.
        dropout: of the sigmoid head, in [0, 1).
        encoder_options: of the encoder of that name, see ``textsiam.images.encoders``.
        pairing: "within" pairs the images of each batch with one another, many pairs an image; "random", "once" and
            "consecutive" are the schemes of ``make_pairs`` on all images, anew each epoch.
        pairs_per_image: for "within".
        positive_fraction: share of same pairs, in [0, 1]; for "once" the least.
        images_per_class: in a batch, for "within" and for triplets found in it; None: as chance will have it, and 4 for
            triplets.
        shift: in training, images are moved by up to so many pixels each way.
        mirror: in training, half of the images are turned left to right.
        epochs: passes over the images, or pairs.
        patience: epochs without gain on the validation part before training stops; None: never.
        batch_size: images in a batch.
        learning_rate: Adam's, at the start; it falls by cosine to a fiftieth.
        calibration: None, "auto", "platt" or "isotonic": verdicts come with probabilities.
        random_state: seed of everything random.

    Attributes:
        threshold_: largest distance at which a pair is called same, chosen on the validation part.
        history_: one list a figure of training, one value an epoch; only after ``fit``.
        model_: the trained ``textsiam.images.folder.ImageModel``.
    """

    def __init__(
        self,
        encoder: str | keras.Model = "dense",
        loss: str = "contrastive",
        margin: float = 1.0,
        *,
        form: str = "distance",
        mining: str = "semihard",
        measures: Sequence[str] = ("squared_difference", "absolute_difference_of_squares", "cosine"),
        hidden: Sequence[int] = (),
        dropout: float = 0.0,
        encoder_options: Mapping[str, Any] | None = None,
        pairing: str = "within",
        pairs_per_image: float = 8,
        positive_fraction: float = 0.5,
        images_per_class: int | None = None,
        shift: int = 0,
        mirror: bool = False,
        epochs: int = 10,
        patience: int | None = None,
        batch_size: int = 128,
        learning_rate: float = 0.001,
        calibration: str | None = None,
        random_state: int = 0,
    ):
        self.encoder = encoder
        self.loss = loss
        self.margin = margin
        self.form = form
        self.mining = mining
        self.measures = measures
        self.hidden = hidden
        self.dropout = dropout
        self.encoder_options = encoder_options
        self.pairing = pairing
        self.pairs_per_image = pairs_per_image
        self.positive_fraction = positive_fraction
        self.images_per_class = images_per_class
        self.shift = shift
        self.mirror = mirror
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.calibration = calibration
        self.random_state = random_state

    def fit(
        self, images: Images, labels: ArrayLike, validation: tuple[Images, ArrayLike] | None = None
    ) -> "ImageSiamese":
        """Train on labelled images.

        Args:
            images: (n, h, w) or (n, h, w, c), integers in [0, 255] or fractions in [0, 1].
            labels: (n,), the class of each: integers or strings.
            validation: images and labels that best epoch, threshold and calibration are chosen on; None: a tenth of the
                images, at random, is held out.

        Returns:
            Itself.

        Raises:
            TextsiamError: a parameter is out of range, or the data do not serve.
        """
        settings = self._settings()
        pixels, classes = labelled_images(images, labels)
        if validation is None:
            held, kept = _held_out(len(classes), settings.random_state)
            validation = pixels[held], classes[held]
            pixels, classes = pixels[kept], classes[kept]
        dev, dev_classes = labelled_images(*validation)
        if dev.shape[1:] != pixels.shape[1:]:
            raise TextsiamError(
                f"Validation images have the shape of the others, {pixels.shape[1:]}, not {dev.shape[1:]}."
            )
        try:
            part = ImagePart(dev, scheme_pairs(dev_classes, settings))
        except TextsiamError as error:
            raise TextsiamError(f"The {len(dev)} validation images make no pairs: {error} Give more images.") from error
        network, specification = self._new_network(settings, pixels.shape[1:])
        source = labelled_source(pixels, classes, settings)
        return self._fit(network, specification, source, part, settings, {"images": len(pixels)})

    def fit_pairs(
        self,
        a: Images | PairList,
        b: Images | None = None,
        same: ArrayLike | None = None,
        validation: Any = None,
        shape: tuple[int, int, int] | None = None,
    ) -> "ImageSiamese":
        """Train on pairs of images; an image that stands in several pairs of a batch is encoded once.

        Args:
            a: the first image of each pair, as for ``fit``; or a ``PairList``, whose pictures are read from the disk
                batch by batch.
            b: the second, likewise; None with a ``PairList``.
            same: (n,), 1 = both show the same; None with a ``PairList``.
            validation: (a, b, same), or a ``PairList``; None: a tenth of the pairs, at random, is held out.
            shape: height, width and channels that the pictures of a ``PairList`` are brought to.

        Returns:
            Itself.

        Raises:
            TextsiamError: a parameter is out of range, or the data do not serve.
        """
        settings = self._settings()
        if settings.loss == "triplet":
            raise TextsiamError("Triplets are made from labels, not from pairs. Call fit, or choose another loss.")
        training = PairData.read(a, b, same)
        if validation is None:
            held, kept = _held_out(len(training), settings.random_state)
            training, dev = training.only(kept), training.only(held)
        else:
            dev = PairData.read(*((validation,) if isinstance(validation, PairList) else validation))
        if not isinstance(training.pairs, PairList):
            shape = training.images.shape[1:]
        elif shape is None:
            raise TextsiamError(
                "Pictures of a PairList are brought to one shape: give shape=(height, width, channels)."
            )
        network, specification = self._new_network(settings, shape)
        return self._fit(
            network, specification, training.source(settings), dev.part(), settings, {"pairs": len(training)}
        )

    def _settings(self) -> SimpleNamespace:
        settings = SimpleNamespace(**vars(self))
        check_settings(settings)
        settings.head = HeadSettings(
            settings.loss,
            settings.margin,
            settings.form,
            tuple(settings.measures),
            tuple(settings.hidden),
            settings.dropout,
        )
        return settings

    def _new_network(
        self, settings: SimpleNamespace, shape: tuple[int, int, int]
    ) -> tuple[SiameseNetwork, dict[str, Any]]:
        keras.utils.set_random_seed(settings.random_state)
        if isinstance(settings.encoder, keras.Model):
            specification = describe_encoder(settings.encoder)
            encoder = settings.encoder
        else:
            options = dict(settings.encoder_options or {})
            specification = {"name": settings.encoder, "options": _without_weights(options)}
            encoder = build_image_encoder(settings.encoder, shape, **options)
        network = SiameseNetwork.build(encoder, settings.head)
        if network.shape != tuple(shape):
            raise TextsiamError(f"The encoder takes images of {network.shape}; these have {tuple(shape)}.")
        return network, specification

    def _fit(
        self,
        network: SiameseNetwork,
        specification: dict[str, Any],
        source: Source,
        part: Part,
        settings: SimpleNamespace,
        counts: dict[str, int],
    ) -> "ImageSiamese":
        start = time.perf_counter()
        self.history_: History = train(network, source, part, settings)
        distances, same, _ = part.measure(network)
        threshold = choose_distance(distances, same, network.usual_distance)
        calibration = None
        if settings.calibration is not None:
            calibration = fit_calibration(-distances, same, settings.calibration, seed=settings.random_state)
        training = {
            "textsiam": __version__,
            **counts,
            "epochs": len(self.history_["loss"]),
            "best_epoch": int(np.argmin(self.history_["val_criterion"])) + 1,
            "minutes": round((time.perf_counter() - start) / 60, 2),
            "parameters": _parameters(self),
        }
        figures = verification_figures(distances, same, threshold, network.costs(distances, same))
        self.model_ = ImageModel(
            network,
            specification,
            threshold,
            calibration,
            Gallery.empty(network.encoder.outputs[0].shape[1]),
            training,
            {"validation": figures.to_dict()},
        )
        return self

    @classmethod
    def load(cls, path: str | Path) -> "ImageSiamese":
        """Read a model folder that ``save`` wrote.

        Raises:
            TextsiamError: there is no such folder, it is foreign or damaged, or it holds what is not data.
        """
        model = ImageModel.from_bundle(read_bundle(path), str(path))
        siamese = cls(**model.training.get("parameters", {}))
        if "keras" in model.encoder:
            siamese.encoder = model.network.encoder
        siamese.model_ = model
        return siamese


def _held_out(count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a tenth of the rows at random, and the others."""
    order = np.random.default_rng([seed, 3]).permutation(count)
    held = max(1, count // 10)
    return order[:held], order[held:]


def _parameters(siamese: ImageSiamese) -> dict[str, Any]:
    """Return the parameters as JSON values; a Keras model stands elsewhere."""
    known = {name: value for name, value in vars(siamese).items() if not name.endswith("_")}
    known["encoder"] = known["encoder"] if isinstance(known["encoder"], str) else "dense"
    if known["encoder_options"]:
        known["encoder_options"] = _without_weights(known["encoder_options"])
    return {name: list(value) if isinstance(value, tuple) else value for name, value in known.items()}


def _without_weights(options: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the file that first values came from: the folder has all weights."""
    return {name: value for name, value in options.items() if name != "weights"}
