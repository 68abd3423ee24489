"""What is the same text to a reader: variants of writing; and what is not: whatever carries meaning."""

import pytest
from hypothesis import given, settings
from strategies import TEXTS

from textsiam.text.normalise import normalise
from textsiam.text.same import same_text
from textsiam.text.tokenise import Tokenizer


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("What is it?", "what  is IT"),
        ("What is it ?", "What is it?!"),
        ("Hello. How are you?", "hello how are you..."),
        ("It’s “here”", "it's “here”"),
        ("2–3", "2-3"),
        ("Ｗｈａｔ？", "what"),
        ("e\u0301te\u0301", "été"),
        ("Straße", "STRASSE"),
        ("İstanbul", "istanbul"),
        ("ΟΔΟΣ", "οδος"),
        ("AT&amp;T", "AT&T"),
        ("٣ things", "3 things"),
        ("❤\ufe0f", "❤"),
        ("wo\u2060rd", "word"),
        ("你好。", "你好"),
        ("Is it good!", "is it good"),
        ("", " \n"),
        ("?", "? "),
    ],
)
def test_the_same_text_otherwise_written(text, other):
    assert same_text(text, other)
    assert same_text(other, text)


# Each pair differs in a sign that carries meaning, in how a word is spelt, or in an end that a network may not see.
DIFFERENT = [
    (".5 mg", "5 mg"),
    ("3 - x", "3 / x"),
    ("-x", "x"),
    ("a != b", "a = b"),
    ("10!", "10"),
    ("What is 10!?", "What is 10?"),
    ("n!", "n"),
    ("`<div>`", "`<table>`"),
    ("vector<a>", "vector<b>"),
    ("∩", "∪"),
    ("∀", "∃"),
    ("¬p", "p"),
    ("₺", "₫"),
    ("▲", "▼"),
    ("⏩", "⏪"),
    (":)", ":("),
    ("() and []", "{} and []"),
    ("a[i]", "a(i)"),
    ("/", "\\"),
    ("don't", "do not"),
    ("naive", "naïve"),
    ("x²", "x2"),
    ("H₂O", "H2O"),
    ("①", "1"),
    ("re-sign", "resign"),
    ("100,200,300", "100200300"),
    ("1.5mg", "1 5mg"),
    ("a, b", "a b"),
    ("word " * 60 + "yes", "word " * 60 + "no"),
]


@pytest.mark.parametrize(("text", "other"), DIFFERENT)
def test_what_differs_in_anything_else(text, other):
    assert not same_text(text, other)
    assert not same_text(other, text)
    assert not same_text(f"What is {text} here?", f"What is {other} here?")


def test_marks_alone_are_not_the_same():
    assert not same_text("?", "!")
    assert not same_text("", "?")


@settings(max_examples=300)
@given(TEXTS, TEXTS)
def test_the_same_text_has_the_same_tokens(text, other):
    assert same_text(text, text)
    if same_text(text, other):
        assert Tokenizer()(normalise(text)) == Tokenizer()(normalise(other))
