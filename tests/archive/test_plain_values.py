"""What is said of a value without the parser is what the parser says of it."""

import struct
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from archive import metadata, plain_values
from archive.dataset.uids import Encoding

TEXTS = ["CS", "SH", "LO", "AS", "DA", "TM", "DT", "UI", "DS", "IS"]
NUMBERS = ["US", "SS", "UL", "SL", "FL", "FD"]
TAGS = {"US": 0x00280010, "IS": 0x00200013, "DS": 0x00180050, "UI": 0x00080018}

odd = st.binary(max_size=40)
texts = st.from_regex(rb"[ -~]{0,20}[ \x00]{0,2}", fullmatch=True)
decimals = st.lists(st.from_regex(rb" ?[+-]?[0-9]{0,16}\.?[0-9]{0,3}([eE][+-]?[0-9]{1,3})? ?", fullmatch=True)).map(
    b"\\".join
)


def by_parser(vr: str, data: bytes, *, little: bool) -> Any:
    """The element as it is told where nothing is said without the parser."""
    tag = Tag(TAGS.get(vr, 0x00081030))
    ds = Dataset()
    ds[tag] = RawDataElement(tag, vr, len(data), data, 0, False, little)
    header = metadata.Header(ds, Encoding(explicit=True, big=not little))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_values, "as_json", lambda *_, **__: None)
        return metadata._attribute(header, ds, tag, "uri")


def require_same(vr: str, data: bytes, *, little: bool = True) -> None:
    said = plain_values.as_json(vr, data, little=little)
    if said is not None:
        # As text: 1 and 1.0 are equal and stand differently in a document.
        assert orjson.dumps(said) == orjson.dumps(by_parser(vr, data, little=little))


@given(vr=st.sampled_from(TEXTS), data=odd | texts | decimals)
@example(vr="DS", data=b"1.50\\-2 ")
@example(vr="DS", data=b" 1")
@example(vr="IS", data=b"007")
@example(vr="IS", data=b"-0")
@example(vr="UI", data=b"1.2\0")
@example(vr="LO", data=b"a ")
@example(vr="SH", data=b"a\0")
@example(vr="LO", data=b"a\\b")
@example(vr="TM", data=b"101500.000")
def test_text_is_told_as_the_parser_tells_it(vr: str, data: bytes) -> None:
    require_same(vr, data)


@given(vr=st.sampled_from(NUMBERS), data=odd, little=st.booleans())
@example(vr="FD", data=struct.pack("<d", float("nan")), little=True)
@example(vr="FL", data=struct.pack("<ff", 0.1, float("inf")), little=True)
@example(vr="US", data=b"\1\0\2\0", little=False)
def test_numbers_are_told_as_the_parser_tells_them(vr: str, data: bytes, *, little: bool) -> None:
    require_same(vr, data, little=little)


@pytest.mark.parametrize(
    ("vr", "data"), [("LO", b"HEAD "), ("DS", b"1\\2.5"), ("IS", b"12"), ("US", b"\0\2"), ("UI", b"1.2.3\0")]
)
def test_ordinary_values_need_no_parser(vr: str, data: bytes) -> None:
    assert plain_values.as_json(vr, data, little=True) == by_parser(vr, data, little=True)


@pytest.mark.parametrize(
    ("vr", "data"),
    [
        (None, b"1"),
        ("UN", b"1"),
        ("PN", b"A^B"),
        ("LO", b"\xe4"),
        ("LO", b"a\\b"),
        ("CS", b""),
        ("CS", None),
        ("US", b"1"),
    ],
)
def test_nothing_is_said_of_what_is_out_of_the_ordinary(vr: str | None, data: bytes | None) -> None:
    assert plain_values.as_json(vr, data, little=True) is None
