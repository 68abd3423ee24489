"""Thresholds, figures and one-shot accuracy, against hand-computed values and plain loops."""

import numpy as np
import pytest
from sklearn import metrics

from textsiam.errors import TextsiamError
from textsiam.images.verification import one_shot_accuracy, verification_figures
from textsiam.siamese.thresholds import choose_distance


def test_figures_by_hand():
    figures = verification_figures([0.1, 0.4, 0.6, 0.2, 0.9], [1, 1, 1, 0, 0], 0.5, loss=0.25)
    assert (figures.rows, figures.positives, figures.threshold, figures.loss) == (5, 3, 0.5, 0.25)
    assert figures.accuracy == pytest.approx(3 / 5)
    assert figures.precision == pytest.approx(2 / 3)
    assert figures.recall == pytest.approx(2 / 3)
    assert figures.f1 == pytest.approx(2 / 3)
    assert figures.roc_auc == pytest.approx(4 / 6)  # of six (same, different), the same one is closer in four
    assert figures.mean_same == pytest.approx(1.1 / 3)
    assert figures.mean_different == pytest.approx(0.55)


def test_figures_agree_with_scikit_learn_and_a_pair_at_the_threshold_is_same():
    generator = np.random.default_rng(0)
    same = generator.integers(0, 2, 500)
    distances = np.round(generator.random(500) + 0.3 * (1 - same), 2)
    figures = verification_figures(distances, same, 0.6)
    called = distances <= 0.6
    assert figures.accuracy == pytest.approx(metrics.accuracy_score(same, called))
    assert figures.f1 == pytest.approx(metrics.f1_score(same, called))
    assert figures.to_dict()["roc_auc"] == pytest.approx(metrics.roc_auc_score(same, -distances))


def test_what_one_label_cannot_define_is_none():
    figures = verification_figures([0.5, 0.7], [0, 0], 0.1)
    assert (figures.precision, figures.recall, figures.f1, figures.roc_auc, figures.mean_same) == (None,) * 5


@pytest.mark.parametrize("scale", [0.1, 0.5, 3])
def test_the_threshold_is_as_accurate_as_any(scale):
    generator = np.random.default_rng(1)
    same = generator.integers(0, 2, 200)
    distances = generator.normal(1, 0.3, 200).clip(0) + 0.4 * (1 - same)
    chosen = choose_distance(distances, same, scale)
    best = max(np.mean((distances <= limit) == same) for limit in [-1, *distances])
    assert np.mean((distances <= chosen) == same) == pytest.approx(best)


def test_between_equally_good_thresholds_the_one_nearest_the_scale_wins():
    # Any threshold from 0.1 to 0.2 and from 0.4 to 0.9 is right for three of four.
    distances, same = [0.1, 0.4, 0.2, 0.9], [1, 1, 0, 0]
    assert 0.4 < choose_distance(distances, same, 0.7) < 0.9
    assert 0.1 < choose_distance(distances, same, 0.12) < 0.2


def test_one_shot_accuracy_is_that_of_a_plain_loop():
    generator = np.random.default_rng(2)
    labels = generator.permutation(np.repeat(np.arange(4), 6))
    embeddings = generator.normal(size=(24, 3)) + 1.2 * labels[:, None]
    right = total = 0
    for shot in range(6):
        enrolled = [np.flatnonzero(labels == name)[shot] for name in range(4)]
        for item in range(24):
            if item in enrolled:
                continue
            nearest = min(range(4), key=lambda name: np.linalg.norm(embeddings[item] - embeddings[enrolled[name]]))
            right, total = right + (nearest == labels[item]), total + 1
    assert one_shot_accuracy(embeddings, labels) == pytest.approx(right / total)


def test_one_shot_needs_two_images_a_class():
    with pytest.raises(TextsiamError, match="two classes of two images"):
        one_shot_accuracy(np.zeros((3, 2)), [0, 0, 1])
