"""Questions to padded sequences of ids."""

import logging

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nltk.tokenize import RegexpTokenizer
from strategies import TEXTS

from textsiam.text import tokenise as tokenise_module
from textsiam.text.normalise import normalise
from textsiam.text.preprocessor import Preprocessor, pad_sequences
from textsiam.text.tokenise import TOKEN_PATTERN, Tokenizer
from textsiam.text.vocabulary import Vocabulary

tokenise = Tokenizer()
nltk_tokenise = RegexpTokenizer(TOKEN_PATTERN).tokenize


def expected_tokens(text):
    return [word for token in nltk_tokenise(normalise(text)) for word in tokenise_module._split(token)]


@settings(max_examples=300)
@given(TEXTS)
def test_the_ids_of_a_text_are_those_of_its_parts(text):
    vocabulary = Vocabulary(["what", "is", "not", "5", "-"], 64)
    expected = vocabulary.encode(expected_tokens(text))
    preprocessor = Preprocessor(Tokenizer(), vocabulary, 10_000)
    assert preprocessor.encode([text, text]) == [expected, expected]
    ids, lengths = preprocessor.encode_padded([text, "what"])
    assert ids[0].tolist() == expected
    assert lengths.tolist() == [len(expected), 1]


@pytest.mark.parametrize("text", ["is 5 - 3 2?", "1/ 2 or 1 /2", "a - 1 don't", "x- 4", "w " * 300 + "8 - 9", ""])
def test_a_sign_before_a_space_and_a_number_is_kept(text):
    preprocessor = Preprocessor(Tokenizer(), Vocabulary(["-", "/", "1", "2", "3", "4", "5", "8", "9"], 2), 999)
    assert preprocessor.encode([text]) == [preprocessor.vocabulary.encode(expected_tokens(text))]


def test_pad_sequences_by_hand():
    padded = pad_sequences([[1, 2, 3], [4], []])
    assert padded.dtype == np.int32
    assert padded.tolist() == [[1, 2, 3], [4, 0, 0], [0, 0, 0]]
    assert pad_sequences([[1, 2, 3], [4]], 2).tolist() == [[1, 2], [4, 0]]
    assert pad_sequences([[1]], 3).tolist() == [[1, 0, 0]]
    assert pad_sequences([]).shape == (0, 1)
    assert pad_sequences([], 5).shape == (0, 5)
    assert pad_sequences([[]]).tolist() == [[0]]


@given(st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=6), max_size=8), st.none() | st.integers(1, 8))
def test_pad_sequences_equals_a_loop(rows, length):
    width = max((len(row) for row in rows), default=1) or 1 if length is None else length
    expected = [(row + [0] * width)[:width] for row in rows]
    assert pad_sequences(rows, length).tolist() == expected


@given(st.lists(TEXTS, max_size=5), st.integers(1, 8), st.sampled_from([0, 2, 256]))
def test_no_row_is_empty_or_too_long(texts, max_length, buckets):
    vocabulary = Vocabulary(["a", "not", "日"], buckets)
    rows = Preprocessor(tokenise, vocabulary, max_length).encode(texts)
    assert len(rows) == len(texts)
    assert all(1 <= len(row) <= max_length for row in rows)
    assert all(0 <= identifier < len(vocabulary) for row in rows for identifier in row)
    if buckets:
        assert all(row == vocabulary.encode(tokenise(text)[:max_length]) for row, text in zip(rows, texts, strict=True))
        assert 0 not in {identifier for row in rows for identifier in row}


@given(st.lists(TEXTS, min_size=1, max_size=40), st.integers(1, 8), st.sampled_from([0, 256]))
@example(
    ["- 5", "5 - 5", "- a", "a/ 5", "", " ", "`x`", "a\nb", "A  b", "<b>", "&amp;", "x" * 500, "don't", "é"] * 2, 4, 256
)
def test_texts_split_together_have_the_ids_of_each_alone(texts, max_length, buckets):
    preprocessor = Preprocessor(tokenise, Vocabulary(["a", "not", "日", "5"], buckets), max_length)
    padded, lengths = preprocessor.encode_padded(texts)
    rows = preprocessor.encode(texts)
    assert lengths.tolist() == [len(row) for row in rows]
    assert padded.shape == (len(texts), max(lengths))
    assert padded.dtype == np.int32
    np.testing.assert_array_equal(padded, pad_sequences(rows))


def test_a_hundred_thousand_words_are_cut_and_that_is_said_once(caplog):
    preprocessor = Preprocessor(tokenise, Vocabulary(["word", "first"]), max_length=60)
    text = "first " + "word " * 99_999
    with caplog.at_level(logging.WARNING):
        rows = preprocessor.encode([text, "word", text])
        rows += preprocessor.encode([text])
    assert [len(row) for row in rows] == [60, 1, 60, 60]
    assert rows[0] == [258] + [257] * 59
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["A question of 100000 tokens is cut at 60 (max_length); this is said once."]
    assert preprocessor.encode(["word " * 60]) == [[257] * 60]


def test_the_same_question_otherwise_written_has_the_same_ids():
    questions = ["What's  the <b>best</b> CAF\u00c9?", "what&rsquo;s the best cafe\u0301", "Ｗhat is the best café"]
    rows = Preprocessor(tokenise, Vocabulary(["what"])).encode(questions)
    assert rows[0] == rows[1] == rows[2]
