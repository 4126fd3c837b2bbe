"""Each span of a frame table is, byte for byte, what pydicom takes for that frame."""

import csv
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.uid import JPEG2000Lossless, RLELossless

from archive import frames
from archive.dataset import facts, plain_dataset, read_meta
from archive.errors import ArchiveError, Unsuitable
from archive.frames import FrameTable
from tests import builders


def plain_file(data: bytes) -> bytes:
    """The file as the table counts it: inflated where it was deflated."""
    meta = read_meta(data)
    return data[: meta.dataset_offset] + bytes(plain_dataset(data, meta))


def cut(data: bytes, table: FrameTable) -> list[bytes]:
    whole = plain_file(data)
    return [b"".join(whole[at : at + length] for at, length in spans) for spans in table.spans]


def test_frames_of_real_files_equal_what_pydicom_extracts(sample_data: Path) -> None:
    syntaxes: set[str] = set()
    multi = checked = 0
    with (sample_data / "MANIFEST.tsv").open() as manifest:
        for row in csv.DictReader(manifest, delimiter="\t"):
            data = (sample_data / row["path"]).read_bytes()
            try:
                found = facts(data)
            except ArchiveError:
                continue
            table = frames.build(data, found)
            assert frames.decode(frames.encode(table)) == table
            if not table.encapsulated or table.count > 200:
                continue
            ds = dcmread(BytesIO(data))
            wanted = list(generate_frames(ds.PixelData, number_of_frames=table.count))
            assert cut(data, table) == wanted, row["path"]
            syntaxes.add(found.transfer_syntax)
            multi += table.count > 1
            checked += 1
    assert checked > 50
    assert multi >= 5
    assert len(syntaxes) >= 8


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
def test_native_frames_lie_one_after_the_other(count: int, bits: int) -> None:
    pixels = np.arange(count * 6 * 4 * bits // 8, dtype="u1").tobytes()
    ds = builders.ct_slice(Rows=6, Columns=4, BitsAllocated=bits, BitsStored=bits, HighBit=bits - 1, PixelData=pixels)
    ds.NumberOfFrames = count
    data = builders.part10(ds)
    assert b"".join(cut(data, frames.build(data, facts(data)))) == pixels


def test_single_bit_frames_are_told_apart_only_where_they_begin_at_whole_bytes() -> None:
    ds = builders.ct_slice(Rows=4, Columns=4, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=bytes(range(6)))
    ds.NumberOfFrames = 3
    data = builders.part10(ds)
    assert [len(frame) for frame in cut(data, frames.build(data, facts(data)))] == [2, 2, 2]
    ds.Columns, ds.NumberOfFrames = 3, 4
    data = builders.part10(ds)
    with pytest.raises(Unsuitable):
        frames.build(data, facts(data)).frame(1)


@pytest.mark.parametrize("way", ["basic", "empty", "extended", "scan", "lying"])
def test_encapsulated_frames_are_found_every_way(way: str) -> None:
    images = [b"\xff\x4f\xff\x51" + bytes([number]) * 300 for number in range(1, 5)]
    ds = builders.ct_slice(NumberOfFrames=4)
    if way == "extended":
        ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(images)
    else:
        pieces = 3 if way in ("basic", "scan") else 1
        ds.PixelData = encapsulate(images, fragments_per_frame=pieces, has_bot=way in ("basic", "lying"))
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    data = bytearray(builders.part10(ds, JPEG2000Lossless))
    if way == "lying":
        at = data.index(b"\xfe\xff\x00\xe0\x10\x00\x00\x00") + 8
        data[at + 4 : at + 8] = b"\x07\x00\x00\x00"
    table = frames.build(bytes(data), facts(bytes(data)))
    assert [frame.rstrip(b"\0") for frame in cut(bytes(data), table)] == images


def test_frames_that_nothing_tells_apart_are_unsuitable() -> None:
    ds = builders.ct_slice(NumberOfFrames=4)
    ds.PixelData = encapsulate([b"\1\2\3\4" * 10] * 6, has_bot=False)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    data = builders.part10(ds, RLELossless)
    table = frames.build(data, facts(data))
    assert table.count == 4
    with pytest.raises(Unsuitable):
        table.frame(1)
    with pytest.raises(Unsuitable):
        table.frame(0)


spans = st.lists(st.tuples(st.integers(0, 1 << 40), st.integers(0, 1 << 33)), min_size=1, max_size=4)


@given(gaps=st.lists(spans, max_size=20), extra=st.integers(0, 5))
def test_an_encapsulated_table_survives_its_encoding(gaps: list[list[tuple[int, int]]], extra: int) -> None:
    position, table = 0, []
    for frame in gaps:
        pieces = []
        for gap, length in frame:
            pieces.append((position + gap, length))
            position += gap + length
        table.append(tuple(pieces))
    whole = FrameTable(len(table) + extra, tuple(table), encapsulated=True)
    assert frames.decode(frames.encode(whole)) == whole
