"""Plain texts to ids, many at once: against splitting each text by itself."""

import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from textsiam.text.bulk import PlainEncoder, WordTable
from textsiam.text.preprocessor import Preprocessor, pad_sequences
from textsiam.text.tokenise import Tokenizer
from textsiam.text.vocabulary import Vocabulary

WORDS = st.text("aB?.'`-/&0", max_size=4) | st.sampled_from(["x" * n for n in (7, 8, 9, 15, 16, 17, 40)])
TEXTS = st.lists(WORDS, max_size=6).map(" ".join)


def ids_of(word):
    """Some ids of a word, none of an apostrophe."""
    return [] if word == "'" else [zlib.crc32(word.encode()) % 1000 + 1] * (1 + len(word) % 2)


def ids_of_all(words):
    return list(map(ids_of, words))


def alone(text):
    """The ids of a plain text."""
    words = [word.rstrip("?!.,") for word in text.lower().replace("`", "'").split(" ")]
    return [number for word in words if word for number in ids_of(word)]


def is_plain(text):
    """Whether no sign has what follows a space, or what may be an entity, for its fellow."""
    return not re.search(r"[-/] +([^a-z]|$)|&([^ ]|$)", text.lower())


def check(encoder, texts):
    ids, counts = encoder(texts)
    expected = [alone(text) if is_plain(text) else [] for text in texts]
    assert counts.tolist() == list(map(len, expected))
    assert ids.tolist() == list(chain.from_iterable(expected))


@given(st.lists(TEXTS, min_size=1, max_size=20))
@example(["xxxxxxxx", "xxxxxxxxx", " xxxxxxxxxxxxxxxx  xxxxxxxxxxxxxxxxx ", "", " ", "-", "a -", "- a", "a?.! ?, .b"])
def test_texts_together_have_the_ids_of_each_alone(texts):
    encoder = PlainEncoder(ids_of_all)
    for _ in range(2):  # words anew, and known
        check(encoder, texts)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "é",
            "日本",
            "a\tb",
            "a\nb",
            "a\0b",
            "a &b",
            "a&",
            "&amp;",
            "<b>",
            "\ud800",
            "x" * 1602,
            "a\r",
            "a\x7f",
            "\x85",
        ),
        *("1/ 2", "5 - 3", "a -  3", "a- ", "a - - 3"),
    ],
)
def test_what_normalisation_may_change_is_not_plain(text):
    ids, counts = PlainEncoder(ids_of_all)(["first", text, "last"])
    assert counts.tolist() == [2, 0, 1]
    assert ids.tolist() == alone("first last")


def test_a_word_is_asked_for_once_and_a_very_long_one_each_time():
    asked = []
    encoder = PlainEncoder(lambda words: asked.extend(words) or [[1]] * len(words))
    encoder(["what is", "a question"])
    encoder(["is a", "what question"])
    assert sorted(asked) == ["a", "is", "question", "what"]
    for _ in range(2):
        encoder(["y" * 17, "z" * 65, "y" * 17])
    assert asked[4:] == ["y" * 17, "z" * 65, "z" * 65]


def test_a_word_that_finds_no_slot_is_asked_for_once():
    asked = []
    encoder = PlainEncoder(lambda words: asked.extend(words) or ids_of_all(words), WordTable(bits=1))
    for _ in range(2):
        check(encoder, [f"w{number}" for number in range(20)])
    assert encoder._table._entries <= 3 and len(asked) == 20


def test_words_beside_the_table_are_limited():
    encoder = PlainEncoder(ids_of_all, others=3)
    texts = [f"antidisestablishment{number}" for number in range(9)]
    for _ in range(2):
        check(encoder, texts[:2])
        check(encoder, texts)
    assert [word.decode() for word in encoder._others] == texts[:3]


def test_a_long_text_changes_no_other():
    texts = ["what is it", "word " * 400, "why\nnot", "how é", "日" * 400]
    ids, counts = PlainEncoder(ids_of_all)(texts)
    assert counts.tolist() == [3, 0, 0, 0, 0]
    assert ids.tolist() == alone("what is it")


def test_a_full_table_and_words_that_share_slots_change_no_ids():
    encoder = PlainEncoder(ids_of_all, WordTable(bits=4, entries=8))
    texts = [f"w{number} beginning{number * 7 % 50}" for number in range(50)]
    for _ in range(3):
        check(encoder, texts)
    assert 1 < encoder._table._entries <= 8
    assert np.count_nonzero(encoder._table._slots) == encoder._table._entries - 1


def test_ids_without_room_are_not_remembered():
    encoder = PlainEncoder(lambda words: [[len(word)] * 10 for word in words], WordTable(entries=8))
    for _ in range(2):
        ids, counts = encoder(["a bb", "ccc"])
        assert (ids.tolist(), counts.tolist()) == ([1] * 10 + [2] * 10 + [3] * 10, [20, 10])


def test_threads_share_one_table():
    encoder = PlainEncoder(ids_of_all)
    texts = [[f"t{n} word{n * 13 % 700} w{n * m % 900}" for n in range(1000)] for m in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            for future in [pool.submit(check, encoder, part) for part in texts]:
                future.result()
    words = {word for part in texts for text in part for word in text.split()}
    assert encoder._table._entries - 1 <= len(words)  # none twice


def test_blocks_and_threads_change_nothing():
    preprocessor = Preprocessor(Tokenizer(), Vocabulary(["what", "is", "it"]), 5)
    texts = [
        "What is it?",
        "",
        "é",
        "what " * 9,
        "日本語とは何ですか",
        "Is it 5 - 3?",
        "?",
        "A & B - C",
        "R&D",
        "A &amp; B",
    ] * 23
    expected = preprocessor.encode(texts)
    with ThreadPoolExecutor(3) as pool:
        for share in (map, pool.map):
            ids, lengths = preprocessor.encode_padded(texts, share, first=4, block=16)
            assert lengths.tolist() == list(map(len, expected))
            np.testing.assert_array_equal(ids, pad_sequences(expected))
