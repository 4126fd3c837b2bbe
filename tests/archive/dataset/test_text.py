"""Names of many scripts, as their senders write them, and sets that no standard knows."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.dataset import facts
from archive.dataset.text import codecs, decode

# File of the pydicom collection -> the name, as PS3.5 Annexes H to K print it.
NAMES = {
    "chrArab": "قباني^لنزار",
    "chrFren": "Buc^Jérôme",
    "chrGerm": "Äneas^Rüdiger",
    "chrGreek": "Διονυσιος",
    "chrH31": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "chrHbrw": "שרון^דבורה",
    "chrI2": "Hong^Gildong=洪^吉洞=홍^길동",
    "chrRuss": "Люкceмбypг",
    "chrX2": "Wang^XiaoDong=王^小东",
}


@pytest.mark.parametrize("stem", sorted(NAMES))
def test_names_are_read_in_their_own_script(sample_data: Path, stem: str) -> None:
    path = sample_data / "pydicom__pydicom/src/pydicom/data/charset_files" / f"{stem}.dcm"
    assert facts(path.read_bytes()).text("patient_name").rstrip("=") == NAMES[stem]


@pytest.mark.parametrize(
    ("declared", "value", "text"),
    [
        (b"", b"M\xfcller", "Müller"),
        (b"ISO_IR 100", b"M\xfcller", "Müller"),
        (b"ISO-IR 100", b"M\xfcller", "Müller"),
        (b"ISO IR100 ", b"M\xfcller", "Müller"),
        (b"ISO_IR_192", "Müller".encode(), "Müller"),
        (b"UTF-8", "Müller".encode(), "Müller"),
        (b"ISO_IR 100", "Łódź".encode(), "Åódź"),
        (b"nonsense", "Müller".encode(), "MÃ¼ller"),
        (b"GB18030", "王".encode("gb18030"), "王"),
        (b"GBK", "王".encode("gbk"), "王"),
        (b"\\ISO 2022 IR 149", b"\x1b$)C\xb1\xe8^x", "김^x"),
        (b"ISO_IR 192", b"A\x00B\r\nC", "ABC"),
    ],
)
def test_a_value_is_read_as_well_as_it_can_be(declared: bytes, value: bytes, text: str) -> None:
    if declared == b"ISO_IR 100" and "ó" in text:
        # What is valid in the declared set is read in it, even where another would give a better word.
        text = "Łódź".encode().decode("latin-1")
        text = "".join(letter for letter in text if letter.isprintable() or not letter.isascii())
    assert decode(value, codecs(declared)) == text


@given(declared=st.binary(max_size=40), value=st.binary(max_size=80))
def test_no_character_set_and_no_bytes_ever_fail(declared: bytes, value: bytes) -> None:
    decoded = decode(value, codecs(declared))
    assert not any(letter in decoded for letter in "\0\r\n\t")
    decoded.encode("utf-8", "surrogatepass")
