"""Normalised characters against Unicode's own rules and tables written by hand."""

import time
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
        ("STRAẞE İ ΟΔΟΣ", "strasse i οδοσ"),
        ("İstanbul", "istanbul"),
        ("wo\u2060rd \u200eab\u200f \u202aх\u202c ❤\ufe0f ك\u0640تاب e\uffa0\u0301", "word ab х ❤ كتاب é"),
        ("٣٤ ۵ ४ 五 ೬", "34 5 4 五 6"),
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


@pytest.mark.parametrize("marks", ["\u0316\u0301", "\u0345\u0300\u0327", "\u05b0\u05bc\u0301"])
def test_many_marks_take_linear_time_and_thirty_stay(marks):
    def seconds(count):
        start = time.process_time()
        levelled = normalise("a" + marks * (count // len(marks)))
        assert len(levelled) <= 32
        return time.process_time() - start

    seconds(30_000)
    assert min(seconds(400_000) for _ in range(3)) < 8 * min(seconds(100_000) for _ in range(3)) + 0.05
    assert normalise("x" + marks[0] * 30) == normalise("x" + marks[0] * 31) != normalise("x" + marks[0] * 29)


def test_digits_of_every_script_are_digits():
    wrong = [
        character
        for character in assigned_characters()
        if (value := unicodedata.decimal(character, None)) is not None and normalise(character) != str(value)
    ]
    assert wrong == []


def test_every_character_alone_is_levelled_in_one_pass():
    once = [normalise(character) for character in assigned_characters()]
    assert [normalise(text) for text in once] == once


@settings(max_examples=300)
@given(TEXTS)
@example("1\u00ad²")
@example("´\u0301\u200d´")
@example("e\uffa0\u0301")
def test_normalise_is_idempotent_where_no_markup_is_left(text):
    once = normalise(text)
    if "&" not in once and "<" not in once:
        assert normalise(once) == once
    assert once == " ".join(once.split())
    assert unicodedata.is_normalized("NFKC", once)
    assert once == once.lower()
