"""Contractions written out, negations kept or left out on request."""

import os
import zipfile
from pathlib import Path

import pytest

from textsiam.text import baseline2019
from textsiam.text.contractions import NEGATIONS
from textsiam.text.tokenise import Tokenizer

tokenise = Tokenizer()

CONTRACTIONS = {
    "don't": "do not",
    "Don’t": "do not",
    "DON`T": "do not",
    "don＇t": "do not",
    "don&#39;t": "do not",
    "don&rsquo;t": "do not",
    "do n't": "do not",
    "do'nt": "do not",
    "does'nt": "does not",
    "dont": "do not",
    "doesnt": "does not",
    "didn't": "did not",
    "can't": "can not",
    "cannot": "can not",
    "can not": "can not",
    "cant": "can not",
    "can't've": "can not have",
    "won't": "will not",
    "wont": "will not",
    "shan't": "shall not",
    "ain't": "is not",
    "isn't": "is not",
    "isnt": "is not",
    "aren't": "are not",
    "wasn't": "was not",
    "weren't": "were not",
    "haven't": "have not",
    "hasn't": "has not",
    "hadn't": "had not",
    "couldn't": "could not",
    "shouldn't've": "should not have",
    "wouldn't": "would not",
    "mustn't": "must not",
    "mightn't": "might not",
    "needn't": "need not",
    "oughtn't": "ought not",
    "daren't": "dare not",
    "i'm": "i am",
    "im": "i am",
    "you're": "you are",
    "we've": "we have",
    "she'll": "she will",
    "i'd": "i would",
    "i'd've": "i would have",
    "y'all're": "you all are",
    "let's": "let us",
    "what's": "what is",
    "whats": "what is",
    "who's": "who is",
    "it's": "it is",
    "there's": "there is",
    "John's": "john 's",
    "zoë's": "zoë 's",
    "students'": "students",
    "'quoted'": "quoted",
    "1990's": "1990 's",
    "O'Reilly": "o reilly",
    "o'clock": "o clock",
    "rock'n'roll": "rock n roll",
    "aujourd'hui": "aujourd hui",
    "l'été": "l été",
    "gonna": "going to",
    # words that only look so
    "wed": "wed",
    "were": "were",
    "well": "well",
    "ill": "ill",
    "shed": "shed",
    "hell": "hell",
    "its": "its",
    "font": "font",
    "cantor": "cantor",
    "want": "want",
    "ant": "ant",
}


@pytest.mark.parametrize(("text", "expected"), CONTRACTIONS.items())
def test_contractions_are_written_out(text, expected):
    assert " ".join(tokenise(text)) == expected
    assert tokenise(f"why {text} now?") == ["why", *expected.split(), "now"]


def test_stop_words_leave_the_negation():
    text = "Why is the cat not, nor can't it, in no house without me?"
    kept = Tokenizer(stop_words=True)(text)
    assert kept == ["cat", "not", "nor", "not", "no", "house", "without"]
    assert Tokenizer(stop_words=True, keep_negation=False)(text) == ["cat", "house", "without"]
    for contraction, expected in CONTRACTIONS.items():
        if "not" in expected.split():
            assert "not" in Tokenizer(stop_words=True)(contraction)


@pytest.mark.parametrize("negation", sorted(NEGATIONS))
def test_each_negation_survives(negation):
    assert negation in Tokenizer(stop_words=True)(f"is it {negation} the one")


def test_shipped_stop_words_are_nltks():
    for folder in filter(None, os.environ.get("NLTK_DATA", "").split(os.pathsep)):
        corpus = Path(folder, "corpora")
        if (corpus / "stopwords" / "english").is_file():
            text = (corpus / "stopwords" / "english").read_text(encoding="utf-8")
        elif (corpus / "stopwords.zip").is_file():
            text = zipfile.ZipFile(corpus / "stopwords.zip").read("stopwords/english").decode()
        else:
            continue
        assert baseline2019._stop_words() == set(text.split())
        return
    pytest.skip("NLTK_DATA names no folder with NLTK's stop words")


def test_keep_digits():
    assert Tokenizer(keep_digits=False)("iphone7 in 2017 ٣ or 10k of c++") == ["in", "or", "of", "c++"]
