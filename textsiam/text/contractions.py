"""English contractions written out, and the words that negate."""

NEGATIONS = frozenset({"no", "not", "nor", "never", "neither", "none", "nothing", "nobody", "nowhere", "without"})

CONTRACTED = {
    "n't": ("not",),  # a treebank's "do n't"
    "can't": ("can", "not"),
    "cannot": ("can", "not"),
    "won't": ("will", "not"),
    "shan't": ("shall", "not"),
    "ain't": ("is", "not"),
    "let's": ("let", "us"),
    "y'all": ("you", "all"),
    "i'm": ("i", "am"),
    "im": ("i", "am"),
    "whats": ("what", "is"),
    "thats": ("that", "is"),
    "ive": ("i", "have"),
    "gonna": ("going", "to"),
    "wanna": ("want", "to"),
    "gotta": ("got", "to"),
} | {  # the apostrophe left out, where no other word is spelt so
    f"{verb}nt": (base, "not")
    for verb, base in (
        *((v, v) for v in ("do", "does", "did", "is", "are", "was", "were", "have", "has", "had")),
        *((v, v) for v in ("could", "should", "would", "must", "need")),
        ("ca", "can"),
        ("wo", "will"),
    )
}
_SUFFIXES = {"re": "are", "ve": "have", "ll": "will", "d": "would", "m": "am", "nt": "not"}  # "nt": as in does'nt
_BEFORE_IS = frozenset(
    (
        *("what", "who", "where", "when", "why", "how", "it", "that", "this", "there", "here", "he", "she"),
        *("everything", "something", "nothing", "everyone", "someone"),
    )
)


def expand_contraction(token: str) -> tuple[str, ...]:
    """Write a contraction out: ``don't`` → ``do not``, ``what's`` → ``what is``, ``john's`` → ``john 's``.

    Args:
        token: one lower-case token.

    Returns:
        Its words; a token that is no contraction comes back alone.
    """
    if token in CONTRACTED:
        return CONTRACTED[token]
    base, apostrophe, suffix = token.rpartition("'")
    if not apostrophe:
        return (token,)
    if suffix == "t" and base.endswith("n"):
        return (*expand_contraction(base[:-1]), "not")
    if suffix in _SUFFIXES:
        return (*expand_contraction(base), _SUFFIXES[suffix])
    if suffix == "s":
        return (*expand_contraction(base), "is" if base in _BEFORE_IS else "'s")
    return (*expand_contraction(base), suffix)
