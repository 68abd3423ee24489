import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_score, recall_score

from textsiam.errors import TextsiamError
from textsiam.siamese.thresholds import choose_threshold


def by_loop(probabilities, labels, objective, wanted=None):
    """Try every cut between distinct probabilities, one by one."""
    edges = [0.0, *sorted(set(probabilities)), 1.0]
    tried = []
    for low, high in itertools.pairwise(edges):
        value = (low + high) / 2
        value = value if value > low else high
        called = [p >= value for p in probabilities]
        if low == high == 1:
            continue
        hits = sum(c and y for c, y in zip(called, labels, strict=True))
        accuracy = sum(c == y for c, y in zip(called, labels, strict=True)) / len(labels)
        precision = hits / sum(called) if any(called) else 0.0
        recall, f1 = hits / sum(labels), 2 * hits / (sum(called) + sum(labels))
        goal = {"accuracy": (accuracy,), "f1": (f1,), "precision": (recall, precision)}[objective]
        if wanted is None or precision >= wanted:
            tried.append((*goal, -abs(value - 0.5), -value))
    return -max(tried)[-1] if tried else None


# A coarse grid makes ties; the ends and neighbouring floats are the hard cases.
PROBABILITY = st.sampled_from(
    [0.0, 5e-324, 0.1, 0.25, 0.4, 0.5, math.nextafter(0.5, 1), 0.6, 0.75, 0.9, 1 - 2**-53, 1.0]
)
ROWS = st.lists(st.tuples(PROBABILITY | st.floats(0, 1), st.integers(0, 1)), min_size=2, max_size=25).filter(
    lambda rows: 0 < sum(label for _, label in rows) < len(rows)
)


@settings(max_examples=150)
@given(
    rows=ROWS, objective=st.sampled_from(["accuracy", "f1", "precision"]), wanted=st.sampled_from([0.3, 0.5, 0.8, 1])
)
def test_threshold_is_the_best_of_all(rows, objective, wanted):
    probabilities, labels = zip(*rows, strict=True)
    wanted = wanted if objective == "precision" else None
    expected = by_loop(probabilities, labels, objective, wanted)
    if expected is None:
        with pytest.raises(TextsiamError, match="No threshold reaches"):
            choose_threshold(probabilities, labels, objective, wanted)
        return
    chosen = choose_threshold(probabilities, labels, objective, wanted)
    assert chosen.value == expected
    called = np.asarray(probabilities) >= chosen.value
    assert chosen.accuracy == np.mean(called == labels)
    assert chosen.recall == recall_score(labels, called)
    if called.any():
        assert chosen.precision == pytest.approx(precision_score(labels, called))
    else:
        assert chosen.precision is None


def test_threshold_by_hand():
    chosen = choose_threshold([0.2, 0.4, 0.6, 0.8], [0, 0, 1, 1])
    assert (chosen.value, chosen.accuracy, chosen.precision, chosen.recall, chosen.f1) == (0.5, 1, 1, 1, 1)
    assert choose_threshold([0.1, 0.2, 0.3, 0.9], [0, 1, 0, 1], "precision", 0.6).value == pytest.approx(0.15)
    assert choose_threshold([0.1, 0.2, 0.3, 0.9], [0, 1, 0, 1], "precision", 2 / 3).recall == 1
    # Only to accept none would be right twice, but a probability of 1 always reaches the threshold.
    assert choose_threshold([1.0, 1.0, 0.1], [0, 0, 1]).accuracy == pytest.approx(1 / 3)
    # Accepting all, or none, is right half of the time; so is the middle, and it is the nearest to 0.5.
    assert choose_threshold([0.4, 0.6], [1, 0], "accuracy").value == pytest.approx(0.2)


def test_unreachable_precision_names_the_best_reachable():
    with pytest.raises(TextsiamError, match=r"precision 0\.9; the best reachable is 0\.6667"):
        choose_threshold([0.1, 0.5, 0.5, 0.5], [0, 1, 1, 0], "precision", 0.9)


@pytest.mark.parametrize(
    ("probabilities", "labels", "objective", "precision"),
    [
        ([0.1, 0.9], [0, 1], "recall", None),
        ([0.1, 0.9], [0, 1], "precision", None),
        ([0.1, 0.9], [0, 1], "precision", 0.0),
        ([0.1, 0.9], [0, 1], "precision", 1.1),
        ([0.1, 0.9], [0, 1], "f1", 0.9),
        ([0.1, 0.9], [1, 1], "f1", None),
        ([0.1, 1.9], [0, 1], "f1", None),
        ([0.1, math.nan], [0, 1], "f1", None),
    ],
)
def test_threshold_refuses_bad_arguments(probabilities, labels, objective, precision):
    with pytest.raises(TextsiamError):
        choose_threshold(probabilities, labels, objective, precision)
