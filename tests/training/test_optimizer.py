"""`textsiam.training.optimizer` against a plain loop of Adam's equations over the rows of the words that occur."""

import numpy as np
import pytest

WORDS, SIZE, RATE = 7, 3, 0.1


def plain_loop(values, steps):
    """Move rows by (rows, gradients) a step; those without a gradient stay as they are."""
    values, m, v = values.copy(), np.zeros_like(values), np.zeros_like(values)
    for number, (rows, gradients) in enumerate(steps, start=1):
        for row, gradient in zip(rows, gradients, strict=True):
            m[row] = 0.9 * m[row] + 0.1 * gradient
            v[row] = 0.999 * v[row] + 0.001 * gradient**2
            values[row] -= RATE * (m[row] / (1 - 0.9**number)) / (np.sqrt(v[row] / (1 - 0.999**number)))
    return values


def some_steps():
    random = np.random.default_rng(0)
    for rows in ([0, 2, 5], [2], [1, 2, 6], [5, 6]):
        yield rows, random.normal(size=(len(rows), SIZE)).astype(np.float32)


@pytest.mark.parametrize("sparse", [True, False])
def test_only_the_words_that_occur_are_moved(sparse):
    import keras
    import tensorflow as tf

    from textsiam.training.optimizer import LazyAdam

    first = np.random.default_rng(1).normal(size=(WORDS, SIZE)).astype(np.float32)
    words = keras.layers.Embedding(
        WORDS, SIZE, name="embedding", embeddings_initializer=keras.initializers.Constant(first)
    )
    words.build()
    optimizer = LazyAdam(RATE, epsilon=0)
    table = words.trainable_variables[0]
    assert table.path.endswith("embedding/embeddings")
    optimizer.build([table])
    for rows, gradients in some_steps():
        dense = np.zeros((WORDS, SIZE), np.float32)
        dense[rows] = gradients
        optimizer.apply([tf.IndexedSlices(tf.constant(gradients), tf.constant(rows)) if sparse else tf.constant(dense)])
    np.testing.assert_allclose(table.numpy(), plain_loop(first, some_steps()), atol=1e-5)
    np.testing.assert_array_equal(table.numpy()[[3, 4]], first[[3, 4]])


def test_all_else_is_moved_as_adam_does():
    import keras
    import tensorflow as tf

    from textsiam.training.optimizer import LazyAdam

    moved = []
    for kind in (LazyAdam, keras.optimizers.Adam):
        weights = keras.Variable(np.ones((WORDS, SIZE), np.float32), name="kernel")
        optimizer = kind(RATE)
        optimizer.build([weights])
        for rows, gradients in some_steps():
            dense = np.zeros((WORDS, SIZE), np.float32)
            dense[rows] = gradients
            optimizer.apply([tf.constant(dense)])
        moved.append(weights.numpy())
    np.testing.assert_array_equal(*moved)
    assert (moved[0][0] != 1).all()
