"""Misspelt words against NLTK's edit distance."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.metrics.distance import edit_distance

from textsiam.text.spelling import Spelling
from textsiam.text.vocabulary import Vocabulary


@settings(max_examples=300)
@given(st.text("abc", min_size=4, max_size=6), st.lists(st.text("abc", min_size=3, max_size=7), unique=True))
def test_an_unknown_word_is_the_most_frequent_known_one_a_slip_away(word, known):
    def slip(other):  # NLTK counts a wrong letter as well: words of the same length differ by an exchange alone
        distance = edit_distance(word, other, transpositions=True)
        return distance == 1 and (len(word) != len(other) or Counter(word) == Counter(other))

    near = [number for number, other in enumerate(known, start=5) if slip(other)]
    expected = known.index(word) + 5 if word in known else near[0] if near and len(word) >= 5 else None
    corrected = Vocabulary(known, 4, correct_spelling=True)
    assert corrected.encode([word]) == [expected or corrected._bucket(word)]
    assert Vocabulary(known, 0, correct_spelling=True).encode([word]) == [expected - 4 if expected else 0]
    assert Vocabulary(known, 4).encode([word]) == [known.index(word) + 5 if word in known else corrected._bucket(word)]


def test_unknown_words_together_have_the_ids_of_each_alone():
    known = ["capital", "captain", "number", "numbers", "umber"]
    words = [
        "capitla",
        "x",
        "captian",
        "capital",
        "nubmer",
        "captain5",
        "umbers",
        "numbre",
        "capitla",
        "zzzzz",
        "nmbers",
    ]
    vocabulary = Vocabulary(known, 0, correct_spelling=True)
    expected = [1, None, 2, 1, 3, None, 4, 3, 1, None, 4]  # "umbers" is one slip from "numbers" and from "umber", id 5
    assert vocabulary.ids(words) == expected
    assert [vocabulary.ids([word])[0] for word in words] == expected
    assert vocabulary.ids([]) == []
    known_ids = {word: number for number, word in enumerate(known, 1)}
    assert Spelling(known_ids, together=3)([w for w in words if w not in known]) == [
        expected[n] for n, word in enumerate(words) if word not in known
    ]


@pytest.mark.parametrize("word", ["capit4l", "capital's", "capitxl", "cpt", "столица"])
def test_other_unknown_words_are_not_corrected(word):
    vocabulary = Vocabulary(["capital", "capital5", "cpta", "столицаа"], 256, correct_spelling=True)
    assert vocabulary.encode([word]) == Vocabulary([], 256).encode([word])


@pytest.mark.parametrize(
    ("word", "known"),
    [("naïve", "naive"), ("naive", "naïve"), ("cäpital", "capital"), ("Łódź".lower(), "lodz"), ("елка", "ёлка"),
     ("πως", "πώς"), ("smorrebrod", "smørrebrød"), ("ete", "été")],
)  # fmt: skip
def test_an_unknown_word_is_the_known_one_of_other_accents(word, known):
    assert Vocabulary(["other", known], 0, correct_spelling=True).ids([word]) == [2]
    assert Vocabulary([known, word], 0, correct_spelling=True).ids([word]) == [2]  # a known word is itself
    assert Vocabulary(["other", known], 0).ids([word]) == [None]
    buckets = Vocabulary(["other"], 256, correct_spelling=True)
    assert buckets.ids([word]) == buckets.ids([known])


@pytest.mark.parametrize("word", ["à", "がく", "है", "кот"])
def test_marks_that_make_other_letters_stay(word):
    assert Vocabulary(["a", "かく", "ह", "код"], 0, correct_spelling=True).ids([word]) == [None]
