"""Question text to sequences of token ids: normalise, tokenise, vocabulary, padding."""

from textsiam.preprocessing.normalise import normalise
from textsiam.preprocessing.sequences import Preprocessor, pad_sequences
from textsiam.preprocessing.tokenise import NEGATIONS, TOKEN_PATTERN, Tokenizer, has_digit
from textsiam.preprocessing.vocabulary import Vocabulary

__all__ = [
    "NEGATIONS",
    "TOKEN_PATTERN",
    "Preprocessor",
    "Tokenizer",
    "Vocabulary",
    "has_digit",
    "normalise",
    "pad_sequences",
]
