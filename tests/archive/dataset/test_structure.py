"""The walk refuses what a parser could be hurt by, and nothing that real equipment sends."""

import csv
import struct
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from archive import frames
from archive.dataset import facts, part10
from archive.errors import ArchiveError, Malformed, Mismatch
from tests import builders

ITEM, ITEM_END, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
UNDEFINED = b"\xff\xff\xff\xff"
SEQUENCE = b"\x08\x00\x40\x11"  # Referenced Image Sequence
PRIVATE = b"\x09\x00\x40\x11"


def parts(transfer_syntax: str = ExplicitVRLittleEndian) -> tuple[bytes, bytes]:
    """A small object cut in two: file header, and data set."""
    whole = builders.part10(builders.ct_slice(side=4), transfer_syntax)
    offset = facts(whole).dataset_offset
    return whole[:offset], whole[offset:]


def nested(levels: int, *, defined: bool, vr: bytes = b"SQ") -> bytes:
    """An element with sequences within sequences."""
    content = b""
    for _ in range(levels):
        if defined:
            item = ITEM + struct.pack("<I", len(content)) + content
            content = SEQUENCE + vr + b"\0\0" + struct.pack("<I", len(item)) + item
        else:
            content = SEQUENCE + vr + b"\0\0" + UNDEFINED + ITEM + UNDEFINED + content + ITEM_END + bytes(4)
            content += SEQUENCE_END + bytes(4)
    return content


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_every_encoding_gives_the_same_facts(syntax: str) -> None:
    ds = builders.ct_slice()
    found = facts(builders.part10(ds, syntax))
    assert (found.sop_uid, found.study_uid, found.series_uid) == (
        ds.SOPInstanceUID,
        ds.StudyInstanceUID,
        ds.SeriesInstanceUID,
    )
    assert found.text("patient_name") == ds.PatientName
    assert (found.number("rows"), found.number("number"), found.transfer_syntax) == (32, 1, syntax)


@pytest.mark.parametrize("defined", [True, False])
@pytest.mark.parametrize("vr", [b"SQ", b"UN"])
def test_nesting_is_accepted_to_sixteen_levels_and_no_further(defined: bool, vr: bytes) -> None:
    meta, dataset = parts()
    if vr == b"SQ":
        facts(meta + nested(16, defined=defined) + dataset)
    for levels in (17, 50, 200, 5_000):
        with pytest.raises(Malformed):
            facts(meta + nested(levels, defined=defined, vr=vr) + dataset)


def test_nesting_inside_private_bytes_of_known_length_is_found() -> None:
    meta, dataset = parts(ImplicitVRLittleEndian)
    content = b""
    for _ in range(200):
        item = ITEM + struct.pack("<I", len(content)) + content
        content = PRIVATE + struct.pack("<I", len(item)) + item
    with pytest.raises(Malformed, match="deeper"):
        facts(meta + content + dataset)


def test_private_bytes_that_only_begin_like_an_item_pass() -> None:
    meta, dataset = parts()
    value = ITEM + b"these bytes are no item of anything"
    value += b" " * (len(value) % 2)
    facts(meta + PRIVATE + b"UN\0\0" + struct.pack("<I", len(value)) + value + dataset)


@pytest.mark.parametrize("length", [0xFFFFFFF0, 0xFFFFFFFE, 10_000])
def test_a_length_beyond_the_end_is_refused(length: int) -> None:
    meta, dataset = parts()
    with pytest.raises(Malformed):
        facts(meta + PRIVATE + b"UN\0\0" + struct.pack("<I", length) + b"x" * 8 + dataset[:50])


def test_a_file_cut_anywhere_is_refused() -> None:
    meta, dataset = parts()
    whole = meta + dataset
    unseen = 0
    for end in range(len(whole)):
        try:
            found = facts(whole[:end])
        except Malformed:
            continue
        # Between two elements a cut leaves a smaller, whole data set.
        assert found.pixels is None
        unseen += 1
    assert unseen < 30


def test_a_million_elements_are_too_many_and_refused_in_time() -> None:
    meta, dataset = parts()
    began = time.monotonic()
    with pytest.raises(Malformed, match="more elements"):
        facts(meta + (SEQUENCE[:2] + b"\x50\x11" + b"ST\0\0") * 1_100_000 + dataset)
    assert time.monotonic() - began < 20


def test_a_deflated_bomb_is_refused_before_it_grows() -> None:
    meta, _ = parts(DeflatedExplicitVRLittleEndian)
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = squeezer.compress(bytes(64 << 20)) + squeezer.flush()
    assert len(bomb) < 80_000
    with pytest.raises(Malformed, match="grows"):
        facts(meta + bomb)


def test_deflated_bytes_that_are_cut_or_damaged_are_refused() -> None:
    meta, dataset = parts(DeflatedExplicitVRLittleEndian)
    with pytest.raises(Malformed):
        facts(meta + dataset[:-20])
    with pytest.raises(Malformed):
        facts(meta + b"\xff" * 50)


@pytest.mark.parametrize("group", [b"\x00\x00", b"\x02\x00"])
def test_command_and_header_elements_in_the_data_set_are_refused(group: bytes) -> None:
    meta, dataset = parts()
    with pytest.raises(Malformed):
        facts(meta + dataset + group + b"\x00\x01US\x02\x00\x01\x00")


def test_an_identifier_that_stands_twice_is_refused() -> None:
    meta, dataset = parts()
    again = b"\x20\x00\x0d\x00UI\x08\x001.2.3.4\0"
    with pytest.raises(Malformed, match="twice"):
        facts(meta + dataset + again)


def test_a_header_that_names_another_object_is_a_mismatch() -> None:
    _, dataset = parts()
    with pytest.raises(Mismatch):
        facts(part10(dataset, "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4", ExplicitVRLittleEndian, "AE"))


def test_a_missing_preamble_is_tolerated_and_a_bare_data_set_is_not() -> None:
    meta, dataset = parts()
    assert facts(meta[128:] + dataset).number("rows") == 4
    assert facts(meta[132:] + dataset).number("rows") == 4
    with pytest.raises(Malformed):
        facts(dataset)


@pytest.mark.parametrize(
    "uid",
    [
        "",
        "1",
        "1.2.",
        ".1.2",
        "1..2",
        "../../x",
        "/etc/cron.d/x",
        "1.2\x003",
        "1.2 3",
        "1." + "2" * 63,
        "1.２",
        "1.2\n",
    ],
)
def test_what_is_no_uid_is_refused(uid: str) -> None:
    meta, dataset = parts()
    old = facts(meta + dataset).study_uid
    raw = uid.encode("utf-8")
    raw += b"\0" * (len(raw) % 2)
    padded = old.encode() + b"\0" * (len(old) % 2)
    element = b"\x20\x00\x0d\x00UI"
    before = element + struct.pack("<H", len(padded)) + padded
    assert before in dataset
    with pytest.raises(Malformed):
        facts(meta + dataset.replace(before, element + struct.pack("<H", len(raw)) + raw))


def test_an_object_from_the_wire_keeps_its_bytes() -> None:
    ds = builders.ct_slice()
    _, dataset = parts()
    found = facts(builders.part10(ds))
    whole = builders.part10(ds)
    wrapped = part10(whole[found.dataset_offset :], found.sop_class, found.sop_uid, found.transfer_syntax, "MODALITY")
    again = facts(wrapped)
    assert wrapped[again.dataset_offset :] == whole[found.dataset_offset :]
    assert wrapped[:128] == bytes(128)
    assert dataset


def real_files(sample_data: Path, most: int) -> list[bytes]:
    files = sorted(sample_data.glob("pydicom__pydicom/**/*.dcm"))
    return [path.read_bytes() for path in files if path.stat().st_size < most]


def survives(data: bytes) -> None:
    """Walking and cutting into frames gives facts or says no; nothing else, and soon."""
    began = time.monotonic()
    with suppress(Malformed, Mismatch):
        frames.build(data, facts(data))
    assert time.monotonic() - began < 10


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_real_files_with_bytes_changed_are_walked_or_refused(sample_data: Path, data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from(real_files(sample_data, 20_000))))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(whole) - 1))
        piece = data.draw(st.sampled_from([b"\xff", b"\0", ITEM, SEQUENCE_END, UNDEFINED, b"SQ", b"UN\0\0", b"\x01"]))
        whole[at : at + len(piece)] = piece
    survives(bytes(whole))


@settings(max_examples=300, deadline=None)
@given(noise=st.binary(max_size=400), where=st.integers(0, 600))
def test_noise_in_a_data_set_is_walked_or_refused(noise: bytes, where: int) -> None:
    meta, dataset = SMALL
    survives(meta + dataset[:where] + noise + dataset[where:])


SMALL = parts()


def test_real_files_agree_with_a_second_reader(sample_data: Path) -> None:
    """Every sample that is taken says the same as pydicom; the refused ones are those the collection calls bad."""
    taken = refused = 0
    with (sample_data / "MANIFEST.tsv").open() as manifest:
        for row in csv.DictReader(manifest, delimiter="\t"):
            data = (sample_data / row["path"]).read_bytes()
            try:
                found = facts(data)
            except ArchiveError:
                refused += 1
                continue
            taken += 1
            assert (found.study_uid, found.sop_uid) == (row["study_uid"], row["sop_uid"])
            ds = dcmread(sample_data / row["path"], stop_before_pixels=True, force=True)
            assert found.number("rows") == ds.get("Rows")
            assert found.text("patient_id") == str(ds.get("PatientID", "")).strip()
    assert taken > 550
    assert refused < 75
