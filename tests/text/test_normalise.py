"""Normalised characters against Unicode's own rules and tables written by hand."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from strategies import TEXTS, assigned_characters

from textsiam.text.normalise import normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What  is\tthis\n?", "what is this ?"),
        ("  \u00a0\u3000 ", ""),
        ("Ｗｈａｔ　ｉｓ　ＡＩ？", "what is ai?"),  # full width
        ("ﬁnal ① ℌ", "final 1 h"),
        ("e\u0301te\u0301", "été"),
        ("It’s a ‘test’ ＇ok＇ isn`t", "it's a 'test' 'ok' isn't"),
        ("2–3 − 1 = 3‑2", "2-3 - 1 = 3-2"),
        ("R&amp;D, 3 &lt; 4 &#x26; &#39;a&#39; &eacute;", "r&d, 3 < 4 & 'a' é"),
        ("AT&T and R&D", "at&t and r&d"),
        ("<p>Hello <b>big</b><br/>world</p>", "hello big world"),
        ("<a href=\"x.html\" class='y' id=z>link</a>", "link"),
        ("&lt;b&gt;bold&lt;/b&gt;", "bold"),
        ("Is a<b and c>d or x < y > z?", "is a<b and c>d or x < y > z?"),  # a formula, not markup
        ("List<String> and <notatag>", "list<string> and <notatag>"),
        ("soft\u00adhyphen zero\u200bwidth \ufeffmark", "softhyphen zero width mark"),
        ("10² is 100, 5½, x², H₂O, 10⁻³", "10 2 is 100, 5 1/2, x2, h2o, 10-3"),
        ("iPhone™ X", "iphone x"),
        ("ŉ ﬀ", "'n ff"),
        ("STRAẞE İ ΟΔΟΣ", "straße i̇ οδος"),
        ("a\x00b", "a\x00b"),
    ],
)
def test_normalise(text, expected):
    assert normalise(text) == expected


@pytest.mark.parametrize(
    "entity", ["&#" + "9" * 5000 + ";", "&#" + "0" * 10_000, "&#x" + "f" * 5000 + ";", "&#-1;", "&#;"]
)
def test_an_endless_entity_is_no_error(entity):
    assert isinstance(normalise(entity), str)


def test_every_character_alone_is_levelled_in_one_pass():
    once = [normalise(character) for character in assigned_characters()]
    assert [normalise(text) for text in once] == once


@settings(max_examples=300)
@given(TEXTS)
@example("1\u00ad²")
@example("´\u0301\u200d´")
def test_normalise_is_idempotent_where_no_markup_is_left(text):
    once = normalise(text)
    if "&" not in once and "<" not in once:
        assert normalise(once) == once
    assert once == " ".join(once.split())
    assert unicodedata.is_normalized("NFKC", once)
    assert once == once.lower()
