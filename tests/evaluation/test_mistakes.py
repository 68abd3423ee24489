"""The most confident mistakes, held against sorting by hand."""

import numpy as np
import pandas as pd

from textsiam.evaluation.mistakes import most_confident_mistakes


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
