"""Training pairs made by rule: a question and a near copy of it that asks something else.

Labelled pairs hold few of these, so a model learns from them that questions which share most words are duplicates
(Ribeiro et al. 2020 show it for Quora's). The rules are English; where none fits a question, it is left out.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence

from textsiam.text.contractions import NEGATIONS
from textsiam.text.tokenise import Tokenizer

Rule = Callable[[str, random.Random], str | None]

_PRONOUNS = "i|you|we|they|he|she|it|there|people|one|someone|somebody|anyone|everyone"
_CLAUSE = re.compile(
    rf"\b(?:(?:am|is|are|was|were) (?:{_PRONOUNS})|(?:do|does|did|can|could|should|would|will|must|have|has|had) "
    rf"(?:{_PRONOUNS}|(?:my|your|our|their|his|her|the|a|an|some|most|many) \w+))(?= \w)",
    re.IGNORECASE,
)
_NOT = re.compile(r"\bnot |\b(?:ca|wo|sha)n't\b|n't\b", re.IGNORECASE)
_AUXILIARY = {"can't": "can", "won't": "will", "shan't": "shall"}
_NUMBER = re.compile(r"(?<![\w.,])[0-9]{1,6}(?![\w.,][0-9])")
_WORD = re.compile(r"(?<![\w'’.])[^\W\d_]{4,}(?![\w'’])")
_ORDER = {"before": "after", "after": "before", "Before": "After", "After": "Before"}
_BEFORE_AFTER = re.compile(rf"\b(?:{'|'.join(_ORDER)})\b")
_TWO_SIDES = (  # whose second and fourth part change places
    re.compile(r"(\bfrom (?:the )?)([^\W_]+)( to (?:the )?)([^\W_]+)\b"),
    re.compile(
        r"^((?:why )?(?:is|are|was|were) (?:the |an? )?)([^\W_]+)"
        r"( (?:\w+ )?(?:\w+er|(?:more|less) \w+) than (?:the |an? )?)([^\W_]+)\b",
        re.IGNORECASE,
    ),
)
_COMMON = 0.0005  # share of all words from which on a word is too common to be what a question is about


def negate(text: str, draw: random.Random) -> str | None:
    """Put a "not" behind the subject of a clause, or take out the one there is; None where neither can be done."""
    if _NOT.search(text):
        return _NOT.sub(lambda found: _AUXILIARY.get(found[0].lower(), ""), text, count=1)
    clauses = [found for found in _CLAUSE.finditer(text) if found.start()]  # "Is it safe?" asks what "Is it not?" does
    if set(Tokenizer()(text)) & NEGATIONS:
        return None
    if not clauses:
        return None
    place = draw.choice(clauses).end()
    return f"{text[:place]} not{text[place:]}"


def change_number(text: str, draw: random.Random) -> str | None:
    """Replace a number by another of as many digits; None where there is none."""
    numbers = list(_NUMBER.finditer(text))
    if not numbers:
        return None
    found = draw.choice(numbers)
    first = "" if len(found[0]) == 1 else draw.choice("123456789")
    other = first + "".join(draw.choice("0123456789") for _ in range(len(found[0]) - len(first)))
    return None if other == found[0] else text[: found.start()] + other + text[found.end() :]


def turn_round(text: str, draw: random.Random) -> str | None:
    """Exchange before and after, where from and where to, or what is compared; None where there is none of these."""
    turned = text
    if len(set(map(str.lower, _BEFORE_AFTER.findall(text)))) == 1:
        turned = _BEFORE_AFTER.sub(lambda found: _ORDER[found[0]], turned)
    for pattern in _TWO_SIDES:
        turned = pattern.sub(r"\1\4\3\2", turned)
    return None if turned == text else turned


class WordSwap:
    """Replaces a word that a question is about by another one, a capitalised one by a capitalised one.

    Args:
        texts: the questions whose words are used, each as often as it occurs in them.
    """

    def __init__(self, texts: Sequence[str]):
        words = [word for text in texts for word in _words(text)]
        counts = Counter(words)
        self._common = {word for word, count in counts.items() if count > max(_COMMON * len(words), 5)}
        kept = [word for word in words if word not in self._common and counts[word] > 1]
        self._pools = {capital: [word for word in kept if word[0].isupper() == capital] for capital in (True, False)}

    def __call__(self, text: str, draw: random.Random) -> str | None:
        """Return the changed text, or None where there is no such word."""
        words = [word for word in _words(text) if word not in self._common]
        if not words:
            return None
        word = draw.choice(words)
        pool = self._pools[word[0].isupper()]
        other = draw.choice(pool) if pool else word
        return None if other.lower() == word.lower() else re.sub(rf"\b{word}\b", other, text)


def _words(text: str) -> list[str]:
    """Return the longer words of a text, but the first, whose capital means nothing."""
    return [found[0] for found in _WORD.finditer(text) if found.start()]


def contrasts(texts: Sequence[str], count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Make pairs of a question and a near copy that asks something else: all are of label 0.

    A quarter each have a "not" more or less, another number, an order turned round, another word, as far as there are
    questions that the rules fit.

    Args:
        texts: distinct questions.
        count: pairs to make, at most.
        seed: of the questions and of what is changed.
    """
    draw = random.Random(seed)
    swap = WordSwap(texts)
    rules: tuple[Rule, ...] = (turn_round, change_number, negate)
    last: tuple[Rule, ...] = (swap, *rules)
    wanted = dict.fromkeys(rules, count // 4)
    pairs: list[tuple[str, str]] = []
    others: list[str] = []
    for text in draw.sample(list(texts), len(texts)):
        for rule in rules:
            changed = rule(text, draw) if wanted[rule] else None
            if changed is not None:
                wanted[rule] -= 1
                pairs.append((text, changed))
                break
        else:
            others.append(text)
    for text in others:
        if len(pairs) >= count:
            break
        changed = next((made for rule in last if (made := rule(text, draw)) is not None), None)
        if changed is not None:
            pairs.append((text, changed))
    return pairs
