"""Near copies that ask something else."""

import random
import re

import pytest

from textsiam.training.contrasts import WordSwap, change_number, contrasts, negate, turn_round


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("How do I learn chess?", "How do I not learn chess?"),
        ("Why should my dog eat rice?", "Why should my dog not eat rice?"),
        ("What is it like?", "What is it not like?"),
        ("How do I not learn chess?", "How do I learn chess?"),
        ("Why don't people read?", "Why do people read?"),
        ("Why can't I sleep?", "Why can I sleep?"),
        ("Is it safe to swim?", None),  # with "not" it asks the same
        ("What is the difference between tea and coffee?", None),
        ("How can I never be late?", None),
        ("Chess?", None),
        ("", None),
    ],
)
def test_a_negation_more_or_less(text, changed):
    assert negate(text, random.Random(0)) == changed


@pytest.mark.parametrize("text", ["What happened in 1984?", "Is 7 prime?", "What are the 10 best of 2016?"])
def test_another_number_of_as_many_digits(text):
    for seed in range(20):
        changed = change_number(text, random.Random(seed))
        if changed is None:  # the same number was drawn
            continue
        assert changed != text
        assert re.sub(r"\d", "0", changed) == re.sub(r"\d", "0", text)
    assert change_number("No number, but mp3 and 2.5 and 1,000,000.", random.Random(0)) is None


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("What should I eat before a run?", "What should I eat after a run?"),
        ("After lunch, may I swim?", "Before lunch, may I swim?"),
        ("Should I eat before or after a run?", None),  # the other way round it asks the same
        ("How do I go from Paris to the moon?", "How do I go from moon to the Paris?"),
        ("Is tea healthier than coffee?", "Is coffee healthier than tea?"),
        ("Why is a dog more loyal than the cat?", "Why is a cat more loyal than the dog?"),
        ("Is there any country other than India?", None),
        ("Does it go from day to day?", None),
        ("", None),
    ],
)
def test_an_order_turned_round(text, changed):
    assert turn_round(text, random.Random(0)) == changed


def test_contrasts_take_the_rules_in_equal_shares_as_far_as_they_fit():
    topics = ["chess", "poker", "guitar", "german", "physics", "history"]
    texts = [
        f"How do I learn {topic} {when} {year}?" for topic in topics for when in ("before", "in") for year in range(9)
    ]
    pairs = contrasts(texts, 40, seed=0)
    assert len(pairs) == len({question for question, _ in pairs}) == 40
    assert sum("after" in changed for _, changed in pairs) >= 10
    assert sum(" not " in changed for _, changed in pairs) >= 10
    assert sum(re.sub(r"\d", "", a) == re.sub(r"\d", "", b) for a, b in pairs) >= 10


def test_another_word_of_the_same_case():
    texts = [f"What is the {word} of {name}?" for word in ("size", "price") for name in ("Berlin", "Madrid")]
    texts += [f"Is there a {word}?" for word in ("size", "price")] * 20
    swap = WordSwap(texts)
    swapped = {swap("What is the size of Berlin?", random.Random(seed)) for seed in range(40)} - {None}
    assert swapped == {"What is the size of Madrid?"}  # "size" is too common here to be what a question is about
    assert swap("What is it?", random.Random(0)) is None


def test_contrasts_are_repeatable_and_differ_from_their_questions():
    topics = ["chess", "poker", "guitar", "german", "physics", "history", "cooking", "python"]
    texts = [
        f"How do {who} learn {topic} in {n} days?" for who in ("I", "you") for topic in topics for n in range(2, 9)
    ]
    pairs = contrasts(texts, 50, seed=3)
    assert pairs == contrasts(texts, 50, seed=3) != contrasts(texts, 50, seed=4)
    assert len(pairs) == 50
    assert all(question in texts and question != changed for question, changed in pairs)
    kinds = {
        "negation": sum(" not " in changed for _, changed in pairs),
        "number": sum(re.sub(r"\d", "", a) == re.sub(r"\d", "", b) for a, b in pairs),
    }
    assert min(kinds.values()) >= 12
    assert sum(kinds.values()) == 50  # no other word can be exchanged here
    assert contrasts(texts, 0) == contrasts([], 5) == []
