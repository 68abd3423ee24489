"""`textsiam.siamese.losses` by hand, against a plain NumPy loop, and at distance 0."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from textsiam import TextsiamError
from textsiam.siamese.losses import ContrastiveLoss, TripletLoss, contrastive_loss, mined_triplet_loss, triplet_loss
from textsiam.siamese.measures import euclidean_distance

needs_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes gradients with TensorFlow")


def loss(labels, distances, margin=1.0):
    return ops.convert_to_numpy(contrastive_loss(labels, distances, margin))


@pytest.mark.parametrize(
    ("label", "distance", "margin", "expected"),
    [
        (1, 0, 1, 0),
        (1, 0.5, 1, 0.25),
        (1, 3, 1, 9),
        (0, 0, 1, 1),
        (0, 0.5, 1, 0.25),
        (0, 1, 1, 0),
        (0, 3, 1, 0),
        (0, 0, 2, 4),
        (0, 0.5, 2, 2.25),
        (1, 0.5, 2, 0.25),
    ],
)
def test_contrastive_loss_by_hand(label, distance, margin, expected):
    np.testing.assert_allclose(loss([label], [[float(distance)]], margin), [expected], rtol=1e-6)


def by_loop(labels, distances, margin):
    values = []
    for label, distance in zip(labels, distances, strict=True):
        values.append(distance**2 if label == 1 else max(margin - distance, 0.0) ** 2)
    return values


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.floats(0, 50, width=32)), min_size=1, max_size=20),
    st.floats(0.125, 10, width=32),
)
def test_contrastive_loss_equals_a_loop(pairs, margin):
    labels, distances = zip(*pairs, strict=True)
    expected = by_loop(labels, distances, margin)
    column = np.float32(distances)[:, None]
    for y in (np.array(labels), np.float32(labels), np.array(labels)[:, None], np.array(labels, dtype=bool)):
        for d in (column, column[:, 0]):  # (n, 1) against (n,) must not become (n, n)
            values = loss(y, d, margin)
            assert values.shape == (len(pairs),)
            assert values.dtype == np.float32
            assert (values >= 0).all()
            np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
    assert float(ContrastiveLoss(margin)(np.array(labels), column)) == pytest.approx(
        np.mean(expected), rel=1e-4, abs=1e-6
    )
    np.testing.assert_allclose(
        ContrastiveLoss(margin, reduction=None)(np.array(labels), column), expected, rtol=1e-5, atol=1e-6
    )


def test_a_mixed_label_mixes_the_two():
    np.testing.assert_allclose(loss([0.25], [[0.5]], 2.0), [0.25 * 0.25 + 0.75 * 2.25], rtol=1e-6)


def test_the_class_weighs_pairs():
    labels, distances = np.array([1, 0, 1]), np.float32([[0.5], [0.25], [2]])
    weighted = ContrastiveLoss()(labels, distances, sample_weight=np.float32([1, 2, 0]))
    assert float(weighted) == pytest.approx((0.25 + 2 * 0.5625) / 3)


def test_the_class_is_built_again_from_its_configuration():
    configuration = ContrastiveLoss(2.5, name="far").get_config()
    again = ContrastiveLoss.from_config(configuration)
    assert (again.margin, again.name) == (2.5, "far")
    assert float(again(np.array([0]), np.float32([[0.5]]))) == 4


@needs_tensorflow
@pytest.mark.parametrize(
    ("label", "distance", "expected"), [(1, 0, 0), (0, 0, -2), (1, 2, 4), (0, 0.25, -1.5), (0, 2, 0)]
)
def test_gradients_by_hand(label, distance, expected):
    import tensorflow as tf

    distances = tf.constant([[float(distance)]])
    with tf.GradientTape() as tape:
        tape.watch(distances)
        value = ops.sum(contrastive_loss([label], distances))
    np.testing.assert_allclose(tape.gradient(value, distances), [[expected]], rtol=1e-6)


@needs_tensorflow
@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("shift", [0, 1e-20, 1e-7, 1e-3])
def test_gradients_through_the_distance_are_finite_at_equal_vectors(label, shift):
    import tensorflow as tf

    u = tf.constant([[0.3, -0.7, 0.0]])
    v = u + shift
    with tf.GradientTape() as tape:
        tape.watch([u, v])
        value = ops.sum(contrastive_loss([label], euclidean_distance(u, v, ops)))
    gradients = np.concatenate([ops.convert_to_numpy(gradient) for gradient in tape.gradient(value, [u, v])])
    assert np.isfinite(gradients).all()
    assert np.abs(gradients).max() <= 2


@needs_tensorflow
def test_gradients_are_the_slope_of_the_loss():
    import tensorflow as tf

    generator = np.random.default_rng(0)
    u, v = generator.normal(size=(2, 6, 3)).astype(np.float32) / 2
    labels = np.array([0, 1] * 3)
    start = tf.constant(u)
    with tf.GradientTape() as tape:
        tape.watch(start)
        value = ops.sum(contrastive_loss(labels, euclidean_distance(start, v, ops), 2.0))
    gradient = tape.gradient(value, start).numpy()

    def total(u):
        return sum(by_loop(labels, np.sqrt(((u - v.astype(np.float64)) ** 2).sum(axis=1)), 2.0))

    for row, column in np.ndindex(u.shape):
        step = np.zeros(u.shape)
        step[row, column] = 1e-5
        assert gradient[row, column] == pytest.approx((total(u + step) - total(u - step)) / 2e-5, abs=1e-3)


@pytest.mark.parametrize(
    ("label", "distance", "margin", "expected"),
    [(1, 0.5, 1, 0.25), (0, 0, 1, 1), (0, 0.5, 1, 0.75), (0, 1, 1, 0), (0, 3, 2, 0), (0, 1, 2, 3)],
)
def test_the_squared_form_by_hand(label, distance, margin, expected):
    value = contrastive_loss([label], [[float(distance)]], margin, form="squared")
    np.testing.assert_allclose(ops.convert_to_numpy(value), [expected], rtol=1e-6)


def test_unknown_names_are_refused():
    with pytest.raises(TextsiamError, match="distance, squared"):
        contrastive_loss([1], [[0.5]], form="cubed")
    with pytest.raises(TextsiamError, match="all, semihard, hard"):
        mined_triplet_loss([0, 1], np.zeros((2, 2), np.float32), mining="soft")


@pytest.mark.parametrize(("squared", "expected"), [(False, [0, 1.5]), (True, [0, 4.5])])
def test_triplet_loss_by_hand(squared, expected):
    anchor = np.float32([[0, 0], [0, 0]])
    positive = np.float32([[3, 4], [0, 2.5]])  # 5 and 2.5 away
    negative = np.float32([[0, 7], [1.5, 0]])  # 7 and 1.5 away
    values = triplet_loss(anchor, positive, negative, 0.5, squared=squared)
    np.testing.assert_allclose(ops.convert_to_numpy(values), expected, rtol=1e-6)


def mined_by_loop(labels, embeddings, margin, mining, squared):
    """Every triplet of the batch, one after another."""
    n = len(labels)

    def distance(i, j):
        square = sum((a - b) ** 2 for a, b in zip(embeddings[i].tolist(), embeddings[j].tolist(), strict=True))
        return square if squared else square**0.5

    losses = []
    for a in range(n):
        negatives = [distance(a, j) for j in range(n) if labels[j] != labels[a]]
        positives = [distance(a, j) for j in range(n) if labels[j] == labels[a] and j != a]
        if not negatives or not positives:
            continue
        if mining == "all":
            losses += [p - q + margin for p in positives for q in negatives if p - q + margin > 0]
        elif mining == "hard":
            losses.append(max(max(positives) - min(negatives) + margin, 0))
        else:
            for p in positives:
                farther = [q for q in negatives if q > p]
                losses.append(max(p - (min(farther) if farther else max(negatives)) + margin, 0))
    return float(np.mean(losses)) if losses else 0.0


@pytest.mark.parametrize("mining", ["all", "semihard", "hard"])
@pytest.mark.parametrize("squared", [False, True])
@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(2, 9), st.integers(1, 4), st.floats(0.125, 3, width=32))
def test_mined_triplets_equal_brute_force(mining, squared, seed, count, classes, margin):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, count)
    embeddings = generator.normal(size=(count, 3)).astype(np.float32)
    expected = mined_by_loop(labels, embeddings, margin, mining, squared)
    value = mined_triplet_loss(labels, embeddings, margin, mining, squared)
    assert float(value) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert float(TripletLoss(margin, mining, squared)(labels, embeddings)) == pytest.approx(
        expected, rel=1e-4, abs=1e-5
    )


def test_the_triplet_class_is_built_again_from_its_configuration():
    again = TripletLoss.from_config(TripletLoss(0.2, "hard", squared=True).get_config())
    assert (again.margin, again.mining, again.squared) == (0.2, "hard", True)


@needs_tensorflow
@pytest.mark.parametrize("mining", ["all", "semihard", "hard"])
@pytest.mark.parametrize("squared", [False, True])
def test_mined_gradients_are_finite_where_embeddings_coincide(mining, squared):
    import tensorflow as tf

    embeddings = tf.constant(np.float32([[0.5, 0.5]] * 4 + [[0.5, 0.6], [0, 1]]))
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        value = mined_triplet_loss([0, 0, 1, 1, 0, 1], embeddings, 1.0, mining, squared)
    gradient = tape.gradient(value, embeddings).numpy()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


@needs_tensorflow
def test_gradients_of_given_triplets_are_finite_at_equal_embeddings():
    import tensorflow as tf

    anchor = tf.constant([[0.25, -1.0]])
    for squared in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(anchor)
            value = ops.sum(triplet_loss(anchor, anchor + 0, anchor + 0, squared=squared))
        assert float(value) == 1
        assert np.isfinite(tape.gradient(value, anchor).numpy()).all()


@needs_tensorflow
def test_the_squared_form_lets_go_of_different_pairs_that_lie_together():
    import tensorflow as tf

    distance = tf.constant([[0.01]])
    slopes = {}
    for form in ("distance", "squared"):
        with tf.GradientTape() as tape:
            tape.watch(distance)
            value = ops.sum(contrastive_loss([0], distance, form=form))
        slopes[form] = float(tape.gradient(value, distance)[0, 0])
    assert slopes == pytest.approx({"distance": -1.98, "squared": -0.02})
