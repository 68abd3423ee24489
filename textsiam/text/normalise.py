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
_ENDLESS = re.compile(r"&#(?=[0-9]{100})")  # no character has such a number; html.unescape raises from 4,300 digits on
_AFTER_DIGIT = re.compile(r"(?<=\d)(?=[²³¹⁰⁴-⁹₀-₉¼-¾⅐-⅞])")  # 10² is not 102, nor 5½ 51/2
_CHARACTERS = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "‛": "'",
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
        "⁄": "/",
        "™": " ",
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
    plain forms, the result is NFKC (Unicode Standard Annex 15) in lower case with single spaces. A superscript or a
    fraction after a digit stands apart: 10² does not become 102.

    Args:
        text: one question, any length, any script.

    Returns:
        The normalised text; ``normalise(normalise(x)) == normalise(x)`` unless entities or tags were nested.
    """
    if "&" in text:
        text = html.unescape(_ENDLESS.sub(" ", text))
    if "<" in text:
        text = _TAG.sub(" ", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _AFTER_DIGIT.sub(" ", text.translate(_CHARACTERS)))
        # Once more, since compatibility characters contain them too: ŉ, ⁻, ½.
        text = unicodedata.normalize("NFKC", text.lower()).translate(_CHARACTERS)
    else:
        text = text.lower().replace("`", "'")
    return " ".join(text.split())
