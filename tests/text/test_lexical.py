"""`textsiam.text.lexical`: every measure by hand, against plain Python sets, and as a property of all of them."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textsiam.text.lexical import LEXICAL_MEASURES, RARE_IDF, Lexicon, TokenSets, lexical_similarities

VOCABULARY = 12
IDF = np.float32([0, 1, 2.5, 9, 1.1, 8, 3.3, 1.7, 12.5, 1, 7.9, 7.95])
NUMERIC = np.array([False, False, True, True, False, False, True, False, False, False, True, False])
STEM = np.int32([0, 1, 2, 3, 4, 3, 6, 1, 8, 9, 10, 11])  # 5 is of the stem of 3, 7 of that of 1
LEXICON = Lexicon(IDF, NUMERIC, STEM)
QUESTIONS = st.lists(st.integers(1, VOCABULARY - 1), max_size=9)
TWO = st.tuples(QUESTIONS, QUESTIONS)
PAIRS_OF_QUESTIONS = st.lists(TWO, min_size=1, max_size=4) | st.lists(TWO, min_size=9, max_size=11)  # few and many


def pad(rows, extra=0):
    width = max(map(len, rows), default=0) + extra
    return np.array([[*row, *[0] * (width - len(row))] for row in rows], dtype=np.int32).reshape(len(rows), width)


def columns(pairs):
    return tuple(map(list, zip(*pairs, strict=True)))


def pad_both(questions1, questions2, extra=0):
    return np.split(pad([*questions1, *questions2], extra), 2)


def token_sets(questions1, questions2, extra=0):
    return TokenSets(np.stack([ids.T for ids in pad_both(questions1, questions2, extra)], axis=1), LEXICON)


@pytest.mark.parametrize(
    ("name", "question1", "question2", "expected"),
    [
        ("idf_overlap", [1, 2, 3], [3, 4], 9 / (1 + 2.5 + 9 + 1.1)),
        ("idf_overlap", [3, 3, 3, 1], [3, 4], 9 / (1 + 9 + 1.1)),  # a repeated token counts once
        ("idf_overlap", [1], [2], 0),
        ("idf_overlap", [], [], 1),
        ("idf_overlap", [1], [], 0),
        ("shared_numbers", [1, 2, 3], [4, 3, 6], 1 / 3),
        ("shared_numbers", [1, 4], [5], 1),  # no number in either
        ("shared_numbers", [1, 2], [1], 0),
        ("shared_rare_words", [3, 5, 1], [5, 8, 2], 1 / 3),
        ("shared_rare_words", [1, 10], [2, 4], 1),  # idf 7.9 is just below 1 + ln 1000 = 7.907…
        ("shared_rare_words", [1, 11], [2, 4], 0),  # and 7.95 above
        ("stem_overlap", [1, 3], [7, 4], (1 + 1.7) / 2 / ((1 + 1.7) / 2 + 9 + 1.1)),  # a shared stem weighs the mean
        ("stem_overlap", [3, 5], [3], 1),
        ("bigram_overlap", [1, 2, 3], [2, 3, 4], 11.5 / (3.5 + 11.5 + 10.1)),
        ("bigram_overlap", [1, 2, 3], [3, 2, 1], 0),
        ("bigram_overlap", [1], [2], 1),  # neither has one
        ("bigram_overlap", [1], [1, 2], 0),
        ("idf_containment", [1, 2, 3], [3, 4], 9 / 10.1),
        ("idf_containment", [1, 2], [4, 1, 2, 3], 1),
        ("idf_containment", [1], [], 1),
        ("least_unshared", [1, 2, 3], [3, 4], 1 / 1.11),
        ("most_unshared", [1, 2, 3], [3, 4], 1 / 1.35),
        ("most_unshared", [1], [1], 1),
        ("length_ratio", [1, 2, 3], [3, 4], 2 / 3),
        ("length_ratio", [1, 1, 1, 1], [3], 1 / 4),
        ("length_ratio", [], [], 1),
        ("length_ratio", [], [1, 2], 1 / 2),
    ],
)
@pytest.mark.parametrize("extra", [0, 3])
def test_lexical_measures_by_hand(name, question1, question2, expected, extra):
    values = LEXICAL_MEASURES[name].function(token_sets([question1], [question2], extra))
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, [[expected]], rtol=1e-6)


def test_rare_is_one_question_in_a_thousand():
    assert pytest.approx(1 + math.log((1 + 999_999) / (1 + 999))) == RARE_IDF


# Against plain Python


def weighted_jaccard(question1, question2, weight):
    union = sum(weight(token) for token in {*question1, *question2})
    return sum(weight(token) for token in {*question1} & {*question2}) / union if union else 1.0


def stem_jaccard(question1, question2):
    """Each question's own words weigh its stems, the first word of a stem counts."""
    weights = [{}, {}]
    for question, weight in zip((question1, question2), weights, strict=True):
        for token in question:
            weight.setdefault(STEM[token], float(IDF[token]))
    one, other = weights
    shared = sum((one[stem] + other[stem]) / 2 for stem in one.keys() & other.keys())
    union = sum(one.values()) + sum(other.values()) - shared
    return shared / union if union else 1.0


def bigrams(question):
    return list(pairwise(question))


def weigh(question):
    return sum(float(IDF[token]) for token in {*question})


def containment(question1, question2):
    lighter = min(weigh(question1), weigh(question2))
    return weigh({*question1} & {*question2}) / lighter if lighter else 1.0


def unshared(question1, question2, choose):
    weight = choose(weigh({*question1} - {*question2}), weigh({*question2} - {*question1}))
    return 1 / (1 + weight / 10)


LEXICAL_LOOPS = {
    "stem_overlap": stem_jaccard,
    "bigram_overlap": lambda a, b: weighted_jaccard(bigrams(a), bigrams(b), lambda two: float(IDF[list(two)].sum())),
    "idf_containment": containment,
    "least_unshared": lambda a, b: unshared(a, b, min),
    "most_unshared": lambda a, b: unshared(a, b, max),
    "idf_overlap": lambda a, b: weighted_jaccard(a, b, lambda token: float(IDF[token])),
    "shared_numbers": lambda a, b: weighted_jaccard(a, b, lambda token: int(NUMERIC[token])),
    "shared_rare_words": lambda a, b: weighted_jaccard(a, b, lambda token: int(IDF[token] > RARE_IDF)),
    "length_ratio": lambda a, b: min(len(a) or 1, len(b) or 1) / max(len(a), len(b), 1),
}


@given(PAIRS_OF_QUESTIONS, st.integers(0, 2))
def test_lexical_measures_equal_python_sets(pairs, extra):
    questions1, questions2 = columns(pairs)
    assert LEXICAL_LOOPS.keys() == LEXICAL_MEASURES.keys()
    ids1, ids2 = pad_both(questions1, questions2, extra)
    values = lexical_similarities(list(LEXICAL_LOOPS), ids1, ids2, LEXICON)
    expected = [[loop(*pair) for loop in LEXICAL_LOOPS.values()] for pair in pairs]
    np.testing.assert_allclose(values, expected, atol=2e-6)


# Properties of all of them


@pytest.mark.parametrize("measure", LEXICAL_MEASURES.values(), ids=LEXICAL_MEASURES.keys())
def test_lexical_measures(measure):
    @settings(max_examples=60)
    @given(PAIRS_OF_QUESTIONS, st.randoms(use_true_random=False))
    def check(pairs, random):
        questions1, questions2 = columns(pairs)
        values = measure.function(token_sets(questions1, questions2))
        assert values.dtype == np.float32
        assert values.shape == (len(pairs), 1)
        assert np.isfinite(values).all()
        assert ((values >= 0) & (values <= 1)).all()
        assert values.tobytes() == measure.function(token_sets(questions2, questions1)).tobytes()
        shuffled = [random.sample(question, len(question)) for question in questions1]
        equal = measure.function(token_sets(questions1, questions1, extra=2))
        assert (equal == 1).all()
        if measure.name != "bigram_overlap":  # the same words in another order too
            np.testing.assert_allclose(measure.function(token_sets(questions1, shuffled)), 1, atol=1e-6)
        single = [measure.function(token_sets([a], [b])) for a, b in pairs]
        np.testing.assert_allclose(np.concatenate(single), values, atol=1e-6)

    check()


def test_no_measure_changes_its_inputs():
    ids1, ids2 = pad_both([[1, 2, 2], [3]], [[2, 1], [4, 5]])
    before = ids1.copy(), ids2.copy(), IDF.copy()
    lexical_similarities(list(LEXICAL_MEASURES), ids1, ids2, LEXICON)
    for now, then in zip((ids1, ids2, IDF), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_measures_come_in_the_order_they_are_named():
    lexical = lexical_similarities(["length_ratio", "idf_overlap"], *pad_both([[1, 2], [1]], [[1], [2]]), LEXICON)
    np.testing.assert_allclose(lexical, [[1 / 2, 1 / 3.5], [1, 0]], rtol=1e-6)
    assert lexical_similarities([], pad([[1], [2]]), pad([[1], [2]]), LEXICON).shape == (2, 0)
