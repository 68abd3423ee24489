"""A verb's options from a table of parameters, where name, default and help stand: nothing of them is said twice."""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import typer

from textsiam.siamese.parameters import about

Verb = TypeVar("Verb", bound=Callable[..., None])


def with_options_of(parameters: type, types: Mapping[str, Any]) -> Callable[[Verb], Verb]:
    """Return a decorator that gives a verb an option for every parameter of a table that names one.

    The verb takes them as ``**chosen``, by the parameters' names; what is not given is None.

    Args:
        parameters: a dataclass of ``siamese.parameters.parameter``.
        types: of those options that hold something else than their parameter.
    """
    hints = get_type_hints(parameters)
    made = []
    for name, (field, known) in about(parameters).items():
        if known.option is None:
            continue
        kind = types.get(name) or next(kind for kind in (*get_args(hints[name]), hints[name]) if kind is not NoneType)
        flags, text = f"--{known.option}", _help(known.help, field.default)
        if kind is bool:
            text = known.help
            if field.default:  # true unless the option is given, so there is one for either
                flags = f"--{name.replace('_', '-')}/--{known.option}"
        elif get_args(kind):
            text += " Repeat for more."
        option = typer.Option(flags, help=text)
        made.append(Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]))

    def decorate(verb: Verb) -> Verb:
        own = signature(verb, eval_str=True)
        kept = [parameter for parameter in own.parameters.values() if parameter.kind is not Parameter.VAR_KEYWORD]
        verb.__signature__ = own.replace(parameters=[*kept, *made])  # type: ignore[attr-defined]
        return verb

    return decorate


def _help(text: str, default: Any) -> str:
    """Return a parameter's help with its default."""
    if default is None:
        return text
    shown = ",".join(map(str, default)) if isinstance(default, (list, tuple)) else default
    return f"{text.removesuffix('.')}; default: {shown}."
