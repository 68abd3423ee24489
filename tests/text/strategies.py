"""Texts that tests are run on: arbitrary ones, and the pieces that questions and attacks are made of."""

import sys
import unicodedata

from hypothesis import strategies as st

# Arbitrary code points, surrogates and NUL included, and the pieces that questions and attacks are made of.
CHARACTERS = st.characters(codec=None)
PIECES = st.sampled_from(
    [
        *(
            "don't",
            "can’t",
            "n't",
            "'s",
            "'",
            "nt",
            "&amp;",
            "&",
            "&#",
            "&#x",
            ";",
            "<b>",
            "</a>",
            "<a href=",
            '"',
            "<",
        ),
        *(
            ">",
            "10,000",
            "2.5",
            "1,",
            ".",
            "c++",
            "c#",
            "½",
            "²",
            "-",
            "/",
            " ",
            "\n",
            "\t",
            "\u200d",
            "\ufeff",
            "\x00",
        ),
        *(
            "\ud800",
            "é",
            "e\u0301",
            "日本",
            "カ\u3099",
            "한국",
            "हिन्दी",
            "ไทย",
            "İ",
            "ŉ",
            "ﬁ",
            "Σ",
            "ß",
            "👩\u200d💻",
            "a",
        ),
        *("Z", "_", "™", "\u0301", "‿", "❶", "\U000323b0", "٣", "\x1c"),
    ]
)
TEXTS = st.one_of(st.text(CHARACTERS, max_size=60), st.lists(st.one_of(PIECES, CHARACTERS), max_size=25).map("".join))


def assigned_characters():
    """Every character of this Python's Unicode, private ones and surrogates left out."""
    return (c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) not in {"Cn", "Co", "Cs"})
