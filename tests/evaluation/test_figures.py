"""Figures, held against values worked by hand and against plain loops."""

import json
import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsiam.errors import TextsiamError
from textsiam.evaluation.figures import evaluate, reliability, wilson_interval


def sample(rows=1000, seed=0):
    random = np.random.default_rng(seed)
    probabilities = random.random(rows)
    return (random.random(rows) < probabilities).astype(int), probabilities


def test_figures_by_hand():
    labels, probabilities = [1, 1, 1, 0, 0, 0, 0, 0], [0.9, 0.8, 0.3, 0.7, 0.4, 0.2, 0.1, 0.1]
    figures = evaluate(labels, probabilities, 0.5, bootstrap=50)
    assert (figures.rows, figures.positives, figures.threshold) == (8, 3, 0.5)
    counts = figures.true_positives, figures.false_positives, figures.true_negatives, figures.false_negatives
    assert counts == (2, 1, 4, 1)
    assert figures.accuracy == 6 / 8
    assert figures.balanced_accuracy == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert (figures.precision, figures.recall, figures.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert figures.mcc == pytest.approx((2 * 4 - 1 * 1) / math.sqrt(3 * 3 * 5 * 5))
    assert figures.roc_auc == pytest.approx((5 + 5 + 3) / 15)  # pairs of a duplicate above a non-duplicate
    assert figures.average_precision == pytest.approx((1 / 1 + 2 / 2 + 3 / 5) / 3)  # precision at each duplicate
    right = [0.9, 0.8, 0.3, 0.3, 0.6, 0.8, 0.9, 0.9]  # probability given to the true label
    assert figures.log_loss == pytest.approx(-np.mean(np.log(right)))
    assert figures.brier == pytest.approx(np.mean([(1 - p) ** 2 for p in right]))
    # Fewer rows than bins: each distinct probability is a bin; the two 0.1 share one.
    assert figures.ece == pytest.approx((0.1 + 0.2 + 0.7 + 0.7 + 0.4 + 0.2 + 2 * 0.1) / 8)


def test_a_probability_at_the_threshold_is_a_duplicate():
    assert evaluate([1, 0], [0.5, 0.4], 0.5, bootstrap=5).accuracy == 1


@given(
    rows=st.lists(
        st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]) | st.floats(0, 1), st.integers(0, 1)),
        min_size=1,
        max_size=60,
    )
)
def test_ece_against_a_plain_loop(rows):
    probabilities = [p for p, _ in rows]
    edges = [float(np.quantile(probabilities, k / 15)) for k in range(1, 15)]
    bins = {}
    for p, y in rows:
        bins.setdefault(sum(p >= edge for edge in edges), []).append((p, y))
    expected = 0.0
    for members in bins.values():
        predicted = sum(p for p, _ in members) / len(members)
        observed = sum(y for _, y in members) / len(members)
        expected += len(members) / len(rows) * abs(predicted - observed)
    found = reliability([y for _, y in rows], probabilities)
    assert found.ece == pytest.approx(expected, abs=1e-12)
    assert found.rows.tolist() == [len(bins[key]) for key in sorted(bins)]


def test_bins_hold_equal_mass_and_ignore_the_order_of_rows():
    labels, probabilities = sample(1500)
    assert set(reliability(labels, probabilities).rows.tolist()) == {100}
    order = np.random.default_rng(1).permutation(1500)
    ties = np.round(probabilities, 1)
    assert reliability(labels[order], ties[order]).ece == pytest.approx(reliability(labels, ties).ece, abs=1e-12)


@pytest.mark.parametrize("power", [1.0, 1.4])
def test_intervals_hold_the_truth(power):
    # The outcome follows p, and the model says p ** power: what is true of accuracy and ECE are integrals over p.
    grid = (np.arange(100_000) + 0.5) / 100_000
    accuracy, error = np.mean(np.where(grid**power >= 0.5, grid, 1 - grid)), np.mean(grid - grid**power)
    held, from_zero = np.zeros(2), 0
    for seed in range(20):
        labels, probabilities = sample(2000, seed)
        figures = evaluate(labels, probabilities**power, 0.5, bootstrap=150)
        held += [
            figures.accuracy_interval[0] <= accuracy <= figures.accuracy_interval[1],
            figures.ece_interval[0] <= error <= figures.ece_interval[1],
        ]
        assert figures.ece_interval[0] <= figures.ece <= figures.ece_interval[1]
        from_zero += figures.ece_interval[0] == 0
    assert (held >= 16).all()
    assert from_zero >= 18 if power == 1 else from_zero == 0


def test_accuracy_interval_is_binomial():
    labels, probabilities = sample(2000)
    figures = evaluate(labels, probabilities, 0.5)
    half = 1.96 * math.sqrt(figures.accuracy * (1 - figures.accuracy) / 2000)
    assert figures.accuracy_interval == pytest.approx((figures.accuracy - half, figures.accuracy + half), abs=0.003)
    assert figures.ece == reliability(labels, probabilities).ece
    assert evaluate(labels, probabilities, 0.5) == figures
    assert evaluate(labels, probabilities, 0.5, seed=1).accuracy_interval != figures.accuracy_interval


def test_bootstrap_is_quick():
    labels, probabilities = sample(10_000)
    start = time.perf_counter()
    evaluate(labels, probabilities, 0.5)
    assert time.perf_counter() - start < 5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_leaves_figures_undefined(label):
    figures = evaluate([label] * 3, [0.2, 0.4, 0.9], 0.5, bootstrap=20)
    for name in ("roc_auc", "average_precision", "mcc", "balanced_accuracy"):
        assert getattr(figures, name) is None
    assert (figures.recall is None) == (label == 0)
    assert figures.log_loss > 0
    assert json.loads(json.dumps(figures.to_dict(), allow_nan=False))["roc_auc"] is None


@pytest.mark.filterwarnings("error")
def test_nothing_called_duplicate_leaves_precision_undefined():
    figures = evaluate([0, 1], [0.1, 0.2], 0.5, bootstrap=20)
    assert (figures.precision, figures.recall, figures.f1, figures.mcc) == (None, 0, 0, 0)
    assert evaluate([0, 0], [0.1, 0.2], 0.5, bootstrap=20).f1 is None


def test_certain_probabilities_keep_the_log_loss_finite():
    assert math.isfinite(evaluate([1, 0], [0.0, 1.0], 0.5, bootstrap=5).log_loss)


@pytest.mark.parametrize(
    ("labels", "probabilities"),
    [([], []), ([1], [0.2, 0.3]), ([2], [0.5]), ([1], [1.5]), ([1], [-0.1]), ([1], [math.nan]), ([[1]], [[0.5]])],
)
def test_what_cannot_be_evaluated_is_refused(labels, probabilities):
    with pytest.raises(TextsiamError):
        evaluate(labels, probabilities, 0.5)


def test_wilson_by_published_values():
    low, high = wilson_interval([81 / 263, 0, 1 / 29], [263, 20, 29])  # Newcombe 1998, table I, method 3
    np.testing.assert_allclose(low, [0.2553, 0, 0.0061], atol=5e-5)
    np.testing.assert_allclose(high, [0.3662, 0.1611, 0.1718], atol=5e-5)
