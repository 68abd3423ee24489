"""Slices, held against pairs whose place is known."""

import numpy as np
import pytest

from textsiam.errors import TextsiamError
from textsiam.evaluation.slices import slices
from textsiam.text.tokenise import Tokenizer


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
