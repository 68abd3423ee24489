"""What a Siamese image network learns from and what it is measured on: labelled images, or pairs of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textsiam.errors import TextsiamError
from textsiam.images.batches import (
    Augmentation,
    Batch,
    ImageBatches,
    Plan,
    distinct,
    pairs_in_batch,
    plan_classes,
    plan_groups,
    plan_within,
    stream_batches,
)
from textsiam.images.data.pairs import PairList
from textsiam.images.data.pixels import Bytes, as_pixels
from textsiam.images.network import Floats, SiameseNetwork
from textsiam.images.parameters import ImageParameters
from textsiam.siamese.losses import MINING
from textsiam.siamese.pairing import Indices, Pairs, hard_negatives, make_pairs, make_triplets

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
        """Return distances, labels and embeddings; each image is encoded once."""
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
        """Return distances, labels and embeddings; only embeddings stay in memory."""
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
        self._first: Plan | None = None  # the first epoch's, kept from counting its batches until they are asked for

    def steps(self, network: SiameseNetwork) -> int:
        """Return how many batches an epoch has."""
        self._first = self.plan(0, network)
        return len(self._first)

    def batches(self, epoch: int, network: SiameseNetwork) -> Iterable[Batch]:
        """Return the batches of an epoch, drawn anew for each."""
        self.augmentation.begin(epoch)
        first, self._first = self._first, None
        plan = first if first is not None and epoch == 0 else self.plan(epoch, network)
        return ImageBatches(self.images, plan, self.augmentation)


class StreamedSource(Source):
    """Pairs of pictures that are read from the disk, batch by batch.

    Args:
        pairs: the pairs.
        settings: of ``ImageSiamese``.
    """

    def __init__(self, pairs: PairList, settings: ImageParameters):
        self.pairs, self.batch_size, self.seed = pairs, settings.batch_size, settings.random_state
        self.augmentation = augmentation_of(settings)

    def steps(self, network: SiameseNetwork) -> int:
        """Return how many batches an epoch has."""
        return len(self.pairs) // pairs_in_batch(self.pairs, self.batch_size)

    def batches(self, epoch: int, network: SiameseNetwork) -> Iterable[Batch]:
        """Read the pairs in another order each epoch."""
        self.augmentation.begin(epoch)
        return stream_batches(self.pairs, self.batch_size, network.shape, self.augmentation, self.seed, epoch)


def labelled_source(images: Bytes, labels: ArrayLike, settings: ImageParameters) -> Source:
    """Return what a network learns from labelled images, by the parameters of ``ImageSiamese``.

    Args:
        images: uint8 (n, h, w, c).
        labels: (n,), the class of each.
        settings: the parameters.
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

    augmentation = augmentation_of(settings)
    if settings.loss == "triplet":
        if settings.mining in MINING:
            return PlannedSource(images, mined, "batches", augmentation)
        return PlannedSource(images, triplets, "triplets", augmentation)
    return PlannedSource(images, within if settings.pairing == "within" else paired, "pairs", augmentation)


def augmentation_of(settings: ImageParameters) -> Augmentation:
    """Return how images are changed in training."""
    return Augmentation(settings.shift, settings.mirror, settings.random_state)


def scheme_pairs(labels: ArrayLike, settings: ImageParameters, epoch: int = 0) -> Pairs:
    """Return pairs of all images by a scheme of ``make_pairs``; "within" is measured as "random"."""
    options: Any = {"small_classes": "skip", "seed": settings.random_state, "epoch": epoch}
    if settings.pairing == "once":
        positive = round(settings.positive_fraction * (len(np.asarray(labels)) // 2))
        return make_pairs(labels, scheme="once", min_positive=positive, **options)
    if settings.pairing == "consecutive":
        return make_pairs(labels, scheme="consecutive", **options)
    return make_pairs(labels, positive_fraction=settings.positive_fraction, **options)


@dataclass(frozen=True)
class PairData:
    """Labelled pairs of images.

    Attributes:
        pairs: a ``PairList`` on the disk, or pairs of ``images``.
        images: uint8 (n, h, w, c), each distinct one once; none of a ``PairList``.
    """

    pairs: Pairs | PairList
    images: Bytes

    @classmethod
    def read(cls, a: Any, b: Any = None, same: Any = None) -> "PairData":
        """Read pairs as ``ImageSiamese.fit_pairs`` takes them: a ``PairList``, or two arrays of images and labels.

        Raises:
            TextsiamError: they are neither, or do not fit together.
        """
        if isinstance(a, PairList):
            return cls(a, np.zeros((0, 1, 1, 1), np.uint8))
        if b is None or same is None:
            raise TextsiamError("Pairs are two arrays of images and same, or a PairList alone.")
        first, second, truth = as_pixels(a), as_pixels(b), np.asarray(same)
        if not (first.shape == second.shape and truth.shape == first.shape[:1] and np.isin(truth, (0, 1)).all()):
            raise TextsiamError(
                "Pairs are as many images of one shape on both sides, and as many labels 0 or 1; got "
                f"{first.shape}, {second.shape} and labels {truth.shape}."
            )
        images, where = distinct(np.concatenate([first, second]))
        return cls(Pairs(where[: len(first)], where[len(first) :], truth.astype(np.int8)), images)

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def same(self) -> NDArray[np.int8]:
        """Int8 (n,), 1 = both show the same."""
        return np.asarray(self.pairs.same, np.int8)

    def identity(self) -> list[ArrayLike]:
        """Return what tells these pairs from others: their files by name, or pixels and places."""
        if isinstance(self.pairs, PairList):
            return [np.array([*map(str, self.pairs.paths_a), *map(str, self.pairs.paths_b)]), self.pairs.same]
        return [self.images, self.pairs.first, self.pairs.second, self.pairs.same]

    def only(self, rows: Indices) -> "PairData":
        """Return some of the pairs."""
        pairs = self.pairs
        if isinstance(pairs, PairList):
            return PairData(pairs.only(rows), self.images)
        used, where = np.unique(np.stack([pairs.first[rows], pairs.second[rows]]), return_inverse=True)
        first, second = where.reshape(2, -1)
        return PairData(Pairs(first, second, pairs.same[rows]), self.images[used])

    def source(self, settings: ImageParameters) -> Source:
        """Return them as what a network learns from; they are the same in every epoch."""
        if isinstance(self.pairs, PairList):
            return StreamedSource(self.pairs, settings)
        groups, same = {"first": self.pairs.first, "second": self.pairs.second}, self.pairs.same

        def plan(epoch: int, network: SiameseNetwork) -> Plan:
            return plan_groups(groups, same, settings.batch_size, seed=settings.random_state, epoch=epoch)

        return PlannedSource(self.images, plan, "pairs", augmentation_of(settings))

    def part(self) -> Part:
        """Return them as what a network is measured on."""
        if isinstance(self.pairs, PairList):
            return StreamedPart(self.pairs)
        return ImagePart(self.images, self.pairs)


def labelled_images(images: ArrayLike, labels: ArrayLike) -> tuple[Bytes, NDArray[Any]]:
    """Return images as bytes and their labels, (n,).

    Raises:
        TextsiamError: there is not one label an image, or the images are none.
    """
    pixels, classes = as_pixels(images), np.asarray(labels)
    if classes.shape != pixels.shape[:1]:
        raise TextsiamError(f"Every image needs one label; got {len(pixels)} images and labels {classes.shape}.")
    return pixels, classes
