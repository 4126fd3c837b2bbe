"""The File Meta Information (PS3.10 §7.1): reading it from a file, and writing one for an object from the wire."""

import struct
from dataclasses import dataclass

from archive.dataset.uids import uid
from archive.errors import Malformed

PREAMBLE = 128
_MAGIC = b"DICM"
_LONG_VRS = frozenset({b"OB", b"OW", b"UN", b"SQ", b"UT", b"OD", b"OF", b"OL", b"OV", b"UC", b"UR", b"SV", b"UV"})
_MAX_META = 1 << 20
_MAX_ELEMENTS = 100

IMPLEMENTATION_CLASS_UID = "2.25.120883561193407340174563428612405171837"
IMPLEMENTATION_VERSION = "CUSTOS_1"


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What group 0002 says, and where the data set begins in the file."""

    sop_class: str
    sop_uid: str
    transfer_syntax: str
    dataset_offset: int


def read_meta(data: bytes | bytearray | memoryview) -> FileMeta:
    """Read group 0002. A missing preamble is tolerated where the file begins with group 0002 itself.

    Raises Malformed.
    """
    view = memoryview(data)
    values, offset = _elements(view, _begin(view))
    if b"\x10" not in values:
        raise Malformed("The file does not say its transfer syntax.")
    return FileMeta(
        uid(values.get(b"\x02", b""), "SOP class in the file header") if values.get(b"\x02") else "",
        uid(values.get(b"\x03", b""), "SOP instance in the file header") if values.get(b"\x03") else "",
        uid(values[b"\x10"], "transfer syntax"),
        offset,
    )


def _begin(view: memoryview) -> int:
    """Where group 0002 begins."""
    if bytes(view[PREAMBLE : PREAMBLE + 4]) == _MAGIC:
        return PREAMBLE + 4
    start = 4 if bytes(view[:4]) == _MAGIC else 0
    # Group 0002 is always explicit little endian, so its first element names a VR.
    if bytes(view[start : start + 2]) == b"\x02\0" and bytes(view[start + 4 : start + 6]) in {b"UL", b"OB", b"UI"}:
        return start
    raise Malformed("This is not a DICOM file: it has no file header.")


def _elements(view: memoryview, position: int) -> tuple[dict[bytes, bytes], int]:
    """The single-byte elements 0002,00xx of group 0002, and the offset after the group."""
    values: dict[bytes, bytes] = {}
    limit = min(len(view), position + _MAX_META)
    for _ in range(_MAX_ELEMENTS):
        if position == len(view) or bytes(view[position : position + 2]) != b"\x02\0":
            return values, position
        if position + 8 > limit:
            break
        long = bytes(view[position + 4 : position + 6]) in _LONG_VRS
        if long and position + 12 > limit:
            break
        length = int.from_bytes(
            view[position + 8 : position + 12] if long else view[position + 6 : position + 8], "little"
        )
        start = position + (12 if long else 8)
        if start + length > limit:
            break
        low, high = bytes(view[position + 2 : position + 3]), view[position + 3]
        if not high:
            if low in values:
                raise Malformed("The file header says something twice.")
            values[low] = bytes(view[start : start + length])
        position = start + length
    raise Malformed("The file header is cut off or too long.")


def file_head(sop_class: str, sop_uid: str, transfer_syntax: str, source_ae: str = "") -> bytes:
    """What makes a DICOM file of the bytes of a data set that follow it untouched: zero preamble, group 0002."""
    body = b"".join(
        (
            struct.pack("<HH2s2xI2s", 2, 1, b"OB", 2, b"\0\x01"),
            _text(0x02, b"UI", sop_class),
            _text(0x03, b"UI", sop_uid),
            _text(0x10, b"UI", transfer_syntax),
            _text(0x12, b"UI", IMPLEMENTATION_CLASS_UID),
            _text(0x13, b"SH", IMPLEMENTATION_VERSION),
            _text(0x16, b"AE", source_ae) if source_ae else b"",
        )
    )
    length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(body))
    return b"".join((bytes(PREAMBLE), _MAGIC, length, body))


def part10(
    dataset_bytes: bytes | memoryview, sop_class: str, sop_uid: str, transfer_syntax: str, source_ae: str = ""
) -> bytes:
    """A DICOM file around the bytes of a data set."""
    return b"".join((file_head(sop_class, sop_uid, transfer_syntax, source_ae), dataset_bytes))


def _text(element: int, vr: bytes, value: str) -> bytes:
    raw = value.encode("ascii", "replace")
    raw += (b"\0" if vr == b"UI" else b" ") * (len(raw) % 2)
    return struct.pack("<HH2sH", 2, element, vr, len(raw)) + raw
