"""Letters for the report: one font whose glyphs travel within the PDF, and for Han, kana and Hangul the ones that every
reader of PDF brings along.

A letter for which there is none is written as its code point, so that no name is told with a letter less.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from io import BytesIO
from itertools import groupby

import pymupdf_fonts
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

REGULAR = "NotoSans"
BOLD = "NotoSans-Bold"
_EMBEDDED = {REGULAR: "notos", BOLD: "notosbo"}

# Which letters a national font has, as the character set says for which it was made; the first that has one writes it.
_NATIONAL = (
    ("HeiseiKakuGo-W5", "shift_jis"),
    ("HYGothic-Medium", "euc_kr"),
    ("STSong-Light", "gbk"),
    ("MSung-Light", "big5"),
)


def register() -> None:
    """Make the fonts known to the writer of PDF; costs something once in a process."""
    _glyphs()


def marked(text: str) -> str:
    """Text as mark-up in which each run of letters names its font; everything that is mark-up in it is escaped.

    The end of a line stays one.
    """
    return "<br/>".join(_marked(line) for line in unicodedata.normalize("NFC", text).split("\n"))


def _marked(line: str) -> str:
    letters = [_with_font(letter) for letter in line]
    return "".join(_run(font, "".join(text for _, text in run)) for font, run in groupby(letters, lambda one: one[0]))


def _run(font: str, text: str) -> str:
    return escape(text) if font == REGULAR else f'<font name="{font}">{escape(text)}</font>'


def _with_font(letter: str) -> tuple[str, str]:
    if ord(letter) in _glyphs():
        return REGULAR, letter
    found = next(_fonts_of(letter), None)
    return (found, letter) if found is not None else (REGULAR, f"[U+{ord(letter):04X}]")


def _fonts_of(letter: str) -> Iterator[str]:
    for font, charset in _NATIONAL:
        try:
            known = len(letter.encode(charset)) > 1
        except UnicodeEncodeError:
            known = False
        if known and unicodedata.category(letter)[0] in "LNPS":
            yield font


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    """The code points of the font that is embedded; loads all fonts."""
    known = frozenset[int]()
    for name, short in _EMBEDDED.items():
        font = TTFont(name, BytesIO(pymupdf_fonts.myfont(short)))
        pdfmetrics.registerFont(font)
        known = known or frozenset(font.face.charToGlyph)
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    for name, _charset in _NATIONAL:
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    return known
