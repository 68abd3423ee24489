"""Image encoders: what they are made of, and what of them is frozen."""

import keras
import numpy as np
import pytest
from keras import layers

from textsiam.errors import TextsiamError
from textsiam.images.encoders import applications_encoder, build_image_encoder, pooled_encoder


def test_the_blocks_of_conv_are_in_series():
    """In a published recipe the second convolution reads the input again, which leaves the first block without use."""
    encoder = build_image_encoder("conv", (8, 8, 1))
    weights = encoder.get_layer("convolution_0_0").kernel
    image = np.random.default_rng(0).random((1, 8, 8, 1)).astype(np.float32)
    before = encoder.predict_on_batch(image)
    weights.assign(-2 * keras.ops.convert_to_numpy(weights))
    assert np.abs(encoder.predict_on_batch(image) - before).max() > 1e-4


def backbone():
    return keras.Sequential(
        [keras.Input((9, 9, 1)), layers.Conv2D(5, 3, name="one"), layers.BatchNormalization(), layers.Conv2D(4, 3)]
    )


def test_a_pooled_backbone_is_its_maximum_and_average_and_is_frozen():
    maps = backbone()
    encoder = pooled_encoder(maps)
    images = np.random.default_rng(0).random((3, 9, 9, 1)).astype(np.float32)
    features = maps.predict_on_batch(images)
    expected = np.concatenate([features.max(axis=(1, 2)), features.mean(axis=(1, 2))], axis=1)
    np.testing.assert_allclose(encoder.predict_on_batch(images), expected, rtol=1e-5, atol=1e-6)
    assert not encoder.trainable_variables


def test_the_last_layers_of_a_backbone_can_be_trained():
    encoder = pooled_encoder(backbone(), trainable_layers=1)
    assert [variable.shape for variable in encoder.trainable_variables] == [(3, 3, 5, 4), (4,)]
    with pytest.raises(TextsiamError, match="trainable_layers lies between 0"):
        pooled_encoder(backbone(), trainable_layers=9)


def test_a_backbone_without_feature_maps_is_refused():
    with pytest.raises(TextsiamError, match="ends in feature maps"):
        pooled_encoder(keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten()]))


def test_a_backbone_by_name_scales_pixels_as_its_own_preprocessing_does(tmp_path):
    shape = (32, 32, 1)
    twin = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3), alpha=1.0)
    twin.save_weights(tmp_path / "twin.weights.h5")
    encoder = applications_encoder("MobileNetV2", shape, weights=tmp_path / "twin.weights.h5")
    images = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    features = twin.predict_on_batch(np.repeat(images * 2 - 1, 3, axis=-1))
    expected = np.concatenate([features.max(axis=(1, 2)), features.mean(axis=(1, 2))], axis=1)
    np.testing.assert_allclose(encoder.predict_on_batch(images), expected, rtol=1e-3, atol=1e-5)


def test_a_wrong_backbone_or_file_is_told(tmp_path):
    with pytest.raises(TextsiamError, match="no encoder 'NoNet'; there are: dense, lenet, conv, ConvNeXt"):
        build_image_encoder("NoNet", (32, 32, 3))
    (tmp_path / "broken.weights.h5").write_bytes(b"no weights")
    with pytest.raises(TextsiamError, match="does not hold the weights of MobileNetV2"):
        applications_encoder("MobileNetV2", (32, 32, 3), weights=tmp_path / "broken.weights.h5")
    with pytest.raises(TextsiamError, match="does not take images of 8 × 8"):
        applications_encoder("MobileNetV2", (8, 8, 3))


def faces(count_of_classes, each, seed=0):
    generator = np.random.default_rng(seed)
    base = generator.random((count_of_classes, 12, 9, 1))
    labels = np.repeat(np.arange(count_of_classes), each)
    light = generator.random((len(labels), 1, 1, 1))
    return (0.4 * base[labels] + 0.3 * light + 0.3 * generator.random((len(labels), 12, 9, 1))).astype(
        np.float32
    ), labels


def test_a_fisher_encoder_whitens_the_scatter_within_classes():
    from textsiam.images.faces import fisher_encoder

    images, labels = faces(8, 10)
    encoder = fisher_encoder(images, labels, stride=1, dimensions=20)
    dense = keras.Model(encoder.inputs, encoder.get_layer("discriminants").output)
    scores = dense.predict_on_batch(images).astype(np.float64)
    assert np.abs(scores.mean(axis=0)).max() < 1e-4
    assert np.mean(np.sum(scores**2, axis=1)) == pytest.approx(1, rel=1e-3)
    within = np.mean([np.cov(scores[labels == label].T) for label in range(8)], axis=0)
    assert np.abs(within - np.diag(np.diag(within))).max() < 0.01 * np.diag(within).max()
    np.testing.assert_allclose(np.linalg.norm(encoder.predict_on_batch(images), axis=1), 1, rtol=1e-5)


def test_a_fisher_encoder_does_not_see_the_light():
    from textsiam.images.faces import fisher_encoder

    images, labels = faces(8, 10)
    encoder = fisher_encoder(images, labels, stride=2, dimensions=20)
    np.testing.assert_allclose(
        encoder.predict_on_batch(images), encoder.predict_on_batch(0.5 * images + 0.2), rtol=1e-2, atol=1e-2
    )
    with pytest.raises(TextsiamError, match="needs more images"):
        fisher_encoder(images, labels, dimensions=80)
