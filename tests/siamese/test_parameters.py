"""Parameters of a learner: what they may be, and the constructor that is made of them."""

import inspect
from dataclasses import FrozenInstanceError, dataclass, fields

import numpy as np
import pytest

from textsiam import DuplicateClassifier, ImageSiamese
from textsiam.errors import TextsiamError
from textsiam.images.parameters import ImageParameters
from textsiam.siamese.parameters import (
    about,
    check_parameters,
    listed,
    names,
    number,
    one_of,
    parameter,
    positive,
    seed,
    share,
    signature_of,
    truth,
    whole,
)
from textsiam.training.parameters import TextParameters


@dataclass(frozen=True)
class Made:
    size: int = parameter(3, "Of the thing.", whole(1), option="size")
    part: float = parameter(0.5, "Of a word.", number(0, 1), warm=True)
    kind: str = parameter("a", "a or b.", one_of("a", "b"), warm=True, resume=True)

    def __post_init__(self):
        check_parameters(self)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (whole(1), [1, np.int64(5), 2**70], [0, -1, 1.0, True, None, "1", [1], np.array([1])]),
        (whole(0, none=True), [0, 10, None], [-1, False]),
        (number(0, 1), [0, 0.5, np.float32(0.25)], [1, -0.1, float("nan"), None, "a", True, np.array([0.5])]),
        (number(0), [0, 1e300], [float("inf"), float("nan")]),
        (seed(), [0, 2**32 - 1, np.uint32(7)], [-1, 2**32, 99999999999, None, 1.0, True]),
        (positive(), [1e-300, 5], [0, -1, float("inf"), None, "1"]),
        (share(), [1, 0.001, None], [0, 1.001, float("nan"), "a", True, [0.5]]),
        (one_of("a", None), ["a", None], ["b", 5, ["a"], np.array(["a"])]),
        (truth(), [True, False], ["yes", None, 2, 0]),
        (listed(), [("a",), [], ["a", "b"]], ["ab", 5, None]),
    ],
)
def test_checks_by_hand(check, good, bad):
    assert all(check.holds(value) for value in good)
    assert not any(check.holds(value) for value in bad)


@pytest.mark.parametrize("value", [0, "many", np.arange(10_000).reshape(-1, 2), "\n" * 500])
def test_an_error_is_one_short_line_with_rule_and_value(value):
    with pytest.raises(TextsiamError, match=r"^size must be a whole number of at least 1, not ") as caught:
        Made(size=value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 120


def test_parameters_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Made().size = 5


def test_a_parameter_tells_everything():
    field, known = about(Made)["size"]
    assert (field.default, known.help, known.check.rule, known.option) == (
        3,
        "Of the thing.",
        "a whole number of at least 1",
        "size",
    )
    assert list(names(Made, lambda of: of.warm)) == ["part", "kind"]
    assert list(names(Made, lambda of: of.resume)) == ["kind"]


def test_a_signature_is_as_if_written():
    def explicit(self, size: int = 3, *, part: float = 0.5, kind: str = "a"):
        pass

    made, written = (dict(one.parameters) for one in (signature_of(Made), inspect.signature(explicit)))
    assert list(made) == list(written)
    assert [(one.kind, one.default) for one in made.values()] == [(one.kind, one.default) for one in written.values()]


@pytest.mark.parametrize(
    ("learner", "parameters"), [(DuplicateClassifier, TextParameters), (ImageSiamese, ImageParameters)]
)
def test_a_constructor_has_the_parameters_of_its_dataclass_stores_them_and_no_more(learner, parameters):
    expected = {field.name: field.default for field in fields(parameters)}
    found = dict(list(inspect.signature(learner).parameters.items()))
    assert {name: one.default for name, one in found.items()} == expected
    assert vars(learner()) == expected
    assert all(known.help.endswith((".", "…")) for _, known in about(parameters).values())
    for call in (lambda: learner(colour=1), lambda: learner("a", encoder="b"), lambda: learner(*"abcdefgh")):
        with pytest.raises(TypeError):
            call()
