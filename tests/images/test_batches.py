"""Batches of images: each distinct image once, one shape, fresh pairs each epoch, against plain loops."""

import numpy as np
import pytest

from textsiam.errors import TextsiamError
from textsiam.images.batches import Augmentation, ImageBatches, distinct, plan_classes, plan_groups, plan_within
from textsiam.images.sources import PlannedSource
from textsiam.siamese.pairing import make_triplets

LABELS = np.repeat(np.arange(5), 20)


def numbered_images(count):
    """Images whose every pixel is the image's number."""
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 6, 4, 1)).copy()


def within(epoch, **options):
    defaults = {"pairs_per_image": 3, "positive_fraction": 0.5, "images_per_class": None, "seed": 0}
    return plan_within(LABELS, 16, epoch=epoch, **defaults | options)


@pytest.mark.parametrize("images_per_class", [None, 4])
def test_pairs_within_a_batch_are_pairs_of_its_images_with_their_labels(images_per_class):
    plan = within(0, images_per_class=images_per_class)
    assert plan.rows.shape == (6, 16)
    assert plan.targets.shape == (6, 48)
    for rows, first, second, same in zip(plan.rows, *plan.places.values(), plan.targets, strict=True):
        assert len(set(rows)) == 16
        for one, other, label in zip(first, second, same, strict=True):
            assert one != other
            assert label == (LABELS[rows[one]] == LABELS[rows[other]])
        assert same.sum() == 24
    if images_per_class:
        assert (np.bincount(LABELS[plan.rows[0]])[np.unique(LABELS[plan.rows[0]])] == 4).all()


def test_an_epoch_shows_each_image_at_most_once_and_the_next_other_pairs():
    first, second, again = within(0), within(1), within(0)
    assert len(np.unique(first.rows)) == first.rows.size
    assert (first.rows != second.rows).any()
    np.testing.assert_array_equal(first.places["first"], again.places["first"])


@pytest.mark.parametrize("batch_size", [8, 9, 1000])
def test_groups_are_cut_into_batches_of_one_shape_with_each_distinct_image_once(batch_size):
    triplets = make_triplets(LABELS, seed=1)
    groups = vars(triplets)
    plan = plan_groups(groups, np.arange(len(triplets)), batch_size, seed=0, epoch=0)
    size = min(batch_size // 3, 100)
    assert plan.rows.shape == (100 // size, 3 * size)
    for number, rows in enumerate(plan.rows):
        for place in range(size):
            triplet = int(plan.targets[number, place])
            for name, members in groups.items():
                where = plan.places[name][number, place]
                assert rows[where] == members[triplet]
                assert where == np.flatnonzero(rows == members[triplet])[0]
    seen = plan.targets.ravel()
    assert len(np.unique(seen)) == len(seen)


def test_batches_for_mining_have_so_many_images_of_each_class():
    plan = plan_classes(LABELS, 12, images_per_class=4, seed=0, epoch=0)
    for rows, classes in zip(plan.rows, plan.targets, strict=True):
        np.testing.assert_array_equal(classes, LABELS[rows])
        assert sorted(np.bincount(classes)[np.unique(classes)]) == [4, 4, 4]


def test_a_batch_holds_the_pixels_of_its_plan_in_0_to_1():
    images, plan = numbered_images(100), within(0)
    inputs, targets = ImageBatches(images, plan, Augmentation(0, False, 0))[2]
    np.testing.assert_allclose(inputs["images"][:, 0, 0, 0] * 255, plan.rows[2], rtol=1e-6)
    np.testing.assert_array_equal(inputs["second"], plan.places["second"][2])
    np.testing.assert_array_equal(targets, plan.targets[2])


def test_shifted_images_are_the_images_moved_with_their_edge_continued():
    images = np.random.default_rng(0).integers(0, 256, (50, 7, 5, 3), dtype=np.uint8)
    moved = Augmentation(2, False, 0)(images)
    assert (moved != images).any()
    steps = set()
    for image, result in zip(images, moved, strict=True):
        padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="edge")
        found = [
            (down, right)
            for down in range(5)
            for right in range(5)
            if (padded[down : down + 7, right : right + 5] == result).all()
        ]
        assert found
        steps.add(found[0])
    assert len(steps) > 10


def test_half_of_the_images_are_mirrored():
    images = np.random.default_rng(0).integers(0, 256, (200, 4, 5, 1), dtype=np.uint8)
    turned = Augmentation(0, True, 0)(images)
    as_is = (turned == images).all(axis=(1, 2, 3))
    np.testing.assert_array_equal(turned[~as_is], images[~as_is][:, :, ::-1])
    assert 70 < as_is.sum() < 130


def test_a_negative_shift_is_refused():
    with pytest.raises(TextsiamError, match="shift is a number of pixels"):
        Augmentation(-1, False, 0)


def test_distinct_images_come_once_in_their_order():
    images = numbered_images(4)[[2, 0, 2, 3, 0]]
    once, where = distinct(images)
    assert once[:, 0, 0, 0].tolist() == [2, 0, 3]
    np.testing.assert_array_equal(once[where], images)


def test_the_first_epoch_is_planned_once():
    planned = []

    def plan(epoch, network):
        planned.append(epoch)
        return within(epoch)

    source = PlannedSource(numbered_images(100), plan, "pairs", Augmentation(0, False, 0))
    steps = source.steps(None)
    rows = [source.batches(epoch, None).plan.rows for epoch in (0, 1, 0)]
    assert planned == [0, 1, 0]
    assert [len(batches) for batches in rows] == [steps] * 3
    np.testing.assert_array_equal(rows[0], rows[2])
    assert not np.array_equal(rows[0], rows[1])
