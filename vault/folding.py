"""One spelling for comparison: case, accents and look-alike punctuation folded away, alike when indexing and asking.

Folding is NFKD, combining marks dropped (every character whose canonical combining class is not zero), case folding,
the table below, NFC. Changing any of it, the table too, makes every stored search token wrong until it is rebuilt.
"""

import unicodedata

# Letters that Unicode does not take apart, and punctuation that people and devices use for one another.
TABLE = {
    "æ": "ae",
    "ð": "d",
    "ø": "o",
    "þ": "th",
    "đ": "d",
    "ħ": "h",
    "ı": "i",
    "ĸ": "k",
    "ł": "l",
    "ŋ": "n",
    "œ": "oe",
    "ŧ": "t",
    "ƀ": "b",
    "ƶ": "z",
    "ǝ": "e",
    "ǥ": "g",
    "ɨ": "i",
    "ə": "e",
    "ⱡ": "l",
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{MODIFIER LETTER APOSTROPHE}": "'",
    "\N{MODIFIER LETTER TURNED COMMA}": "'",
    "\N{GRAVE ACCENT}": "'",
    "\N{HYPHEN}": "-",
    "\N{FIGURE DASH}": "-",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{SOFT HYPHEN}": "",
}
_TABLE = str.maketrans(TABLE)

_IDEOGRAPHIC = (
    (0x2E80, 0x2FDF),
    (0x3005, 0x3007),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_PHONETIC = ((0x1100, 0x11FF), (0x3041, 0x31FF), (0xA960, 0xA97F), (0xAC00, 0xD7FF))


def fold(text: str) -> str:
    """The folded form of ``text``; folding it again changes nothing. Length may change (ß becomes ss)."""
    if text.isascii():
        return text.lower().replace("`", "'")
    apart = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", bare.casefold().translate(_TABLE))


def script(text: str) -> str:
    """``"i"`` when folded text holds ideographs, else ``"p"`` when it holds kana, hangul or bopomofo, else ``"a"``."""
    if text.isascii():
        return "a"
    points = [ord(letter) for letter in text]
    if any(low <= point <= high for point in points for low, high in _IDEOGRAPHIC):
        return "i"
    if any(low <= point <= high for point in points for low, high in _PHONETIC):
        return "p"
    return "a"
