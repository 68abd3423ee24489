import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss

from textsiam.errors import TextsiamError
from textsiam.siamese.calibration import Calibration, calibrated_log_loss, fit_calibration, prior_shift


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x)))


def sample(rows=2000, slope=0.7, intercept=-1.0, seed=0):
    random = np.random.default_rng(seed)
    scores = random.normal(size=rows) * 3
    return scores, (random.random(rows) < sigmoid(slope * scores + intercept)).astype(int)


KINDS = {
    "identity": Calibration("identity"),
    "platt": Calibration("platt", 0.5, -1.0),
    "isotonic": Calibration("isotonic", scores=(-1.0, 0.0, 2.0), probabilities=(0.1, 0.1, 0.9)),
}


def test_values_worked_by_hand():
    assert KINDS["identity"]([0.0, math.log(3)]) == pytest.approx([0.5, 0.75])
    assert KINDS["platt"]([2.0, 2 + 2 * math.log(4)]) == pytest.approx([0.5, 0.8])
    assert KINDS["isotonic"]([-9, -1, -0.5, 1, 2, 9]) == pytest.approx([0.1, 0.1, 0.1, 0.5, 0.9, 0.9])


@pytest.mark.parametrize("calibration", KINDS.values(), ids=KINDS)
@given(scores=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_probabilities_are_strictly_inside_and_rise_with_the_score(calibration, scores):
    probabilities = calibration(np.sort(scores))
    assert probabilities.dtype == np.float64
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert (np.diff(probabilities) >= -1e-15).all()


@pytest.mark.parametrize("calibration", KINDS.values(), ids=KINDS)
def test_shape_is_kept_and_json_brings_the_same_calibration_back(calibration):
    assert calibration(0.3).shape == ()
    assert calibration(np.zeros((2, 3))).shape == (2, 3)
    assert calibration([]).shape == (0,)
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration


GOOD = KINDS["isotonic"].to_dict()


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        [],
        "platt",
        {},
        {"kind": "platt"},
        GOOD | {"kind": "beta"},
        GOOD | {"kind": ["platt"]},
        GOOD | {"kind": "platt"},
        GOOD | {"slope": "steep"},
        GOOD | {"slope": -0.1},
        GOOD | {"slope": 10**400},
        GOOD | {"intercept": math.nan},
        GOOD | {"scores": []},
        GOOD | {"scores": [], "probabilities": []},
        GOOD | {"scores": 3.0},
        GOOD | {"scores": [0.0, 0.0, 2.0]},
        GOOD | {"scores": [0.0, 1.0, math.inf]},
        GOOD | {"scores": [0.0, [1.0], 2.0]},
        GOOD | {"probabilities": [0.1, 0.3, 0.2]},
        GOOD | {"probabilities": [0.0, 0.3, 0.4]},
        GOOD | {"probabilities": [0.1, 0.3, 1.0]},
        GOOD | {"probabilities": [0.1, math.nan, 0.9]},
    ],
)
def test_damaged_values_are_refused_in_one_line(damaged):
    with pytest.raises(TextsiamError) as caught:
        Calibration.from_dict(damaged)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_applying_imports_no_scikit_learn():
    code = (
        "import sys; from textsiam.siamese.calibration import Calibration; Calibration('platt', 2.0, 0.0)([1.0]);"
        "assert not {'sklearn', 'scipy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_platt_minimises_the_smoothed_log_loss():
    scores, labels = sample(300)
    positives, negatives = labels.sum(), (1 - labels).sum()
    targets = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(parameters):
        logits = parameters[0] * scores + parameters[1]
        return np.sum(np.logaddexp(0, logits) - targets * logits)

    slope, intercept = minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
    fitted = fit_calibration(scores, labels, "platt")
    assert (fitted.slope, fitted.intercept) == pytest.approx((slope, intercept), rel=1e-4)


def test_platt_agrees_with_scikit_learn():
    from sklearn.calibration import _sigmoid_calibration

    scores, labels = sample()
    slope, intercept = _sigmoid_calibration(scores, labels)
    fitted = fit_calibration(scores, labels, "platt")
    assert (fitted.slope, fitted.intercept) == pytest.approx((-slope, -intercept), rel=1e-4)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_platt_does_not_mind_the_scale_of_the_scores(factor):
    scores, labels = sample()
    expected = fit_calibration(scores, labels, "platt")(scores)
    assert fit_calibration(scores * factor, labels, "platt")(scores * factor) == pytest.approx(expected, abs=1e-6)


def test_platt_never_falls_even_where_the_scores_mislead():
    scores, labels = sample()
    fitted = fit_calibration(-scores, labels, "platt")
    assert fitted.slope == 0
    assert fitted(0.0) == pytest.approx(labels.mean(), abs=1e-3)


def test_platt_of_separable_and_of_constant_scores_is_finite():
    assert 0 < fit_calibration([1, 2, 3, 4], [0, 0, 1, 1], "platt").slope < 10
    assert fit_calibration([5, 5, 5, 5], [0, 1, 1, 0], "platt")(5.0) == pytest.approx(0.5)


def test_calibrated_log_loss_does_not_depend_on_the_scale_of_the_scores():
    scores, labels = sample()
    expected = log_loss(labels, fit_calibration(scores, labels, "platt")(scores))
    assert calibrated_log_loss(scores, labels) == pytest.approx(expected)
    assert calibrated_log_loss(7 * scores - 3, labels) == pytest.approx(expected, abs=1e-6)
    assert calibrated_log_loss(scores, labels) < log_loss(labels, 1 / (1 + np.exp(-7 * scores)))


def test_isotonic_has_scikit_learns_levels_each_at_the_mean_of_its_scores():
    scores, labels = sample(500)
    truth = np.clip(IsotonicRegression().fit_transform(scores, labels), 1 / 502, 501 / 502)
    fitted = fit_calibration(scores, labels, "isotonic")
    for level in np.unique(truth):
        assert fitted(scores[truth == level].mean()) == pytest.approx(level)
    assert fitted([scores.min() - 1, scores.max() + 1]) == pytest.approx([truth.min(), truth.max()])


def test_isotonic_keeps_the_log_loss_finite():
    fitted = fit_calibration([1.0, 2, 3, 4], [0, 0, 1, 1], "isotonic")
    assert fitted([0.0, 9.0]) == pytest.approx([1 / 6, 5 / 6])


def test_isotonic_pools_by_hand():
    # 1 before 0 is pooled to a half: the classic pool-adjacent-violators step.
    fitted = fit_calibration([1, 2, 3, 4], [0, 1, 0, 1], "isotonic")
    assert fitted([1, 2.5, 4]) == pytest.approx([1 / 6, 0.5, 5 / 6])
    assert fitted([2, 3]) == pytest.approx([1 / 6 + 1 / 1.5 * (1 / 2 - 1 / 6), 1 / 2 + 0.5 / 1.5 * (5 / 6 - 1 / 2)])


def test_auto_takes_the_method_that_fits():
    scores, labels = sample(1000)
    assert fit_calibration(scores, labels).kind == "platt"
    random = np.random.default_rng(3)
    stepped = (random.random(5000) < np.where(np.linspace(-3, 3, 5000) > 1, 0.95, 0.3)).astype(int)
    fitted = fit_calibration(np.linspace(-3, 3, 5000), stepped)
    assert fitted.kind == "isotonic"
    loss = log_loss(stepped, fitted(np.linspace(-3, 3, 5000)))
    assert loss < log_loss(
        stepped, fit_calibration(np.linspace(-3, 3, 5000), stepped, "platt")(np.linspace(-3, 3, 5000))
    )


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1, 1, 1]])
def test_auto_copes_with_few_examples(labels):
    probabilities = fit_calibration(np.arange(len(labels)), labels)([-1.0, 9.0])
    assert 0 < probabilities[0] <= probabilities[1] < 1


def test_auto_repeats_itself():
    scores, labels = sample(200)
    assert fit_calibration(scores, labels, seed=4) == fit_calibration(scores, labels, seed=4)


@pytest.mark.parametrize(
    ("scores", "labels", "method", "message"),
    [
        ([1, 2], [1, 1], "auto", "Both labels"),
        ([1, 2], [0, 0], "platt", "Both labels"),
        ([1, 2], [0, 1], "beta", "auto, platt, isotonic"),
        ([1, 2], [0], "auto", "one label"),
        ([], [], "auto", "one label"),
        ([[1, 2]], [[0, 1]], "auto", "one label"),
        ([1, math.nan], [0, 1], "auto", "Row 1"),
        ([1, 2], [0, 2], "auto", "Labels are 1"),
        ([1, 2], ["no", "yes"], "auto", "Labels are 1"),
    ],
)
def test_what_cannot_be_fitted_is_refused(scores, labels, method, message):
    with pytest.raises(TextsiamError, match=message):
        fit_calibration(scores, labels, method)


def test_prior_shift_by_hand():
    # From an even share to one in five the odds of 3:1 become 3:4.
    assert prior_shift([0.75, 0.0, 1.0], 0.5, 0.2) == pytest.approx([3 / 7, 0, 1])
    assert prior_shift([0.3], 0.4, 0.4) == pytest.approx([0.3])
    assert prior_shift(prior_shift([0.3, 0.9], 0.4, 0.1), 0.1, 0.4) == pytest.approx([0.3, 0.9])


def test_prior_shift_is_bayes_rule_on_simulated_data():
    # Scores are N(0, 1) for different and N(1, 1) for duplicate pairs: the exact posterior at any share is known.
    random = np.random.default_rng(0)
    scores = random.normal(size=200_000)
    labels = random.random(scores.size) < 0.1
    scores = scores + labels
    at_a_half = sigmoid(scores - 0.5)
    shifted = prior_shift(at_a_half, 0.5, 0.1)
    assert shifted == pytest.approx(sigmoid(scores - 0.5 + math.log(0.1 / 0.9)))
    for low in (0.02, 0.1, 0.3):
        held = (shifted >= low) & (shifted < low + 0.05)
        assert labels[held].mean() == pytest.approx(shifted[held].mean(), abs=0.01)


@pytest.mark.parametrize("arguments", [([0.5], 0.0, 0.5), ([0.5], 0.5, 1.0), ([1.5], 0.5, 0.5), ([math.nan], 0.5, 0.5)])
def test_prior_shift_refuses_what_is_no_probability(arguments):
    with pytest.raises(TextsiamError):
        prior_shift(*arguments)
