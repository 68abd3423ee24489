"""Parameters of a learner as a frozen dataclass: default, check and help of each stand with its name."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import Field, dataclass, field, fields
from inspect import Parameter, Signature, signature
from typing import Any

import numpy as np

from textsiam.errors import TextsiamError


@dataclass(frozen=True)
class Check:
    """What a parameter may be.

    Attributes:
        rule: in words, to follow "must be".
        holds: whether a value is that.
    """

    rule: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class About:
    """What is known of a parameter beside its default.

    Attributes:
        help: a line.
        check: what it may be; None: it is checked elsewhere.
        option: its name at the command line; None: it is none there.
        warm: it steers training, and may be another one when a trained model learns on.
        resume: it is of what follows training, and may be another one when a killed training is resumed.
    """

    help: str
    check: Check | None = None
    option: str | None = None
    warm: bool = False
    resume: bool = False


def parameter(default: Any, help: str, check: Check | None = None, **about: Any) -> Any:
    """Return a field of a dataclass of parameters; see ``About``."""
    return field(default=default, metadata={"about": About(help, check, **about)})


def about(parameters: Any) -> dict[str, tuple[Field[Any], About]]:
    """Return the fields of a dataclass of parameters, and what is known of each, by name."""
    return {each.name: (each, each.metadata["about"]) for each in fields(parameters)}


def check_parameters(parameters: Any) -> None:
    """Check every parameter.

    Raises:
        TextsiamError: one is not what it must be.
    """
    for name, (_, known) in about(parameters).items():
        value = getattr(parameters, name)
        if known.check is not None and not known.check.holds(value):
            shown = " ".join(repr(value).split())
            raise TextsiamError(f"{name} must be {known.check.rule}, not {shown:.60}.")


def whole(least: int, *, none: bool = False) -> Check:
    """Check for a whole number of at least so much, or, if told, None."""

    def holds(value: Any) -> bool:
        if value is None:
            return none
        return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= least)

    return Check(f"a whole number of at least {least}{' or None' * none}", holds)


def number(low: float, high: float = math.inf) -> Check:
    """Check for a number in [low, high)."""

    def holds(value: Any) -> bool:
        kind = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        return kind and bool(low <= value < high)

    return Check(f"a number in [{low}, {high})", holds)


def seed() -> Check:
    """Check for a seed: a whole number in [0, 2³²)."""
    return Check("a whole number in [0, 2**32)", lambda value: whole(0).holds(value) and bool(value < 1 << 32))


def positive() -> Check:
    """Check for a number above 0."""
    return Check("a number above 0", lambda value: number(0).holds(value) and value > 0)


def share() -> Check:
    """Check for a number in (0, 1], or None."""
    return Check(
        "a number in (0, 1] or None",
        lambda value: value is None or (positive().holds(value) and bool(value <= 1)),
    )


def one_of(*choices: Any) -> Check:
    """Check for one of some values."""
    return Check(
        f"one of {', '.join(map(str, choices))}",
        lambda value: any(value is choice or (type(value) is type(choice) and value == choice) for choice in choices),
    )


def listed() -> Check:
    """Check for a sequence that is no text."""
    return Check("a list", lambda value: isinstance(value, Sequence) and not isinstance(value, str))


def truth() -> Check:
    """Check for True or False."""
    return one_of(True, False)


def names(parameters: Any, chosen: Callable[[About], bool]) -> Iterable[str]:
    """Return the names of the parameters of which something holds."""
    return [name for name, (_, known) in about(parameters).items() if chosen(known)]


def signature_of(parameters: type, *, positional: int = 1) -> Signature:
    """Return the signature of a constructor that takes the parameters of a dataclass, and stores them.

    Args:
        parameters: the dataclass.
        positional: how many may be given by their place.
    """
    own = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)
    each = signature(parameters).parameters.values()
    rest = [known.replace(kind=Parameter.KEYWORD_ONLY) for known in list(each)[positional:]]
    return Signature([own, *list(each)[:positional], *rest])
