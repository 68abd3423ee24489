r"""Which characters make words: the insides of character classes of regular expressions, for normalised text.

They are written out because ``\w`` and ``\d`` mean other characters in each version of Python, and still others in the
``regex`` engine that NLTK uses since 3.10; these make the same tokens everywhere.
"""

# Letters, numbers and the marks that belong to them (Unicode 17's L, N and M), variation selectors and enclosing marks
# left out, and the unspaced scripts below. What normalisation removes and what is unassigned may lie inside a range.
WORD = (
    "\u0030-\u0039\u0061-\u007a\u00df-\u00f6\u00f8-\u02c1\u02c6-\u02d1\u02ec\u02ee\u0300-\u0373\u0377-\u037d"
    "\u0390-\u03f3\u03f8-\u0481\u0483-\u0559\u0560-\u0588\u058b\u058c\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5"
    "\u05c7-\u05f2\u0610-\u061a\u0620-\u0669\u066e-\u06d3\u06d5-\u06dc\u06df-\u06e8\u06ea-\u06fc\u06ff\u0710-\u07f5"
    "\u07fa-\u07fd\u0800-\u082d\u0840-\u085b\u0860-\u0887\u0889-\u088f\u0897-\u08e1\u08e3-\u0963\u0966-\u096f"
    "\u0971-\u09f1\u09f4-\u09f9\u09fc\u09fe-\u0a75\u0a81-\u0aef\u0af9-\u0b6f\u0b71-\u0bf2\u0c00-\u0c6f\u0c78-\u0c7e"
    "\u0c80-\u0c83\u0c85-\u0d4e\u0d54-\u0d78\u0d7a-\u0df3\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0e50-\u0e59\u0eb1"
    "\u0eb4-\u0ebc\u0ec8-\u0f00\u0f18\u0f19\u0f20-\u0f33\u0f35\u0f37\u0f39\u0f3e-\u0f84\u0f86-\u0fbc\u0fc6"
    "\u102b-\u103e\u1040-\u1049\u1056-\u1059\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d"
    "\u108f-\u109d\u10d0-\u10fa\u10fd-\u135f\u1369-\u138f\u13f8-\u13fd\u1401-\u166c\u166f-\u167f\u1681-\u169a"
    "\u16a0-\u16ea\u16ee-\u1734\u1740-\u1773\u17b4-\u17d3\u17d7\u17dc-\u17f9\u180b-\u180d\u180f-\u193b\u1946-\u19da"
    "\u1a00-\u1a1b\u1a20-\u1a99\u1aa7\u1ab0-\u1b4c\u1b50-\u1b59\u1b6b-\u1b73\u1b80-\u1bf3\u1c00-\u1c37\u1c40-\u1c7d"
    "\u1c80-\u1c8a\u1cd0-\u1cd2\u1cd4-\u1fb7\u1fc2-\u1fc7\u1fd0-\u1fd7\u1fe0-\u1fe7\u1ff2-\u1ff7\u208f-\u209f\u214e"
    "\u2180-\u2188\u24eb-\u24ff\u2776-\u2793\u2c30-\u2ce4\u2cec-\u2cf3\u2cfd\u2d00-\u2d67\u2d7f-\u2dff\u2e2f"
    "\u3021-\u302f\u3031-\u3035\u303b\u303c\u3099\u309a\u3105-\u312f\u31a0-\u31bf\u3248-\u324f\ua000-\ua48c"
    "\ua4d0-\ua4fd\ua500-\ua60c\ua610-\ua672\ua674-\ua67d\ua67f-\ua6f1\ua717-\ua71f\ua723-\ua788\ua78c-\ua827"
    "\ua82c-\ua835\ua840-\ua873\ua880-\ua8c5\ua8d0-\ua8f7\ua8fb\ua8fd-\ua92d\ua930-\ua953\ua960-\ua9c0\ua9cf-\ua9d9"
    "\ua9e0-\uaa59\uaa60-\uaa76\uaa7a-\uaadd\uaae0-\uaaef\uaaf2-\uab5a\uab60-\uab68\uab6c-\uabea\uabec-\ud7fb\ufb1e"
    "\ufe20-\ufe2f\ufe73\U00010000-\U000100fa\U00010107-\U00010133\U00010140-\U00010178\U0001018a\U0001018b"
    "\U000101fd-\U0001039d\U000103a0-\U000103cf\U000103d1-\U00010563\U00010597-\U00010855\U00010858-\U00010876"
    "\U00010879-\U0001091b\U00010920-\U00010939\U00010940-\U00010a48\U00010a60-\U00010a7e\U00010a80-\U00010ac7"
    "\U00010ac9-\U00010aef\U00010b00-\U00010b35\U00010b40-\U00010b91\U00010ba9-\U00010d6d\U00010d6f-\U00010d85"
    "\U00010e60-\U00010eac\U00010eb0-\U00010ec7\U00010ecb-\U00010ecf\U00010ed9-\U00010f54\U00010f70-\U00010f85"
    "\U00010fb0-\U00011046\U00011052-\U000110ba\U000110c2\U000110d0-\U0001113f\U00011144-\U00011173"
    "\U00011176-\U000111c4\U000111c9-\U000111cc\U000111ce-\U000111da\U000111dc\U000111e1-\U00011237"
    "\U0001123e-\U000112a8\U000112b0-\U000113d3\U000113e1-\U0001144a\U00011450-\U00011459\U0001145e-\U000114c5"
    "\U000114c7-\U000115c0\U000115d8-\U00011640\U00011644-\U00011659\U00011680-\U000116b8\U000116c0-\U0001173b"
    "\U00011740-\U0001183a\U000118c0-\U00011943\U00011950-\U000119e1\U000119e3-\U00011a3e\U00011a47-\U00011a99"
    "\U00011a9d\U00011ab0-\U00011af8\U00011b0a-\U00011be0\U00011bf0-\U00011c40\U00011c50-\U00011c6c"
    "\U00011c72-\U00011ef6\U00011f00-\U00011f42\U00011f50-\U00011fd4\U00012000-\U0001246f\U00012475-\U00012ff0"
    "\U00013000-\U0001342f\U00013440-\U00016a69\U00016a70-\U00016af4\U00016b00-\U00016b36\U00016b40-\U00016b43"
    "\U00016b50-\U00016d6c\U00016d70-\U00016e96\U00016ea0-\U00016fe1\U00016fe3-\U0001bc99\U0001bc9d\U0001bc9e"
    "\U0001ccf0-\U0001ccf9\U0001cf00-\U0001cf46\U0001d127\U0001d128\U0001d165-\U0001d169\U0001d16d-\U0001d172"
    "\U0001d17b-\U0001d182\U0001d185-\U0001d18b\U0001d1aa-\U0001d1ad\U0001d242-\U0001d244\U0001d250-\U0001d252"
    "\U0001d25b\U0001d25c\U0001d25f\U0001d280-\U0001d2f3\U0001d360-\U0001d6a6\U0001da00-\U0001da36"
    "\U0001da3b-\U0001da6c\U0001da75\U0001da84\U0001da9b-\U0001daaf\U0001df00-\U0001e14e\U0001e290-\U0001e2f9"
    "\U0001e4d0-\U0001e5fa\U0001e6c0-\U0001e959\U0001ec71-\U0001ecab\U0001ecad-\U0001ecaf\U0001ecb1-\U0001ed2d"
    "\U0001ed2f-\U0001ed3d\U0001f10b\U0001f10c"
)

# Letters of scripts written without spaces: Thai, Lao, Myanmar, Khmer, kana, Han.
UNSPACED = (
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u1000-\u102a\u103f\u1050-\u1055"
    "\u105a-\u105d\u1061\u1065\u1066\u106e-\u1070\u1075-\u1081\u108e\u1780-\u17b3\u3005-\u3007\u3041-\u3096"
    "\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
)

# Vowel signs, tone marks and the like that follow a letter of these scripts.
UNSPACED_MARKS = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059\u105e-\u1060"
    "\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d\u17b4-\u17d3\u17dd\u302a-\u302f\u3099"
    "\u309a"
)

# The zeros of Unicode 17's decimal digits beside ASCII's, each followed by its script's 1 to 9; NFKC knows the others.
DIGIT_ZEROS = (
    0x0660,
    0x06F0,
    0x07C0,
    0x0966,
    0x09E6,
    0x0A66,
    0x0AE6,
    0x0B66,
    0x0BE6,
    0x0C66,
    0x0CE6,
    0x0D66,
    0x0DE6,
    0x0E50,
    0x0ED0,
    0x0F20,
    0x1040,
    0x1090,
    0x17E0,
    0x1810,
    0x1946,
    0x19D0,
    0x1A80,
    0x1A90,
    0x1B50,
    0x1BB0,
    0x1C40,
    0x1C50,
    0xA620,
    0xA8D0,
    0xA900,
    0xA9D0,
    0xA9F0,
    0xAA50,
    0xABF0,
    0x104A0,
    0x10D30,
    0x10D40,
    0x11066,
    0x110F0,
    0x11136,
    0x111D0,
    0x112F0,
    0x11450,
    0x114D0,
    0x11650,
    0x116C0,
    0x116D0,
    0x116DA,
    0x11730,
    0x118E0,
    0x11950,
    0x11BF0,
    0x11C50,
    0x11D50,
    0x11DA0,
    0x11F50,
    0x16A60,
    0x16AC0,
    0x16B50,
    0x16D70,
    0x1CCF0,
    0x1E140,
    0x1E2F0,
    0x1E4F0,
    0x1E5F1,
    0x1E950,
)


def has_digit(token: str) -> bool:
    """Whether the token names a number: ``2``, ``2nd``, ``10k``, ``iphone7``."""
    return any(character.isdigit() for character in token)
