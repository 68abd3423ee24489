"""The behaviour suite, held against models whose failures are known beforehand."""

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import textsiam.evaluation.behaviour
from textsiam.cli.console import behaviour_text
from textsiam.errors import TextsiamError
from textsiam.evaluation.behaviour import CASES, TOLERANCE, Case, behaviour_cases, run_behaviour, to_dict
from textsiam.text.normalise import normalise

CAPABILITIES = [
    "Negation",
    "Antonyms",
    "Numbers",
    "Names and places",
    "Before and after",
    "Then and now",
    "Comparisons",
    "Synonyms",
    "Contractions",
    "Typos",
    "Word order",
    "Active and passive",
    "Coreference",
]


class Oracle:
    """Answers by a function of the two questions, and counts how often it is asked."""

    threshold = 0.5

    def __init__(self, answer):
        self.answer, self.calls = answer, 0

    def probabilities(self, question1, question2):
        self.calls += 1
        return np.array([self.answer(*pair) for pair in zip(question1, question2, strict=True)], float)


@pytest.fixture(scope="module")
def cases():
    return behaviour_cases()


@pytest.fixture(scope="module")
def truth(cases):
    return {pair: label for case in cases for pair, label in zip(case.pairs, case.labels, strict=True)}


def failed(results, kind=None):
    return sum(result.failures for result in results if kind in (None, result.kind))


def test_every_capability_has_hundreds_of_cases(cases):
    counts = Counter(case.capability for case in cases)
    assert list(counts) == CAPABILITIES
    assert min(counts.values()) >= 3 * CASES
    groups = Counter((case.capability, case.kind, case.labels) for case in cases)
    assert set(groups.values()) == {CASES}
    assert {kind for _, kind, _ in groups} == {"MFT", "INV", "DIR"}
    for capability in CAPABILITIES:  # both labels are known of every capability
        assert (capability, "MFT", (0,)) in groups
        assert (capability, "MFT", (1,)) in groups


def test_cases_have_the_shape_of_their_kind(cases):
    shapes = {"MFT": {(0,), (1,)}, "INV": {(0, 0), (1, 1)}, "DIR": {(0, 1), (1, 0)}}
    for case in cases:
        assert case.labels in shapes[case.kind]
        assert len(case.pairs) == len(case.labels)
        assert len(set(map(frozenset, case.pairs))) == len(case.pairs)  # a change changes something


def test_the_same_seed_gives_the_same_cases_without_repetition(cases):
    assert behaviour_cases(0) == cases
    other = behaviour_cases(1)
    assert other != cases
    assert len(other) == len(cases)
    keys = [(case.kind, tuple(map(frozenset, case.pairs))) for case in cases]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("seed", [0, 7])
def test_no_pair_has_two_labels_and_no_question_is_its_own_duplicate(seed):
    labels = {}
    for case in behaviour_cases(seed):
        for pair, label in zip(case.pairs, case.labels, strict=True):
            key = frozenset(map(normalise, pair))
            assert len(key) == 2, pair
            assert labels.setdefault(key, label) == label, pair


def test_questions_are_whole(cases):
    for case in cases:
        for text in (text for pair in case.pairs for text in pair):
            assert re.fullmatch(r"[A-Z][^{}\[\]]*[?.]", text), text
            assert "  " not in text
            assert not re.search(r"\b[Aa] [aeioAEIO]|\b[Aa]n [^aeiouAEIOU8](?!our)", text), text


def test_every_word_list_and_every_word_is_used():
    material = json.loads(Path(textsiam.evaluation.behaviour.__file__).with_suffix(".json").read_text("utf-8"))
    texts = " ".join(text for test in material["tests"] for template in test["templates"] for text in template)
    assert set(re.findall(r"\{([a-z_]+)", texts)) == set(material["words"])
    for words in material["words"].values():
        assert len({json.dumps(word) for word in words}) == len(words)


def test_the_documentation_lists_every_test(cases):
    text = (Path(__file__).parent.parent.parent / "docs" / "results" / "behaviour.md").read_text("utf-8")
    counts = Counter((case.capability, case.kind, case.expectation) for case in cases)
    for row, count in counts.items():
        assert f"| {' | '.join(row)} | {count} |" in text


def test_who_knows_the_labels_never_fails(cases, truth):
    oracle = Oracle(lambda *pair: truth[pair])
    results = run_behaviour(oracle, cases)
    assert failed(results) == 0
    assert all(not result.examples and result.interval[0] == 0 for result in results)
    assert sum(result.cases for result in results) == len(cases)
    assert oracle.calls == 1


def test_who_says_the_contrary_fails_all_but_invariance(cases, truth):
    for result in run_behaviour(Oracle(lambda *pair: 1 - truth[pair]), cases):
        assert result.rate == (0 if result.kind == "INV" else 1)


@pytest.mark.parametrize(("answer", "wrong"), [(0.9, "different"), (0.1, "duplicate")])
def test_who_always_says_the_same_fails_the_other_label(cases, answer, wrong):
    for result in run_behaviour(Oracle(lambda *_: answer), cases):
        assert result.rate == (result.expectation == wrong)


def test_who_is_thrown_by_an_apostrophe_fails_where_one_comes_in(cases):
    results = run_behaviour(Oracle(lambda first, second: "'" not in first + second), cases)
    invariant = [case for case in cases if case.kind == "INV"]
    changed = [case for case in invariant if len({"'" in first + second for first, second in case.pairs}) == 2]
    assert {case.capability for case in changed} == {"Contractions"}
    assert failed(results, "INV") == len(changed) == 2 * CASES


def test_directions():
    pairs = (("a", "b"), ("a", "c"))
    falling, rising = Case("x", "DIR", pairs, (1, 0)), Case("x", "DIR", pairs, (0, 1))
    assert (falling.expectation, rising.expectation) == ("must not rise", "must not fall")
    assert falling.holds((0.9, 0.2), 0.5)
    assert not rising.holds((0.9, 0.2), 0.5)
    assert not falling.holds((0.2, 0.3), 0.5)
    assert rising.holds((0.2, 0.3), 0.5)
    for case, sign in ((falling, 1), (rising, -1)):  # on one side of the tolerance, and on the other
        assert case.holds((0.5, 0.5 + sign * 0.9 * TOLERANCE), 0.5)
        assert not case.holds((0.5, 0.5 + sign * 1.1 * TOLERANCE), 0.5)


def test_the_threshold_belongs_to_duplicates():
    same, other = (Case("x", "MFT", (("a", "b"),), (label,)) for label in (1, 0))
    assert same.holds((0.5,), 0.5)
    assert not other.holds((0.5,), 0.5)
    assert not Case("x", "INV", (("a", "b"), ("a", "c")), (1, 1)).holds((0.5, 0.499), 0.5)


def test_results_are_counted_by_hand():
    cases = [Case("x", "MFT", ((f"a{n}", f"b{n}"),), (1,)) for n in range(10)]
    (result,) = run_behaviour(Oracle(lambda first, _: first not in ("a3", "a7")), cases)
    assert (result.cases, result.failures, result.rate) == (10, 2, 0.2)
    assert [failure.pairs for failure in result.examples] == [(("a3", "b3"),), (("a7", "b7"),)]
    # Newcombe 1998: Wilson's interval is (2np + z² ± z √(z² + 4npq)) / 2(n + z²), z² = 3.84146
    low = (4 + 3.84146 - 1.95996 * (3.84146 + 4 * 10 * 0.2 * 0.8) ** 0.5) / (2 * (10 + 3.84146))
    high = (4 + 3.84146 + 1.95996 * (3.84146 + 4 * 10 * 0.2 * 0.8) ** 0.5) / (2 * (10 + 3.84146))
    assert result.interval == pytest.approx((low, high), abs=1e-5)
    assert json.loads(json.dumps(to_dict([result])))[0]["examples"][0] == {
        "pairs": [["a3", "b3"]],
        "probabilities": [0.0],
    }


def test_no_cases_are_a_mistake():
    with pytest.raises(TextsiamError, match="at least one case"):
        run_behaviour(Oracle(lambda *_: 1), [])


def test_the_text_shows_every_row_and_a_failure(cases):
    results = run_behaviour(Oracle(lambda *_: 0.9), cases)
    table, examples = behaviour_text(results).split("\n\n")
    assert len(table.splitlines()) == len(results) + 1
    assert all(result.capability in table for result in results)
    assert examples.count("expected: different") == len(CAPABILITIES)
    assert (
        behaviour_text(run_behaviour(Oracle(lambda *_: 0.9), [Case("x", "MFT", (("a", "b"),), (1,))])).count("\n") == 1
    )
