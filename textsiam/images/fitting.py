"""Training of a Siamese image network: epoch by epoch, with fresh pairs, a validation part and an eye on collapse."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from types import SimpleNamespace

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score

from textsiam.calibration import calibrated_log_loss
from textsiam.errors import TextsiamError
from textsiam.images.batches import (
    Augmentation,
    Batch,
    ImageBatches,
    Plan,
    pairs_in_batch,
    plan_classes,
    plan_groups,
    plan_within,
    stream_batches,
)
from textsiam.images.datasets import PairList
from textsiam.images.network import Floats, SiameseNetwork, compile_model
from textsiam.images.pixels import Bytes
from textsiam.images.verification import choose_distance
from textsiam.losses import MINING
from textsiam.pairing import Pairs, hard_negatives, make_pairs, make_triplets

logger = logging.getLogger(__name__)

History = dict[str, list[float]]

PAIRINGS = ("within", "random", "once", "consecutive")
MININGS = (*MINING, "random", "nearest")
_COLLAPSED = 0.01  # spread of the embeddings, as a share of the margin, or of their length where there is none
_NEAREST = 5  # hard negatives of an image to draw from


class Part(ABC):
    """Labelled pairs to measure a network on."""

    @abstractmethod
    def measure(self, network: SiameseNetwork) -> tuple[Floats, NDArray[np.int8], Floats]:
        """Return the distance of each pair (p,), whether it is the same (p,), and embeddings (n, d) of the images."""


class ImagePart(Part):
    """Pairs among images that are in memory.

    Args:
        images: uint8 (n, h, w, c).
        pairs: of these images.
    """

    def __init__(self, images: Bytes, pairs: Pairs):
        self.images, self.pairs = images, pairs

    def measure(self, network: SiameseNetwork) -> tuple[Floats, NDArray[np.int8], Floats]:
        """See ``Part``; each image is encoded once."""
        embeddings = network.embed(self.images)
        distances = network.compare(embeddings[self.pairs.first], embeddings[self.pairs.second])
        return distances, self.pairs.same, embeddings


class StreamedPart(Part):
    """Pairs of pictures that are read from the disk.

    Args:
        pairs: the pairs.
        batch_size: pairs that are in memory at once.
    """

    def __init__(self, pairs: PairList, batch_size: int = 256):
        self.pairs, self.batch_size = pairs, batch_size

    def measure(self, network: SiameseNetwork) -> tuple[Floats, NDArray[np.int8], Floats]:
        """See ``Part``; only embeddings stay in memory."""
        height, width, channels = network.shape
        distances, labels, embeddings = [], [], []
        for a, b, same in self.pairs.batches(self.batch_size, size=(height, width), channels=channels):
            u, v = network.embed(a), network.embed(b)
            distances.append(network.compare(u, v))
            labels.append(same)
            embeddings += [u, v]
        return np.concatenate(distances), np.concatenate(labels), np.concatenate(embeddings)


class Source(ABC):
    """What a network learns from.

    Attributes:
        model: which model of ``SiameseNetwork`` its batches are for: "pairs", "triplets" or "batches".
    """

    model = "pairs"

    @abstractmethod
    def steps(self, network: SiameseNetwork) -> int:
        """Return how many batches an epoch has."""

    @abstractmethod
    def batches(self, epoch: int, network: SiameseNetwork) -> Iterable[Batch]:
        """Return the batches of an epoch; the network tells which negatives are near by now."""


class PlannedSource(Source):
    """Images in memory, with a plan for each epoch.

    Args:
        images: uint8 (n, h, w, c).
        plan: epoch and network → the plan.
        model: see ``Source``.
        augmentation: how images are changed.
    """

    def __init__(
        self, images: Bytes, plan: Callable[[int, SiameseNetwork], Plan], model: str, augmentation: Augmentation
    ):
        self.images, self.plan, self.model, self.augmentation = images, plan, model, augmentation

    def steps(self, network: SiameseNetwork) -> int:
        """See ``Source``."""
        return len(self.plan(0, network))

    def batches(self, epoch: int, network: SiameseNetwork) -> Iterable[Batch]:
        """See ``Source``."""
        return ImageBatches(self.images, self.plan(epoch, network), self.augmentation)


class StreamedSource(Source):
    """Pairs of pictures that are read from the disk, batch by batch.

    Args:
        pairs: the pairs.
        settings: of ``ImageSiamese``.
    """

    def __init__(self, pairs: PairList, settings: SimpleNamespace):
        self.pairs, self.batch_size, self.seed = pairs, settings.batch_size, settings.random_state
        self.augmentation = Augmentation(settings.shift, settings.mirror, settings.random_state)

    def steps(self, network: SiameseNetwork) -> int:
        """See ``Source``."""
        return len(self.pairs) // pairs_in_batch(self.pairs, self.batch_size)

    def batches(self, epoch: int, network: SiameseNetwork) -> Iterable[Batch]:
        """See ``Source``."""
        return stream_batches(self.pairs, self.batch_size, network.shape, self.augmentation, self.seed, epoch)


def labelled_source(images: Bytes, labels: ArrayLike, settings: SimpleNamespace) -> Source:
    """Return what a network learns from labelled images, by the ``settings`` of ``ImageSiamese``.

    Args:
        images: uint8 (n, h, w, c).
        labels: (n,), the class of each.
        settings: see above.
    """
    classes = np.unique(np.asarray(labels), return_inverse=True)[1]
    seed, size = settings.random_state, settings.batch_size

    def within(epoch: int, network: SiameseNetwork) -> Plan:
        return plan_within(
            classes,
            size,
            pairs_per_image=settings.pairs_per_image,
            positive_fraction=settings.positive_fraction,
            images_per_class=settings.images_per_class,
            seed=seed,
            epoch=epoch,
        )

    def paired(epoch: int, network: SiameseNetwork) -> Plan:
        pairs = scheme_pairs(classes, settings, epoch)
        return plan_groups({"first": pairs.first, "second": pairs.second}, pairs.same, size, seed=seed, epoch=epoch)

    def mined(epoch: int, network: SiameseNetwork) -> Plan:
        return plan_classes(classes, size, images_per_class=settings.images_per_class or 4, seed=seed, epoch=epoch)

    def triplets(epoch: int, network: SiameseNetwork) -> Plan:
        near = None
        if settings.mining == "nearest":
            outside = len(classes) - int(np.bincount(classes).max())
            near = hard_negatives(network.embed(images), classes, min(_NEAREST, outside))
        made = make_triplets(classes, negatives=near, small_classes="skip", seed=seed, epoch=epoch)
        return plan_groups(vars(made), np.zeros(len(made), np.float32), size, seed=seed, epoch=epoch)

    augmentation = Augmentation(settings.shift, settings.mirror, seed)
    if settings.loss == "triplet":
        if settings.mining in MINING:
            return PlannedSource(images, mined, "batches", augmentation)
        return PlannedSource(images, triplets, "triplets", augmentation)
    return PlannedSource(images, within if settings.pairing == "within" else paired, "pairs", augmentation)


def pair_source(images: Bytes, pairs: Pairs, settings: SimpleNamespace) -> Source:
    """Return what a network learns from given pairs of images, (n, h, w, c); they are the same in every epoch."""
    groups = {"first": pairs.first, "second": pairs.second}

    def plan(epoch: int, network: SiameseNetwork) -> Plan:
        return plan_groups(groups, pairs.same, settings.batch_size, seed=settings.random_state, epoch=epoch)

    return PlannedSource(images, plan, "pairs", Augmentation(settings.shift, settings.mirror, settings.random_state))


def scheme_pairs(labels: ArrayLike, settings: SimpleNamespace, epoch: int = 0) -> Pairs:
    """Return pairs of all images by a scheme of ``textsiam.pairing.make_pairs``; "within" is measured as "random"."""
    options = {"small_classes": "skip", "seed": settings.random_state, "epoch": epoch}
    if settings.pairing == "once":
        positive = round(settings.positive_fraction * (len(np.asarray(labels)) // 2))
        return make_pairs(labels, scheme="once", min_positive=positive, **options)
    if settings.pairing == "consecutive":
        return make_pairs(labels, scheme="consecutive", **options)
    return make_pairs(labels, positive_fraction=settings.positive_fraction, **options)


def train(network: SiameseNetwork, source: Source, validation: Part, settings: SimpleNamespace) -> History:
    """Train a network in place; it ends with the weights of the best epoch on the validation part.

    Best is the lowest mean loss of the validation pairs, or, for triplets, the lowest log loss after calibration.

    Args:
        network: untrained, or to be trained further.
        source: what it learns from.
        validation: what it is measured on after every epoch.
        settings: of ``ImageSiamese``.

    Returns:
        One list a figure, one value an epoch: "loss", "val_loss" (but for triplets), "val_criterion", "val_accuracy"
        (at the best threshold of the epoch), "val_auc" and "spread", the root mean square distance of the embeddings
        from their mean.

    Raises:
        TextsiamError: a loss is no longer a number, or validation pairs are all same or all different.
    """
    models = {"pairs": network.pair_model, "triplets": network.triplet_model, "batches": network.batch_model}
    model = models[source.model]()
    steps = source.steps(network)
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.epochs * steps, alpha=0.02)
    compile_model(model, network.settings, settings.mining, rate)
    history: History = {}
    best, warned = network.get_weights(), False
    for epoch in range(settings.epochs):
        fitted = model.fit(
            source.batches(epoch, network),
            steps_per_epoch=steps,
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,
            verbose=0,
        )
        measured, collapsed = _measure(network, validation)
        figures = {"loss": float(fitted.history["loss"][0]), **measured}
        if not all(np.isfinite(value) for value in figures.values()):
            raise TextsiamError(f"A loss of epoch {epoch + 1} is not a number. Lower the learning rate.")
        for name, value in figures.items():
            history.setdefault(name, []).append(value)
        told = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
        logger.info("Epoch %d of %d: %s", epoch + 1, settings.epochs, told)
        if collapsed and not warned:
            warned = True
            logger.warning(
                "The embeddings have collapsed to one point (spread %.2g, loss %.4f): every image looks the same to the "
                "network. Lower the learning rate, or mine 'semihard' instead of 'hard' triplets.",
                figures["spread"],
                figures["loss"],
            )
        criterion = history["val_criterion"]
        if criterion[-1] <= min(criterion):
            best = network.get_weights()
        elif settings.patience is not None and len(criterion) - int(np.argmin(criterion)) > settings.patience:
            break
    network.set_weights(best)
    return history


def _measure(network: SiameseNetwork, part: Part) -> tuple[dict[str, float], bool]:
    """Return the figures of a part, and whether its embeddings have collapsed."""
    distances, same, embeddings = part.measure(network)
    if not np.isfinite(distances).all():
        return {"val_criterion": np.nan}, False
    loss = network.costs(distances, same)
    threshold = choose_distance(distances, same, network.usual_distance)
    apart = spread(embeddings)
    head = network.settings.loss == "binary_crossentropy"
    usual = float(np.sqrt(np.mean(np.sum(np.square(embeddings), axis=1)))) if head else network.settings.margin
    figures = {
        **({} if loss is None else {"val_loss": loss}),
        "val_criterion": calibrated_log_loss(-distances, same) if loss is None else loss,
        "val_accuracy": float(np.mean((distances <= threshold) == (same == 1))),
        "val_auc": float(roc_auc_score(same, -distances)),
        "spread": apart,
    }
    return figures, apart <= _COLLAPSED * usual


def spread(embeddings: Floats) -> float:
    """Return the root mean square distance of embeddings (n, d) from their mean: near 0 they have collapsed."""
    return float(np.sqrt(np.mean(np.sum(np.square(embeddings - embeddings.mean(axis=0)), axis=1))))
