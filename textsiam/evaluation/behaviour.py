"""What a model can and cannot do, one capability at a time, on questions written for it.

After the method of CheckList (Ribeiro, Wu, Guestrin and Singh 2020), with English templates and words of our own, which
stand in behaviour.json. Nothing of them may serve training: `training.contrasts` makes its pairs by other rules.
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from textsiam.errors import TextsiamError
from textsiam.evaluation.figures import wilson_interval

CASES = 120  # of each list of templates
TOLERANCE = 0.01  # a probability that moves by less has not moved
EXAMPLES = 3  # failures kept of each test
_DRAWS = 100 * CASES  # a draw may repeat a case
_SLOT = re.compile(r"\{((\w+?)\d*)[\[}]")  # {city}, {city2}, {act[0]}: the name, and the list of words it draws from

Pair = tuple[str, str]


class Answers(Protocol):
    """What a model must offer: the calibrated probability of a duplicate, (n,) in [0, 1], and where it decides."""

    threshold: float

    def probabilities(self, question1: Sequence[str], question2: Sequence[str]) -> np.ndarray:
        """Return the probability of each pair."""


@dataclass(frozen=True)
class Case:
    """One expectation about one pair of questions, or about a pair before and after a change.

    Attributes:
        capability: what it takes to get it right.
        kind: "MFT", minimum functionality: the decision is the label. "INV", invariance: the decision is the same
            before and after. "DIR", direction: the probability does not move against the labels by more than 0.01.
        pairs: one pair, or the pair before and after.
        labels: of the pairs, 1 = duplicate: one for MFT, two that are equal for INV, two that differ for DIR.
    """

    capability: str
    kind: str
    pairs: tuple[Pair, ...]
    labels: tuple[int, ...]

    @property
    def expectation(self) -> str:
        """What is expected, in words."""
        if self.kind == "MFT":
            return "duplicate" if self.labels == (1,) else "different"
        if self.kind == "INV":
            return "same decision"
        return "must not rise" if self.labels == (1, 0) else "must not fall"

    def holds(self, probabilities: Sequence[float], threshold: float) -> bool:
        """Say whether the expectation is met by the probabilities of the pairs, each in [0, 1]."""
        if self.kind == "MFT":
            return (probabilities[0] >= threshold) == self.labels[0]
        before, after = probabilities
        if self.kind == "INV":
            return (before >= threshold) == (after >= threshold)
        return (after - before) * (self.labels[1] - self.labels[0]) >= -TOLERANCE


@dataclass(frozen=True)
class Failure:
    """A case that does not hold: its pairs, and the probability of each."""

    pairs: tuple[Pair, ...]
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Behaviour:
    """How often the cases of one capability, kind and expectation fail.

    Attributes:
        cases: how many there are.
        failures: how many do not hold.
        rate: failures / cases, in [0, 1], lower is better.
        interval: its 95% Wilson interval, for other words in the same templates; other templates may differ by more.
        examples: some failures.
    """

    capability: str
    kind: str
    expectation: str
    cases: int
    failures: int
    rate: float
    interval: tuple[float, float]
    examples: tuple[Failure, ...]


def behaviour_cases(seed: int = 0) -> list[Case]:
    """Fill the templates with words, the same ones for the same seed: 120 cases from each list of templates.

    Args:
        seed: of the words; the templates take turns.

    Returns:
        Cases without repetition, whichever question comes first.
    """
    words, tests = _material()
    cases: list[Case] = []
    seen: set[tuple[frozenset[str], ...]] = set()
    for test in tests:
        draw = random.Random(f"{seed} {test['capability']} {test['kind']} {test['labels']}")
        end = len(cases) + CASES
        for texts in islice(_filled(test["templates"], words, draw), _DRAWS):
            pairs = tuple(zip(texts[::2], texts[1::2], strict=True))
            key = tuple(map(frozenset, pairs))
            if key not in seen:
                seen.add(key)
                cases.append(Case(test["capability"], test["kind"], pairs, tuple(test["labels"])))
            if len(cases) == end:
                break
    return cases


def run_behaviour(model: Answers, cases: Sequence[Case]) -> tuple[Behaviour, ...]:
    """Ask a model all cases at once.

    Args:
        model: the trained model.
        cases: from `behaviour_cases`, at least one.

    Returns:
        One entry for each capability, kind and expectation, in the order of the cases.

    Raises:
        TextsiamError: there are no cases.
    """
    if not cases:
        raise TextsiamError("A behaviour test needs at least one case.")
    first, second = zip(*(pair for case in cases for pair in case.pairs), strict=True)
    probabilities = iter(model.probabilities(first, second).tolist())
    groups: dict[tuple[str, str, str], list[Failure | None]] = {}
    for case in cases:
        answers = tuple(next(probabilities) for _ in case.pairs)
        failure = None if case.holds(answers, model.threshold) else Failure(case.pairs, answers)
        groups.setdefault((case.capability, case.kind, case.expectation), []).append(failure)
    return tuple(_summary(*group, outcomes) for group, outcomes in groups.items())


def to_dict(behaviours: Sequence[Behaviour]) -> list[dict[str, Any]]:
    """Return the results ready for JSON."""
    return [asdict(behaviour) for behaviour in behaviours]


def _summary(capability: str, kind: str, expectation: str, outcomes: Sequence[Failure | None]) -> Behaviour:
    failures = [failure for failure in outcomes if failure is not None]
    rate, rows = len(failures) / len(outcomes), len(outcomes)
    low, high = wilson_interval(rate, rows)
    spread = failures[:: max(len(failures) // EXAMPLES, 1)][:EXAMPLES]
    return Behaviour(capability, kind, expectation, rows, len(failures), rate, (float(low), float(high)), tuple(spread))


def _filled(
    templates: Sequence[Sequence[str]], words: dict[str, list[Any]], draw: random.Random
) -> Iterator[list[str]]:
    """Yield the texts of each template in turn with words of the lists that its slots name, endlessly."""
    while True:
        for template in templates:
            lists: dict[str, list[str]] = {}
            for slot, name in sorted(set(_SLOT.findall(" ".join(template)))):
                lists.setdefault(name, []).append(slot)
            values: dict[str, Any] = {}
            for name, slots in lists.items():
                values.update(zip(slots, draw.sample(words[name], len(slots)), strict=True))
            yield [text.format(**values) for text in template]


@cache
def _material() -> tuple[dict[str, list[Any]], list[dict[str, Any]]]:
    """Return the lists of words by name, and the tests: capability, kind, labels, templates of 2 or 4 questions."""
    material = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return material["words"], material["tests"]
