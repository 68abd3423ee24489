import json
import math
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textsiam.errors import TextsiamError
from textsiam.evaluation.figures import evaluate, evaluate_pairs, most_confident_mistakes, reliability, slices
from textsiam.text.tokenise import Tokenizer


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


def of(found, name):
    return next(entry for entry in found if entry.name == name)


@pytest.mark.parametrize(
    ("length", "name"),
    [
        (1, "Up to 8 tokens"),
        (8, "Up to 8 tokens"),
        (9, "9 to 12 tokens"),
        (12, "9 to 12 tokens"),
        (13, "13 to 20 tokens"),
        (20, "13 to 20 tokens"),
        (21, "More than 20 tokens"),
    ],
)
def test_length_is_that_of_the_longer_question(length, name):
    found = slices([["a"] * length], [["b"]], [1], [0.9], 0.5)
    assert [entry.name for entry in found if "tokens" in entry.name and entry.rows] == [name]
    assert slices([["b"]], [["a"] * length], [1], [0.9], 0.5) == found


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("a b", "c d", "Word overlap below 0.25"),
        ("a b c", "a d", "Word overlap 0.25 to 0.5"),  # 1 of 4
        ("a b", "a a", "Word overlap 0.5 to 0.75"),  # 1 of 2
        ("a b c", "a b c d", "Word overlap 0.75 and above"),  # 3 of 4
        ("a b", "b a", "Word overlap 0.75 and above"),
        ("", "", "Word overlap 0.75 and above"),
        ("", "a", "Word overlap below 0.25"),
    ],
)
def test_overlap_is_the_jaccard_index(first, second, name):
    tokens = Tokenizer()
    found = slices([tokens(first)], [tokens(second)], [1], [0.9], 0.5)
    assert [entry.name for entry in found if "overlap" in entry.name and entry.rows] == [name]


@pytest.mark.parametrize(
    ("first", "second", "negated", "numbers"),
    [
        ("is it good", "is it not good", 1, 0),
        ("is n't it good", "is it good", 1, 0),
        ("why can't i sleep", "why can i sleep", 1, 0),
        ("it is not good", "it is never good", 0, 0),
        ("nothing", "note", 1, 0),
        ("iphone 6", "iphone 7", 0, 1),
        ("iphone 6s", "iphone 6s price", 0, 0),
        ("2 or 3", "3 or 2", 0, 0),
        ("no 5", "5", 1, 0),
        ("10", "ten", 0, 1),
    ],
)
def test_negation_and_numbers(first, second, negated, numbers):
    tokens = Tokenizer()
    found = slices([tokens(first)], [tokens(second)], [1], [0.9], 0.5)
    assert of(found, "Negation in one question only").rows == negated
    assert of(found, "Different numbers").rows == numbers


def test_slices_carry_figures_and_stay_when_empty():
    tokens = [["a"], ["a"], ["a"], ["a"] * 9]
    found = slices(tokens, tokens, [1, 0, 0, 1], [0.9, 0.6, 0.1, 0.8], 0.5, seen=[0, 1, 1, 2])
    short = of(found, "Up to 8 tokens")
    assert (short.rows, short.roc_auc) == (3, 1)
    assert (short.duplicates, short.accuracy, short.f1) == pytest.approx((1 / 3, 2 / 3, 2 / 3))
    assert short.log_loss == pytest.approx(-np.mean(np.log([0.9, 0.4, 0.9])))
    assert of(found, "9 to 12 tokens").roc_auc is None
    empty = of(found, "More than 20 tokens")
    assert (empty.rows, empty.duplicates, empty.accuracy, empty.f1, empty.log_loss) == (0, None, None, None, None)
    assert [entry.rows for entry in found if "seen" in entry.name] == [1, 2, 1]
    assert not [entry for entry in slices(tokens, tokens, [1, 0, 0, 1], [0.5] * 4, 0.5) if "seen" in entry.name]


def test_slices_by_length_and_by_overlap_share_out_the_rows():
    random = np.random.default_rng(0)
    first, second = ([list(random.choice(list("abcdefgh"), random.integers(1, 30))) for _ in range(200)] for _ in "12")
    found = slices(first, second, random.integers(0, 2, 200), random.random(200), 0.5)
    assert sum(entry.rows for entry in found if "tokens" in entry.name) == 200
    assert sum(entry.rows for entry in found if "overlap" in entry.name) == 200


@pytest.mark.parametrize("field", ["tokens1", "tokens2", "seen"])
def test_slices_need_equal_lengths(field):
    columns = {"tokens1": [["a"], ["b"]], "tokens2": [["a"], ["b"]], "seen": [0, 1]}
    columns[field] = columns[field][:1]
    with pytest.raises(TextsiamError, match=f"{field} has 1 rows where the labels have 2"):
        slices(**columns, labels=[0, 1], probabilities=[0.5, 0.5], threshold=0.5)


def test_mistakes_are_the_worst_first_on_each_side():
    random = np.random.default_rng(0)
    labels, probabilities = random.integers(0, 2, 500), np.round(random.random(500), 2)
    first, second = [f"q{row}" for row in range(500)], [f"r{row}" for row in range(500)]
    found = most_confident_mistakes(pd.Series(first, index=range(500, 0, -1)), second, labels, probabilities, 0.6)
    rows = range(500)
    alarms = sorted(
        (row for row in rows if labels[row] == 0 and probabilities[row] >= 0.6), key=lambda r: -probabilities[r]
    )
    missed = sorted(
        (row for row in rows if labels[row] == 1 and probabilities[row] < 0.6), key=lambda r: probabilities[r]
    )
    assert [mistake.row for mistake in found.false_positives] == alarms[:20]
    assert [mistake.row for mistake in found.false_negatives] == missed[:20]
    worst = found.false_positives[0]
    assert (worst.question1, worst.question2) == (f"q{worst.row}", f"r{worst.row}")
    assert worst.probability == probabilities[worst.row]


def test_no_mistakes():
    found = most_confident_mistakes(["a", "b"], ["c", "d"], [1, 0], [0.9, 0.1], 0.5)
    assert (found.false_positives, found.false_negatives) == ((), ())


def test_evaluation_bundles_everything_for_json():
    frame = pd.DataFrame({"question1": ["is it 5", "why not", "a"], "question2": ["is it 6", "why", "b"]})
    tokens1, tokens2 = frame.question1.str.split().tolist(), frame.question2.str.split().tolist()
    rest = {"labels": pd.Series([1, 0, 0]), "probabilities": pd.Series([0.2, 0.9, 0.1]), "threshold": 0.5}
    evaluation = evaluate_pairs(frame.question1, frame.question2, tokens1, tokens2, **rest, seen=pd.Series([0, 1, 2]))
    assert evaluation.figures == evaluate(*rest.values())
    assert list(evaluation.slices) == slices(tokens1, tokens2, *rest.values(), seen=[0, 1, 2])
    assert evaluation.mistakes == most_confident_mistakes(frame.question1, frame.question2, *rest.values())
    written = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert written["mistakes"]["false_positives"] == [
        {"row": 1, "question1": "why not", "question2": "why", "probability": 0.9}
    ]
    assert written["figures"]["rows"] == 3
