"""What is kept of a large object says of it what the whole object says, however its bytes come."""

from collections.abc import Callable
from itertools import pairwise
from secrets import token_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit

from archive import frames
from archive.dataset import Outline, encoding, facts, outline, read_meta
from archive.errors import Malformed
from tests import builders

LEAST = 2000
JPEG = b"\xff\xd8\xff\xe0"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outline, "LEAST", LEAST)


def native() -> bytes:
    ds = builders.ct_slice(side=32, NumberOfFrames=5)
    ds.PixelData = token_bytes(5 * 2 * 32 * 32)
    return builders.part10(ds)


def with_tail() -> bytes:
    ds = builders.ct_slice(side=64)
    item = Dataset()
    item.MACIDNumber, item.CertificateOfSigner = 1, token_bytes(300)
    ds.DigitalSignaturesSequence = Sequence([item])
    ds.DataSetTrailingPadding = bytes(10_000)
    return builders.part10(ds) + bytes(64)


def implicit() -> bytes:
    return builders.part10(builders.ct_slice(side=64), ImplicitVRLittleEndian)


def big() -> bytes:
    return builders.part10(builders.ct_slice(side=64), ExplicitVRBigEndian)


def fragmented(pieces: int = 4, *, table: bool = True, extended: bool = False) -> bytes:
    ds = builders.ct_slice(side=64, NumberOfFrames=pieces)
    images = [JPEG + token_bytes(3001 + number) for number in range(pieces)]
    if extended:
        ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(images)
    else:
        ds.PixelData = encapsulate(images, has_bot=table)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    ds.DataSetTrailingPadding = bytes(100)
    return builders.part10(ds, JPEGBaseline8Bit)


def several_fragments() -> bytes:
    ds = builders.ct_slice(side=64, NumberOfFrames=3)
    ds.PixelData = encapsulate([JPEG + token_bytes(5000) for _ in range(3)], fragments_per_frame=3)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return builders.part10(ds, JPEGBaseline8Bit)


def document() -> bytes:
    ds = builders.ct_slice(side=1)
    ds.EncapsulatedDocument, ds.MIMETypeOfEncapsulatedDocument = token_bytes(20_000), "application/pdf"
    return builders.part10(ds)


KINDS: list[Callable[[], bytes]] = [
    native,
    with_tail,
    implicit,
    big,
    fragmented,
    lambda: fragmented(table=False),
    lambda: fragmented(extended=True),
    several_fragments,
    document,
]


def outlined(data: bytes, cuts: list[int]) -> Outline:
    """The outline of a file whose bytes come in pieces."""
    meta = read_meta(data)
    found = Outline(encoding(meta.transfer_syntax), meta.dataset_offset)
    edges = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    for begin, end in pairwise(edges):
        found.add(memoryview(data)[begin:end])
    return found


@pytest.mark.parametrize("number", range(len(KINDS)))
@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 1 << 20), max_size=30))
def test_a_walk_of_what_is_kept_finds_what_a_walk_of_the_whole_finds(number: int, cuts: list[int]) -> None:
    data = KINDS[number]()
    found = outlined(data, cuts)
    assert found.size == len(data)
    mapped = found.mapped()
    assert facts(mapped) == facts(data)
    assert frames.build(mapped, facts(mapped)) == frames.build(data, facts(data))


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_most_of_it_is_not_kept_and_the_header_is_what_stands_before_it(number: int) -> None:
    data = KINDS[number]()
    found = outlined(data, [*range(0, len(data), 700)])
    assert sum(map(len, (run for _, run in found._runs))) < len(data) - LEAST
    whole = facts(data)
    early = facts(data[: found.header])
    assert (early.study_uid, early.sop_uid, early.texts["patient_name"]) == (
        whole.study_uid,
        whole.sop_uid,
        whole.texts["patient_name"],
    )


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_cut_off_anywhere_it_is_refused_where_the_whole_is(number: int) -> None:
    data = KINDS[number]()
    for end in {*range(400, len(data), 997), *range(len(data) - 200, len(data))}:
        cut = data[:end]
        whole = verdict(lambda cut=cut: facts(cut))  # type: ignore[misc]
        assert verdict(lambda cut=cut: facts(outlined(cut, [*range(0, len(cut), 611)]).mapped())) == whole  # type: ignore[misc]


def verdict(walk: Callable[[], object]) -> object:
    try:
        return walk()
    except Malformed:
        return "malformed"


@pytest.mark.parametrize(
    "head", [b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xfe\xff\x0d\xe0\0\0\0\0", b"\x10\0\x10\0PN\4\0"]
)
def test_what_is_no_fragment_is_refused_when_it_comes(head: bytes) -> None:
    data = fragmented()
    second = data.index(b"\xfe\xff\x00\xe0", data.index(JPEG))
    with pytest.raises(Malformed):
        outlined(data[:second] + head + data[second:], [])


def test_pixels_that_stand_before_what_identifies_the_object_do_not_pass() -> None:
    ds = builders.ct_slice(side=16)
    ds.private_block(0x0009, "CUSTOS TEST", create=True).add_new(0x01, "OB", bytes(50_000))
    ds.PixelData = bytes(512)
    found = outlined(builders.part10(ds), [])
    assert found.header == 0
