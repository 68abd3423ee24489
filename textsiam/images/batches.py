"""Batches of images with the pairs or triplets among them, all of one shape; each distinct image is there once."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from textsiam.errors import TextsiamError
from textsiam.images.data.pairs import PairList
from textsiam.images.data.pixels import Bytes, scale
from textsiam.siamese.pairing import Indices, class_batches, make_pairs

Batch = tuple[dict[str, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Plan:
    """The batches of one epoch.

    Attributes:
        rows: (k, b), the images of each batch.
        places: by name, int32 (k, p): the members of each pair or triplet, as places in their batch.
        targets: (k, p) or (k, b), what the loss compares with.
    """

    rows: Indices
    places: dict[str, NDArray[np.int32]]
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


def plan_within(
    labels: Indices,
    batch_size: int,
    *,
    pairs_per_image: float,
    positive_fraction: float,
    images_per_class: int | None,
    seed: int,
    epoch: int,
) -> Plan:
    """Deal out the images in batches, and pair the images of each batch with one another.

    A batch of b images gives any number of pairs for the price of b encodings.

    Args:
        labels: (n,), the class of each image.
        batch_size: images in a batch, b; n where there are fewer.
        pairs_per_image: pairs of a batch, as a multiple of its images.
        positive_fraction: share of the same pairs, in [0, 1].
        images_per_class: so many of each class of a batch, see ``siamese.pairing.class_batches``; None: as chance
            will have it, and each image at most once an epoch.
        seed: of all chance.
        epoch: another one gives other batches and pairs.
    """
    if images_per_class is None:
        rows = _dealt(len(labels), batch_size, seed, epoch)
    else:
        rows = plan_classes(labels, batch_size, images_per_class=images_per_class, seed=seed, epoch=epoch).rows
    pairs = [
        make_pairs(
            labels[batch],
            pairs_per_item=pairs_per_image,
            positive_fraction=positive_fraction,
            small_classes="skip",
            seed=seed,
            epoch=epoch * len(rows) + number,
        )
        for number, batch in enumerate(rows)
    ]
    places = {name: np.stack([getattr(pair, name) for pair in pairs]).astype(np.int32) for name in ("first", "second")}
    return Plan(rows, places, np.stack([pair.same for pair in pairs]).astype(np.float32))


def plan_classes(labels: Indices, batch_size: int, *, images_per_class: int, seed: int, epoch: int) -> Plan:
    """Plan batches of some images of each of some classes, with the classes as targets, as in-batch mining needs them.

    Args:
        labels: (n,), the class of each image, integers.
        batch_size: images in a batch, about; fewer where there are not so many classes.
        images_per_class: see ``textsiam.siamese.pairing.class_batches``; classes that have fewer are left out.
        seed: of all chance.
        epoch: another one gives other batches.
    """
    sizes = np.bincount(labels)
    usable = int((sizes >= images_per_class).sum())
    classes = max(2, min(batch_size // images_per_class, usable))
    rows = class_batches(labels, classes, images_per_class, small_classes="skip", seed=seed, epoch=epoch)
    return Plan(rows, {}, labels[rows])


def plan_groups(groups: dict[str, Indices], targets: np.ndarray, batch_size: int, *, seed: int, epoch: int) -> Plan:
    """Cut pairs or triplets into batches of at most so many images; each distinct image of a batch is in it once.

    Args:
        groups: by name of the member ("first", "second"), (m,) images.
        targets: (m,), what the loss compares with.
        batch_size: images in a batch, at least 2.
        seed: of the order.
        epoch: another one gives another order, and leaves out others of what does not fill a batch.
    """
    members = np.stack(list(groups.values()), axis=1)
    count, arity = members.shape
    size = min(max(1, batch_size // arity), count)
    order = _dealt(count, size, seed, epoch)
    rows = np.empty((len(order), size * arity), np.int64)
    places = np.empty((len(order), size, arity), np.int32)
    for number, chosen in enumerate(order):
        distinct, where = np.unique(members[chosen], return_inverse=True)
        rows[number] = np.resize(distinct, size * arity)
        places[number] = where.reshape(size, arity)
    return Plan(
        rows, {name: places[:, :, place] for place, name in enumerate(groups)}, targets[order].astype(np.float32)
    )


def _dealt(count: int, size: int, seed: int, epoch: int) -> Indices:
    """Deal out numbers below count in rows of one size, in random order; what fills no row is left out."""
    size = min(size, count)
    order = np.random.default_rng([seed, epoch, 1]).permutation(count)
    return order[: count // size * size].reshape(-1, size)


class Augmentation:
    """Changes images of a batch a little, each in its own way, so that no two epochs see quite the same.

    Args:
        shift: moved by up to so many pixels each way; the edge is continued.
        mirror: half of them are turned left to right.
        seed: of all chance.
    """

    def __init__(self, shift: int, mirror: bool, seed: int):
        if shift < 0:
            raise TextsiamError(f"shift is a number of pixels, 0 or more, not {shift}.")
        self.shift, self.mirror, self._seed = shift, mirror, seed
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Begin an epoch: what is changed depends on seed and epoch alone."""
        self._generator = np.random.default_rng([self._seed, 2, epoch])

    def __call__(self, images: Bytes) -> Bytes:
        """Return changed images of the same shape."""
        count, height, width, _ = images.shape
        if self.mirror:
            turned = np.reshape(self._generator.integers(0, 2, count), (-1, 1, 1, 1))
            images = np.where(turned, images[:, :, ::-1], images)
        if self.shift:
            steps = self._generator.integers(-self.shift, self.shift + 1, size=(2, count))
            ys, xs = (
                np.clip(np.arange(size) + step[:, None], 0, size - 1)
                for size, step in zip((height, width), steps, strict=True)
            )
            images = images[np.arange(count)[:, None, None], ys[:, :, None], xs[:, None, :]]
        return images


class ImageBatches(keras.utils.PyDataset):
    """The batches of a plan, with their pixels."""

    def __init__(self, images: Bytes, plan: Plan, augmentation: Augmentation):
        super().__init__()
        self.images, self.plan, self.augmentation = images, plan, augmentation

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, index: int) -> Batch:
        pixels = scale(self.augmentation(self.images[self.plan.rows[index]]))
        places = {name: values[index] for name, values in self.plan.places.items()}
        return {"images": pixels, **places}, self.plan.targets[index]


def stream_batches(
    pairs: PairList, batch_size: int, shape: tuple[int, int, int], augmentation: Augmentation, seed: int, epoch: int
) -> Iterator[Batch]:
    """Give the batches of pairs that are read from the disk, as ``ImageBatches`` does; what fills no batch is left out.

    Args:
        pairs: the pairs.
        batch_size: images in a batch, at least 2; half as many pairs, or all there are.
        shape: height, width and channels that pictures are brought to.
        augmentation: how they are changed.
        seed: of the order.
        epoch: another one gives another order.
    """
    size = pairs_in_batch(pairs, batch_size)
    for a, b, same in pairs.batches(size, size=shape[:2], channels=shape[2], seed=seed, epoch=epoch):
        if len(same) < size:
            return
        images, where = distinct(np.concatenate([a, b]))
        filled = images[np.resize(np.arange(len(images)), 2 * size)]
        first, second = where.reshape(2, size).astype(np.int32)
        yield {"images": scale(augmentation(filled)), "first": first, "second": second}, same.astype(np.float32)


def pairs_in_batch(pairs: PairList, batch_size: int) -> int:
    """Return how many streamed pairs make a batch of so many images."""
    return min(max(1, batch_size // 2), len(pairs))


def distinct(images: Bytes) -> tuple[Bytes, Indices]:
    """Return the distinct images, in order of first appearance, and for each image its place among them."""
    places: dict[bytes, int] = {}
    where = np.array([places.setdefault(image.tobytes(), len(places)) for image in images], np.int64)
    _, first = np.unique(where, return_index=True)
    return images[first], where
