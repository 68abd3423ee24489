"""Text to normalised text: one spelling for what readers see as the same characters.

Every step is linear in the length of the text, so that a question of 10 MB is slow but never hangs.
"""

import html
import re
import unicodedata

# Known HTML tags only: "a <b and c> d" is a formula, "<b>" and '<a href="x">' are markup.
_TAG = re.compile(
    r"</?(?:a|abbr|b|blockquote|body|br|code|div|em|font|h[1-6]|hr|html|i|img|li|mark|ol|p|pre|q|s|small|span|strike|"
    r"strong|sub|sup|table|tbody|td|th|thead|tr|tt|u|ul)"
    r"""(?:\s+[\w:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'|[^\s"'<>]+))*\s*/?>""",
    re.IGNORECASE,
)
_CHARACTERS = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "`": "'",
        "´": "'",
        "′": "'",
        "−": "-",
        "‐": "-",
        "‑": "-",
        "–": "-",
        "×": "*",
        "÷": "/",
        "\u00ad": None,  # soft hyphen, zero-width joiner and non-joiner: invisible inside a word
        "\u200c": None,
        "\u200d": None,
        "\u200b": " ",  # zero-width space: a word boundary
        "\ufeff": " ",
    }
)


def normalise(text: str) -> str:
    """Return the text with entities, markup, compatibility characters and case levelled.

    HTML entities are decoded, known HTML tags become spaces, typographic apostrophes, hyphens and signs become their
    plain forms, the result is NFKC (Unicode Standard Annex 15) in lower case with single spaces.

    Args:
        text: one question, any length, any script.

    Returns:
        The normalised text; ``normalise(normalise(x)) == normalise(x)`` unless an entity was escaped twice.
    """
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_CHARACTERS))
        text = unicodedata.normalize("NFKC", text.lower())
    else:
        text = text.lower().replace("`", "'")
    return " ".join(text.split())
