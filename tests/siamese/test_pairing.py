"""`siamese.pairing`: what is promised of pairs, triplets and batches, counted and compared with brute force."""

import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from textsiam import TextsiamError, make_pairs, make_triplets
from textsiam.siamese.pairing import class_batches, hard_negatives

LABELS = np.repeat(np.array(["cat", "dog", "owl", "zebra"]), [5, 2, 9, 4])


def check(pairs, labels):
    labels = np.asarray(labels)
    assert (pairs.first != pairs.second).all()
    np.testing.assert_array_equal(pairs.same, labels[pairs.first] == labels[pairs.second])
    assert len(pairs) == len(pairs.first) == len(pairs.second)


def as_tuples(pairs):
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


@settings(max_examples=80)
@given(
    st.lists(st.integers(2, 9), min_size=2, max_size=8),
    st.floats(0.5, 6),
    st.floats(0, 1),
    st.integers(0, 3),
)
def test_random_pairs_have_the_exact_share(sizes, pairs_per_item, positive_fraction, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)) * 7 - 3, sizes))
    pairs = make_pairs(labels, pairs_per_item=pairs_per_item, positive_fraction=positive_fraction, seed=seed)
    check(pairs, labels)
    total = round(pairs_per_item * len(labels))
    assert len(pairs) == total
    assert pairs.same.sum() == round(positive_fraction * total)


def test_by_default_each_item_is_once_first_of_a_positive_and_of_a_negative_pair():
    pairs = make_pairs(LABELS)
    check(pairs, LABELS)
    for same in (0, 1):
        assert sorted(pairs.first[pairs.same == same]) == list(range(len(LABELS)))


def test_partners_are_drawn_evenly():
    labels = np.repeat([0, 1, 2], [3, 3, 4])
    pairs = make_pairs(labels, pairs_per_item=12_000)
    counts = Counter(as_tuples(pairs))
    assert set(counts) == {(a, b) for a in range(10) for b in range(10) if a != b}  # every partner occurs
    for first in range(10):
        for same in (True, False):
            partners = [b for b in range(10) if b != first and (labels[b] == labels[first]) == same]
            drawn = np.array([counts[first, b] for b in partners])
            np.testing.assert_allclose(drawn, 6000 / len(partners), rtol=0.15)


@pytest.mark.parametrize("scheme", ["random", "once", "consecutive"])
def test_seed_and_epoch_decide(scheme):
    pairs = [as_tuples(make_pairs(LABELS, scheme=scheme, seed=s, epoch=e)) for s, e in [(0, 0), (0, 0), (0, 1), (1, 0)]]
    assert pairs[0] == pairs[1]
    assert pairs[0] != pairs[2]
    assert pairs[0] != pairs[3]


@settings(max_examples=60)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 40), st.integers(0, 3))
def test_once_uses_each_item_once_and_guarantees_equal_pairs(sizes, wanted, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    possible = sum(size // 2 for size in sizes)
    if len(labels) < 2:
        return
    wanted = min(wanted, possible)
    pairs = make_pairs(labels, scheme="once", min_positive=wanted, seed=seed)
    check(pairs, labels)
    used = np.concatenate([pairs.first, pairs.second])
    assert len(np.unique(used)) == len(used) == len(labels) // 2 * 2
    assert pairs.same.sum() >= wanted
    with pytest.raises(TextsiamError, match=f"between 0 and {possible}"):
        make_pairs(labels, scheme="once", min_positive=possible + 1)


def test_consecutive_pairs_are_neighbours_of_a_class():
    labels = [1, 0, 1, 0, 1]
    pairs = make_pairs(labels, scheme="consecutive")
    check(pairs, labels)
    positives = [pair for pair, same in zip(as_tuples(pairs), pairs.same, strict=True) if same]
    assert sorted(positives) == [(0, 2), (1, 3), (2, 4)]
    assert sorted(pairs.first[pairs.same == 0]) == [0, 1, 2]


def test_a_class_of_one_member_is_named_or_skipped():
    labels = ["a", "a", "b", "c", "c"]
    with pytest.raises(TextsiamError, match="class b has 1 "):
        make_pairs(labels)
    pairs = make_pairs(labels, small_classes="skip", pairs_per_item=8)
    check(pairs, labels)
    assert (len(pairs), pairs.same.sum()) == (40, 20)
    assert 2 in pairs.first[pairs.same == 0]
    check(make_pairs(labels, positive_fraction=0), labels)  # no positives, no complaint
    with pytest.raises(TextsiamError, match="3 of 3 classes"):
        make_pairs(["a", "b", "c"], small_classes="skip")


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([3, 3, 3], {}, "two classes; all labels are 3"),
        ([1], {}, "two items"),
        ([[1, 2]], {}, "shape"),
        ([1.0, float("nan"), 1.0], {}, "one has none"),
        (np.array(["a", None, "a"], dtype=object), {}, "one has none"),
        (np.array(["a", 1, "a"], dtype=object), {}, "numbers or strings"),
        ([1, 1, 2, 2], {"positive_fraction": 1.5}, "1.5"),
        ([1, 1, 2, 2], {"pairs_per_item": 0}, "above 0"),
        ([1, 1, 2, 2], {"pairs_per_item": 0.1}, "not one pair"),
        ([1, 1, 2, 2], {"scheme": "best"}, "random, once, consecutive"),
        ([1, 1, 2, 2], {"min_positive": 1}, "scheme 'once'"),
        ([1, 1, 2, 2], {"small_classes": "drop"}, "'skip'"),
    ],
)
def test_mistakes_get_one_line(labels, options, message):
    with pytest.raises(TextsiamError, match=message) as caught:
        make_pairs(labels, **options)
    assert "\n" not in str(caught.value)


def test_a_million_pairs_in_under_a_second():
    labels = np.random.default_rng(0).integers(0, 100, 500_000)
    seconds = []
    for epoch in range(3):
        start = time.perf_counter()
        pairs = make_pairs(labels, epoch=epoch)
        seconds.append(time.perf_counter() - start)
    assert len(pairs) == 1_000_000
    assert min(seconds) < 1


def test_triplets():
    triplets = make_triplets(LABELS, triplets_per_item=3, seed=1)
    assert len(triplets) == 60
    assert (LABELS[triplets.anchor] == LABELS[triplets.positive]).all()
    assert (triplets.anchor != triplets.positive).all()
    assert (LABELS[triplets.anchor] != LABELS[triplets.negative]).all()
    assert set(Counter(triplets.anchor.tolist()).values()) == {3}
    np.testing.assert_array_equal(make_triplets(LABELS, triplets_per_item=3, seed=1).negative, triplets.negative)
    assert (make_triplets(LABELS, triplets_per_item=3, seed=1, epoch=1).negative != triplets.negative).any()


def test_hard_negatives_are_the_nearest_of_other_classes():
    generator = np.random.default_rng(0)
    embeddings, labels = generator.normal(size=(60, 5)), generator.integers(0, 6, 60)
    nearest = hard_negatives(embeddings, labels, 4)
    distances = cdist(embeddings, embeddings)
    for item in range(60):
        others = [other for other in np.argsort(distances[item]) if labels[other] != labels[item]]
        assert nearest[item].tolist() == others[:4]
    triplets = make_triplets(labels, negatives=nearest, triplets_per_item=2)
    assert all(negative in nearest[anchor] for anchor, negative in zip(triplets.anchor, triplets.negative, strict=True))


def test_mistakes_with_triplets_get_one_line():
    with pytest.raises(TextsiamError, match="two classes"):
        make_triplets([1, 1])
    with pytest.raises(TextsiamError, match=r"\(4, k\)"):
        make_triplets([1, 1, 2, 2], negatives=[[0], [1]])
    with pytest.raises(TextsiamError, match="of its anchor's class"):
        make_triplets([1, 1, 2, 2], negatives=[[1], [0], [3], [2]])
    with pytest.raises(TextsiamError, match="k lies between 1 and the 2 items"):
        hard_negatives(np.zeros((4, 2)), [1, 1, 2, 2], 3)
    with pytest.raises(TextsiamError, match="finite"):
        hard_negatives(np.full((4, 2), np.nan), [1, 1, 2, 2])


def test_class_batches_are_p_by_k():
    labels = np.repeat(np.arange(12), 7)
    batches = class_batches(labels, 4, 3, seed=2)
    assert batches.shape == (84 // 12, 12)
    for batch in batches:
        assert len(np.unique(batch)) == 12
        assert sorted(Counter(labels[batch].tolist()).values()) == [3] * 4
    np.testing.assert_array_equal(class_batches(labels, 4, 3, seed=2), batches)
    assert (class_batches(labels, 4, 3, seed=2, epoch=1) != batches).any()


def test_class_batches_of_all_classes_show_every_item_once():
    labels = np.repeat([5, 6, 9], 8)
    batches = class_batches(labels, 3, 4)
    assert sorted(batches.ravel()) == list(range(24))


def test_class_batches_name_what_is_too_small():
    with pytest.raises(TextsiamError, match="needs 3 members; class dog has 2"):
        class_batches(LABELS, 2, 3)
    assert not set(class_batches(LABELS, 3, 3, small_classes="skip").ravel()) & {5, 6}
    with pytest.raises(TextsiamError, match="all 3 classes; got 4"):
        class_batches(LABELS, 4, 3, small_classes="skip")
