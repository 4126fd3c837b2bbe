"""The smallest object of an invented study that an archive takes: its header, without an image."""

from typing import Final

from bench.invented import CLASSES, Study

_SYNTAX: Final = "1.2.840.10008.1.2.1"


def part10(study: Study) -> bytes:
    """A DICOM file (PS3.10) in Explicit VR Little Endian that says of the study what the planted index says."""
    who = study.patient
    meta = _elements(
        (0x00020002, "UI", CLASSES[study.modality]), (0x00020003, "UI", study.sop_uid), (0x00020010, "UI", _SYNTAX)
    )
    body = _elements(
        (0x00080005, "CS", "ISO_IR 192"),
        (0x00080016, "UI", CLASSES[study.modality]),
        (0x00080018, "UI", study.sop_uid),
        (0x00080020, "DA", study.date),
        (0x00080021, "DA", study.date),
        (0x00080030, "TM", study.time),
        (0x00080031, "TM", study.time),
        (0x00080050, "SH", study.accession),
        (0x00080060, "CS", study.modality),
        (0x00080090, "PN", study.referring),
        (0x00081030, "LO", study.description),
        (0x0008103E, "LO", study.series_description),
        (0x00081050, "PN", study.performing),
        (0x00100010, "PN", who.name),
        (0x00100020, "LO", who.id),
        (0x00100030, "DA", who.birth_date),
        (0x00100040, "CS", who.sex),
        (0x0020000D, "UI", study.uid),
        (0x0020000E, "UI", study.series_uid),
        (0x00200010, "SH", study.study_id),
        (0x00200011, "IS", "1"),
        (0x00200013, "IS", "1"),
    )
    length = b"\x02\x00\x00\x00UL\x04\x00" + len(meta).to_bytes(4, "little")
    return b"\0" * 128 + b"DICM" + length + meta + body


def _elements(*elements: tuple[int, str, str]) -> bytes:
    """Text elements in the order given."""
    return b"".join(_element(*one) for one in elements)


def _element(tag: int, vr: str, text: str) -> bytes:
    value = text.encode()
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    head = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + vr.encode()
    return head + len(value).to_bytes(2, "little") + value
