"""Text to normalised text: one spelling for what readers see as the same characters.

Every step is linear in the length of the text, so that a question of 10 MB is slow but never hangs.
"""

import html
import re
import unicodedata

from textsiam.text.characters import DIGIT_ZEROS

# Known HTML tags only: "a <b and c> d" is a formula, "<b>" and '<a href="x">' are markup.
_TAG = re.compile(
    r"</?(?:a|abbr|b|blockquote|body|br|code|div|em|font|h[1-6]|hr|html|i|img|li|mark|ol|p|pre|q|s|small|span|strike|"
    r"strong|sub|sup|table|tbody|td|th|thead|tr|tt|u|ul)"
    r"""(?:\s+[\w:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'|[^\s"'<>]+))*\s*/?>""",
    re.IGNORECASE,
)
_ENDLESS = re.compile(r"&#(?=[0-9]{100})")  # no character has such a number; html.unescape raises from 4,300 digits on
_AFTER_DIGIT = re.compile(r"(?<=\d)(?=[²³¹⁰⁴-⁹₀-₉¼-¾⅐-⅞])")  # 10² is not 102, nor 5½ 51/2
_INVISIBLE = (  # inside words: joiners, marks of direction, variation selectors, the tatweel that stretches Arabic
    "\u00ad\u034f\u061c\u0640\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f"
    "\ufff9-\ufffb\U000e0100-\U000e01ef"
)
_remove_invisible = re.compile(f"[{_INVISIBLE}]+").sub
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
        "\u200b": " ",  # zero-width space: a word boundary
        "\ufeff": " ",
    }
    | {chr(zero + value): str(value) for zero in DIGIT_ZEROS for value in range(10)}
)
_MARKS = 30  # in a row: longer ones no language has, and to sort them takes the square of their number


def normalise(text: str) -> str:
    """Return the text with entities, markup, compatibility characters and case levelled.

    HTML entities are decoded, known HTML tags become spaces, typographic apostrophes, hyphens and signs become their
    plain forms, digits of all scripts 0 to 9, invisible characters go, the result is NFKC (Unicode Standard Annex 15)
    with case folded and single spaces. A superscript or a fraction after a digit stands apart: 10² does not become
    102. Of a run of combining marks the first 30 are kept, as in the annex's stream-safe text format.

    >>> normalise("STRASSE,  Straße &amp; <b>x²</b>")
    'strasse, strasse & x2'

    Args:
        text: one question, any length, any script.

    Returns:
        The normalised text; ``normalise(normalise(x)) == normalise(x)`` unless entities or tags were nested.
    """
    text = unescape(text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    return level(text)


def unescape(text: str) -> str:
    """Return the text with its HTML entities decoded."""
    return html.unescape(_ENDLESS.sub(" ", text)) if "&" in text else text


def level(text: str) -> str:
    """Return the text with compatibility characters and case levelled; see ``normalise``, which does more."""
    if not text.isascii():
        text = _few_marks(_remove_invisible("", text))
        text = unicodedata.normalize("NFKC", _AFTER_DIGIT.sub(" ", text.translate(_CHARACTERS)))
        # Once more, since compatibility characters contain them too: ŉ, ⁻, ½; and folded case is not composed.
        text = _remove_invisible("", text.casefold().lower().replace("i\u0307", "i"))  # as in İstanbul
        text = unicodedata.normalize("NFKC", text).translate(_CHARACTERS)
    else:
        text = text.lower().replace("`", "'")
    return " ".join(text.split())


def _few_marks(text: str) -> str:
    """Return the text with no run of more than 30 combining marks."""
    if len(text) <= _MARKS or not any(map(unicodedata.combining, text)):
        return text
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MARKS:
            kept.append(character)
    return "".join(kept)
