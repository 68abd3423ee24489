"""The library's cures in the words of the command line: its parameters become options of the verb that runs.

A verb's own parameters carry the library's names (``overwrite``, ``random_state``); the option that each declares
(``--force``, ``--seed``) is the only place where the two are held together.
"""

import re
import shlex
from collections.abc import Iterable
from typing import Any

_PARAMETER = re.compile(
    r"""(?P<preposition>\bwith\ )?\b(?P<name>[a-z]\w*)=(?P<value>True|False|…|"[^"]*"|'[^']*'|-?\w+(?:\.\w+)*)""",
    re.VERBOSE,
)


def in_options(cure: str, parameters: Iterable[Any]) -> str:
    r"""Return a cure with the library's parameters written as a verb's options.

    ``overwrite=True`` becomes ``--force``, ``label=…`` becomes ``--label``, ``bad_rows="skip"`` becomes
    ``--bad-rows skip``, ``with resume=True`` becomes ``with --resume``, ``with resume=False`` becomes
    ``without --resume``; an argument becomes its name in the help. What the verb does not have stays as it is.

    Args:
        cure: see ``TextsiamError``.
        parameters: the verb's, as Click has them.
    """
    known = {parameter.name: parameter for parameter in parameters}

    def option(found: re.Match[str]) -> str:
        parameter = known.get(found["name"])
        if parameter is None:
            return found[0]
        preposition, value = found["preposition"] or "", found["value"].strip("\"'")
        if parameter.param_type_name == "argument":
            return preposition + (
                (parameter.metavar or found["name"].upper()).strip("[].") if value == "…" else shlex.quote(value)
            )
        if value == "False" and parameter.is_flag:
            if parameter.secondary_opts:
                return preposition + max(parameter.secondary_opts, key=len)
            return f"{'without' if preposition else 'no'} {max(parameter.opts, key=len)}"
        flag = preposition + max(parameter.opts, key=len)
        return flag if value in ("True", "…") else f"{flag} {shlex.quote(value)}"

    return _PARAMETER.sub(option, cure)
