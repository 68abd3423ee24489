"""Examples in docstrings as code on the documentation's pages: an extension of Griffe, which reads the docstrings."""

import re
from typing import Any

from griffe import Extension, Object

# An example: a line that begins with >>>, and all lines after it up to an empty one.
_EXAMPLE = re.compile(r"^( *)>>> .*(?:\n\1\S.*| *\n\1>>> .*|\n\1 +\S.*)*", re.MULTILINE)


class Examples(Extension):
    """Fences the examples, which Markdown would take for quotations."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Fence the examples of one docstring."""
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(r"\1```pycon\n\g<0>\n\1```", obj.docstring.value)
