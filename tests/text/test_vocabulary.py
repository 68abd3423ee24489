"""The vocabulary against scikit-learn, and worked by hand."""

import json
import os
import subprocess
import sys
import zlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfTransformer
from strategies import CHARACTERS

from textsiam.errors import TextsiamError
from textsiam.text.preprocessor import Preprocessor
from textsiam.text.tokenise import Tokenizer
from textsiam.text.vocabulary import Vocabulary

tokenise = Tokenizer()

WORDS = st.text(st.characters(categories=("L", "N"), max_codepoint=0x2FFF), min_size=1, max_size=4)


@given(st.lists(st.lists(WORDS, max_size=8), max_size=12), st.integers(1, 3), st.none() | st.integers(0, 6))
def test_vocabulary_is_sorted_by_count_then_token(texts, min_count, max_size):
    counts = Counter(token for text in texts for token in text)
    expected = sorted((t for t in counts if counts[t] >= min_count), key=lambda t: (-counts[t], t))[:max_size]
    vocabulary = Vocabulary.build(texts, min_count=min_count, max_size=max_size, oov_buckets=4)
    assert list(vocabulary.tokens) == expected
    assert len(vocabulary) == 1 + 4 + len(expected)
    assert vocabulary.encode(expected) == (list(range(5, 5 + len(expected))) or vocabulary.encode([]))
    assert Vocabulary.from_text(vocabulary.to_text(), 4) == vocabulary
    assert Vocabulary.from_text("[PAD]\n", 0, correct_spelling=True) == Vocabulary([], 0, correct_spelling=True)
    assert all(token in vocabulary for token in expected)


def test_vocabulary_by_hand():
    vocabulary = Vocabulary.build([["b", "a", "c2"], ["a", "b"], ["c2", "d"]], min_count=2, oov_buckets=2)
    assert vocabulary.tokens == ("a", "b", "c2")
    assert vocabulary.to_text() == "[PAD]\n[OOV 0]\n[OOV 1]\na\nb\nc2\n"
    assert [vocabulary.to_text().splitlines()[i] for i in vocabulary.encode(["c2", "a"])] == ["c2", "a"]
    assert vocabulary.numeric().tolist() == [False, False, True, False, False, True]
    assert vocabulary.encode(["new", "n3w"]) == [1, 2]
    assert "d" not in vocabulary
    assert vocabulary == Vocabulary(["a", "b", "c2"], 2)
    assert vocabulary != Vocabulary(["a", "b", "c2"], 4)
    assert vocabulary != Vocabulary(["a", "b", "c2"], 2, correct_spelling=True)
    assert hash(vocabulary) == hash(Vocabulary(["a", "b", "c2"], 2))


def test_unknown_tokens_go_to_buckets_by_crc_32():
    vocabulary = Vocabulary(["known"], 256)
    assert zlib.crc32(b"hello") == 907060870  # so that a change of the hash cannot hide
    assert vocabulary.encode(["hello"]) == [1 + 907060870 % 128]
    assert vocabulary.encode(["hello7"]) == [1 + zlib.crc32(b"hello7") % 128 + 128]
    assert vocabulary.encode(["नमस्ते"]) == [1 + zlib.crc32("नमस्ते".encode()) % 128]
    assert vocabulary.encode(["known", "hello", "hello"]) == [257, 1 + 907060870 % 128, 1 + 907060870 % 128]
    assert vocabulary.encode([]) == [1]
    assert vocabulary.encode(["\ud800"])[0] in range(1, 129)


@given(st.text(CHARACTERS, min_size=1), st.sampled_from([2, 4, 256]))
def test_a_bucket_knows_whether_its_tokens_have_a_digit(token, buckets):
    vocabulary = Vocabulary([], buckets)
    (identifier,) = vocabulary.encode([token])
    assert 1 <= identifier <= buckets
    assert vocabulary.numeric()[identifier] == any(c.isdigit() for c in token)


def test_without_buckets_unknown_tokens_are_dropped():
    vocabulary = Vocabulary(["a", "b"], 0)
    assert vocabulary.encode(["b", "x", "a"]) == [2, 1]
    assert vocabulary.encode(["x"]) == vocabulary.encode([]) == [0]
    assert vocabulary.numeric().tolist() == [False, False, False]
    assert Vocabulary.from_text(vocabulary.to_text(), 0) == vocabulary


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Vocabulary(["a"], 3), "0 or an even number, not 3"),
        (lambda: Vocabulary(["a"], -2), "0 or an even number, not -2"),
        (lambda: Vocabulary(["a", "b", "a"]), "'a' stands in it twice"),
        (lambda: Vocabulary.build([["a"]], max_size=-1), "max_size must be at least 0, or None for no limit, not -1"),
        (lambda: Vocabulary.from_text("", 2), "starts with [PAD] and 2 buckets"),
        (lambda: Vocabulary.from_text("[PAD]\n[OOV 0]\n", 2), "starts with [PAD] and 2 buckets"),
        (lambda: Vocabulary.from_text("[PAD]\n[OOV 0]\na\nb\n", 2), "starts with [PAD] and 2 buckets"),
        (lambda: Vocabulary.from_text("a\nb\nc\n", 2), "starts with [PAD] and 2 buckets"),
        (lambda: Preprocessor(tokenise, Vocabulary([]), 0), "max_length must be at least 1, not 0"),
    ],
)
def test_wrong_vocabularies_are_refused(make, words):
    with pytest.raises(TextsiamError) as error:
        make()
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_vocabulary_and_ids_do_not_depend_on_the_hash_seed():
    code = (
        "import json\n"
        "from textsiam.text.preprocessor import Preprocessor\n"
        "from textsiam.text.tokenise import Tokenizer\n"
        "from textsiam.text.vocabulary import Vocabulary\n"
        "texts = ['Why do cats purr?', 'How do dogs bark, and why?', 'Do 2 cats meow?']\n"
        "tokenizer = Tokenizer(stop_words=True)\n"
        "vocabulary = Vocabulary.build(map(tokenizer, texts), oov_buckets=8)\n"
        "rows = Preprocessor(tokenizer, vocabulary).encode([*texts, 'nine unknown words 3rd here'])\n"
        "print(json.dumps([vocabulary.to_text(), rows, vocabulary.inverse_document_frequency(rows).tolist()]))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "4242")
    }
    assert len(outputs) == 1
    assert json.loads(outputs.pop())[0].startswith("[PAD]\n[OOV 0]\n")


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=7), min_size=1, max_size=10))
def test_idf_is_scikit_learns(rows):
    vocabulary = Vocabulary(list("abcdefg"), 2)
    counts = np.array([[row.count(i) for i in range(10)] for row in rows])
    expected = TfidfTransformer(smooth_idf=True).fit(counts).idf_
    idf = vocabulary.inverse_document_frequency(rows)
    assert idf.dtype == np.float32
    assert idf[0] == 0
    np.testing.assert_allclose(idf[1:], expected[1:], rtol=1e-6)
