"""ImageSiamese: the whole path from labelled images, or pairs of them, to verdicts and names."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from textsiam._version import __version__
from textsiam.bundle import read_bundle, write_bundle
from textsiam.calibration import fit_calibration
from textsiam.encoders.image import build_image_encoder
from textsiam.errors import TextsiamError
from textsiam.images.batches import distinct
from textsiam.images.datasets import PairList
from textsiam.images.fitting import (
    MININGS,
    PAIRINGS,
    History,
    ImagePart,
    Part,
    Source,
    StreamedPart,
    StreamedSource,
    labelled_source,
    pair_source,
    scheme_pairs,
    train,
)
from textsiam.images.folder import ImageModel, build_encoder, describe_encoder
from textsiam.images.gallery import Gallery, Identification
from textsiam.images.network import Floats, HeadSettings, SiameseNetwork
from textsiam.images.pixels import Bytes, as_pixels
from textsiam.images.verification import VerificationFigures, choose_distance, verification_figures
from textsiam.pairing import Pairs

Images = ArrayLike  # (n, h, w) or (n, h, w, c): integers in [0, 255] or fractions in [0, 1]


@dataclass(frozen=True)
class Verdicts:
    """What a model says of pairs of images.

    Attributes:
        same: (n,), bool: the distance is at most the threshold.
        distances: (n,), at least 0.
        probabilities: (n,), that both show the same, in (0, 1); None where the model is not calibrated.
    """

    same: NDArray[np.bool_]
    distances: Floats
    probabilities: NDArray[np.float64] | None


class ImageSiamese:
    """A Siamese network for images: embeddings that lie close together where two images show the same.

    Args:
        encoder: "dense", "lenet", "conv", the name of a backbone of ``keras.applications``, or a Keras model from
            images in [0, 1] to one vector each, which is trained in place.
        loss: "contrastive" or "triplet" on the Euclidean distance, or "binary_crossentropy" on a sigmoid head.
        margin: of the contrastive and the triplet loss.
        form: of the contrastive loss: "distance" or "squared", see ``textsiam.losses.contrastive_loss``.
        mining: for triplets: "all", "semihard" or "hard" within the batch; "random" negatives; or "nearest", the hard
            negatives of all images, found anew before each epoch.
        measures: vector measures that feed the sigmoid head.
        hidden: units of each dense layer of the sigmoid head.
        dropout: of the sigmoid head, in [0, 1).
        encoder_options: of the encoder of that name, see ``textsiam.encoders.image``.
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
        pixels, classes = _labelled(images, labels)
        if validation is None:
            held, kept = _held_out(len(classes), settings.random_state)
            validation = pixels[held], classes[held]
            pixels, classes = pixels[kept], classes[kept]
        dev, dev_classes = _labelled(*validation)
        if dev.shape[1:] != pixels.shape[1:]:
            raise TextsiamError(
                f"Validation images have the shape of the others, {pixels.shape[1:]}, not {dev.shape[1:]}."
            )
        part = ImagePart(dev, scheme_pairs(dev_classes, settings))
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
        training = _Pairs.read(a, b, same)
        if validation is None:
            held, kept = _held_out(len(training), settings.random_state)
            training, dev = training.only(kept), training.only(held)
        else:
            dev = _Pairs.read(*((validation,) if isinstance(validation, PairList) else validation))
        if training.images is not None:
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
        """Return the parameters, checked."""
        settings = SimpleNamespace(**vars(self))
        _check_among("pairing", settings.pairing, PAIRINGS)
        _check_among("mining", settings.mining, MININGS)
        for name, least in (("epochs", 1), ("batch_size", 2), ("patience", 0), ("images_per_class", 2)):
            value = getattr(settings, name)
            if value is not None and not (isinstance(value, (int, np.integer)) and value >= least):
                raise TextsiamError(f"{name} is a whole number, at least {least}, not {value!r}.")
        if not settings.learning_rate > 0:
            raise TextsiamError(f"learning_rate lies above 0, not at {settings.learning_rate!r}.")
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
            specification = {"name": settings.encoder, "options": options}
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

    @property
    def threshold_(self) -> float:
        """Largest distance at which a pair is called same."""
        return self._trained().threshold

    def _trained(self) -> ImageModel:
        if not hasattr(self, "model_"):
            raise TextsiamError("The model is not trained yet. Call fit, or load a saved one.")
        return self.model_

    def embed(self, images: Images) -> Floats:
        """Return the embeddings of images, float32 (n, d).

        Args:
            images: (n, h, w) or (n, h, w, c), of the shape that the model was trained on.

        Raises:
            TextsiamError: the images have another shape, or the model is not trained.
        """
        network = self._trained().network
        pixels = as_pixels(images)
        if pixels.shape[1:] != network.shape:
            raise TextsiamError(
                f"The model takes images of {network.shape} (height, width, channels); these have {pixels.shape[1:]}. "
                "Bring them to it: textsiam.images.pixels.fit_images."
            )
        return network.embed(pixels)

    def distance(self, a: Images, b: Images) -> Floats:
        """Return the distance of images, pair by pair, (n,), at least 0; distance(a, b) is exactly distance(b, a).

        With a sigmoid head it is 1 − the probability that the head gives.

        Args:
            a: as for ``embed``.
            b: as many.

        Raises:
            TextsiamError: see ``embed``; or there are not as many in both.
        """
        u, v = self.embed(a), self.embed(b)
        if len(u) != len(v):
            raise TextsiamError(f"Pairs need as many images on both sides; got {len(u)} and {len(v)}.")
        return self._trained().network.compare(u, v)

    def verify(self, a: Images, b: Images, threshold: float | None = None) -> Verdicts:
        """Say of each pair whether both images show the same.

        Args:
            a: as for ``embed``.
            b: as many.
            threshold: largest distance of a same pair; None takes the model's own.

        Raises:
            TextsiamError: see ``distance``.
        """
        distances = self.distance(a, b)
        calibration = self._trained().calibration
        return Verdicts(
            distances <= (self.threshold_ if threshold is None else threshold),
            distances,
            calibration(-distances) if calibration else None,
        )

    def evaluate(self, images: Images, labels: ArrayLike, pairs: Pairs | None = None) -> VerificationFigures:
        """Measure the model on labelled images, with the model's own threshold.

        Args:
            images: as for ``embed``.
            labels: (n,), the class of each.
            pairs: of these images; None: each once with one of its class and once with another, by
                ``textsiam.pairing.make_pairs``.

        Raises:
            TextsiamError: see ``embed``; or the labels do not serve.
        """
        pixels, classes = _labelled(images, labels)
        chosen = scheme_pairs(classes, SimpleNamespace(pairing="random", positive_fraction=0.5, random_state=0))
        embeddings = self.embed(pixels)
        chosen = chosen if pairs is None else pairs
        distances = self._trained().network.compare(embeddings[chosen.first], embeddings[chosen.second])
        return self._figures(distances, chosen.same)

    def evaluate_pairs(
        self, a: Images | PairList, b: Images | None = None, same: ArrayLike | None = None
    ) -> VerificationFigures:
        """Measure the model on pairs, given as for ``fit_pairs``, with the model's own threshold.

        Raises:
            TextsiamError: the pairs do not serve.
        """
        network = self._trained().network
        distances, truth, _ = _Pairs.read(a, b, same).part().measure(network)
        return self._figures(distances, truth)

    def _figures(self, distances: Floats, same: NDArray[np.int8]) -> VerificationFigures:
        network = self._trained().network
        return verification_figures(distances, same, self.threshold_, network.costs(distances, same))

    def enroll(self, name: str, images: Images) -> None:
        """Make a name known by its images, one or more; nothing is trained.

        Args:
            name: a text other than "unknown"; a name that is known already gets more images.
            images: as for ``embed``.

        Raises:
            TextsiamError: see ``embed``; or the name or the images do not serve.
        """
        model = self._trained()
        self.model_ = replace(model, gallery=model.gallery.enroll(name, self.embed(images)))

    def identify(self, images: Images, k: int = 1, threshold: float | None = None) -> list[Identification]:
        """Say which of the enrolled names each image shows, or "unknown" where none is near enough.

        Args:
            images: as for ``embed``.
            k: how many of the nearest names to tell.
            threshold: largest distance of a name; None takes the model's own.

        Raises:
            TextsiamError: see ``embed``; or nobody is enrolled.
        """
        model = self._trained()
        limit = model.threshold if threshold is None else threshold
        return model.gallery.identify(self.embed(images), model.network.compare, limit, k)

    def save(self, path: str | Path, *, overwrite: bool = False, extras: dict[str, bytes] | None = None) -> None:
        """Write the model folder, the gallery in it.

        Args:
            path: the folder.
            overwrite: replace a model that is there.
            extras: other files to put into it, by name.

        Raises:
            TextsiamError: the folder exists and ``overwrite`` is off, or it cannot be written.
        """
        write_bundle(path, replace(self._trained().to_bundle(), extras=extras or {}), overwrite=overwrite)

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


@dataclass(frozen=True)
class _Pairs:
    """Pairs of images: in memory, each distinct image once, or on the disk."""

    images: Bytes | None
    pairs: Pairs | PairList

    @classmethod
    def read(cls, a: Any, b: Any = None, same: Any = None) -> "_Pairs":
        if isinstance(a, PairList):
            return cls(None, a)
        if b is None or same is None:
            raise TextsiamError("Pairs are two arrays of images and same, or a PairList alone.")
        first, second, truth = as_pixels(a), as_pixels(b), np.asarray(same)
        if not (first.shape == second.shape and truth.shape == first.shape[:1] and np.isin(truth, (0, 1)).all()):
            raise TextsiamError(
                "Pairs are as many images of one shape on both sides, and as many labels 0 or 1; got "
                f"{first.shape}, {second.shape} and labels {truth.shape}."
            )
        images, where = distinct(np.concatenate([first, second]))
        return cls(images, Pairs(where[: len(first)], where[len(first) :], truth.astype(np.int8)))

    def __len__(self) -> int:
        return len(self.pairs)

    def only(self, rows: NDArray[np.int64]) -> "_Pairs":
        pairs = self.pairs
        if isinstance(pairs, PairList):
            a, b = ([side[row] for row in rows] for side in (pairs.paths_a, pairs.paths_b))
            return _Pairs(None, PairList(a, b, pairs.same[rows]))
        return _Pairs(self.images, Pairs(pairs.first[rows], pairs.second[rows], pairs.same[rows]))

    def source(self, settings: SimpleNamespace) -> Source:
        if isinstance(self.pairs, PairList):
            return StreamedSource(self.pairs, settings)
        return pair_source(self.images, self.pairs, settings)

    def part(self) -> Part:
        return StreamedPart(self.pairs) if isinstance(self.pairs, PairList) else ImagePart(self.images, self.pairs)


def _labelled(images: Images, labels: ArrayLike) -> tuple[Bytes, NDArray[Any]]:
    pixels, classes = as_pixels(images), np.asarray(labels)
    if classes.shape != pixels.shape[:1]:
        raise TextsiamError(f"Every image needs one label; got {len(pixels)} images and labels {classes.shape}.")
    return pixels, classes


def _held_out(count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a tenth of the rows at random, and the others."""
    order = np.random.default_rng([seed, 3]).permutation(count)
    held = max(1, count // 10)
    return order[:held], order[held:]


def _check_among(name: str, value: Any, known: Sequence[str]) -> None:
    if value not in known:
        raise TextsiamError(f"There is no {name} {value!r}; there are: {', '.join(known)}.")


def _parameters(siamese: ImageSiamese) -> dict[str, Any]:
    """Return the parameters as JSON values; a Keras model stands elsewhere."""
    known = {name: value for name, value in vars(siamese).items() if not name.endswith("_")}
    known["encoder"] = known["encoder"] if isinstance(known["encoder"], str) else "dense"
    return {name: list(value) if isinstance(value, tuple) else value for name, value in known.items()}
