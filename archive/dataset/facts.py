"""What the index needs to know of one object, as plain text and numbers."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from archive.dataset import text
from archive.dataset.file_meta import FileMeta, read_meta
from archive.dataset.inflation import plain_dataset
from archive.dataset.structure import PIXELS, Element, Structure, walk
from archive.dataset.uids import DEFLATED, Encoding, encoding, uid
from archive.errors import Malformed, Mismatch

_CHARACTER_SET, _SOP_CLASS, _SOP_UID, _STUDY_UID, _SERIES_UID = (
    0x00080005,
    0x00080016,
    0x00080018,
    0x0020000D,
    0x0020000E,
)
_OFFSETS, _LENGTHS = 0x7FE00001, 0x7FE00002

# Name in Facts -> tag. Text is cut to what its column or cell holds: the object itself keeps everything.
_TEXTS: dict[str, int] = {
    "study_date": 0x00080020,
    "series_date": 0x00080021,
    "study_time": 0x00080030,
    "series_time": 0x00080031,
    "accession": 0x00080050,
    "modality": 0x00080060,
    "maker": 0x00080070,
    "institution": 0x00080080,
    "referring": 0x00080090,
    "station": 0x00081010,
    "description": 0x00081030,
    "series_description": 0x0008103E,
    "department": 0x00081040,
    "performing": 0x00081050,
    "model": 0x00081090,
    "patient_name": 0x00100010,
    "patient_id": 0x00100020,
    "issuer": 0x00100021,
    "birth_date": 0x00100030,
    "sex": 0x00100040,
    "other_ids": 0x00101000,
    "serial": 0x00181000,
    "software": 0x00181020,
    "study_id": 0x00200010,
    "photometric": 0x00280004,
    "requesting_service": 0x00321033,
    "location": 0x00380300,
}
_NUMBERS: dict[str, int] = {
    "series_number": 0x00200011,
    "number": 0x00200013,
    "samples": 0x00280002,
    "frames": 0x00280008,
    "rows": 0x00280010,
    "columns": 0x00280011,
    "bits_allocated": 0x00280100,
}
_BINARY_NUMBERS = frozenset({"samples", "rows", "columns", "bits_allocated"})
_WANTED = frozenset({*_TEXTS.values(), *_NUMBERS.values(), _OFFSETS, _LENGTHS})
_LONGEST_TEXT = 1024
_SHORT = {
    "study_date": 8,
    "series_date": 8,
    "birth_date": 8,
    "study_time": 16,
    "series_time": 16,
    "modality": 16,
    "sex": 16,
}


@dataclass(frozen=True, slots=True)
class Pixels:
    """Where the pixel data lies in the plain file (`Facts.deflated`: in the file as if it were not deflated)."""

    offset: int
    length: int
    fragments: tuple[tuple[int, int], ...] = ()  # encapsulated: offset and length of each item, the offset table first
    offsets: bytes = b""  # extended offset table (PS3.3 §C.7.6.3.1.8)
    lengths: bytes = b""

    @property
    def encapsulated(self) -> bool:
        return bool(self.fragments)


@dataclass(frozen=True, slots=True)
class Facts:
    """One object's identity and indexed attributes. Text is decoded and trimmed; empty where absent."""

    sop_class: str
    sop_uid: str
    study_uid: str
    series_uid: str
    transfer_syntax: str
    dataset_offset: int
    size: int
    deflated: bool = False
    pixels: Pixels | None = None
    texts: dict[str, str] = field(default_factory=dict, repr=False)
    numbers: dict[str, int] = field(default_factory=dict, repr=False)

    def text(self, name: str) -> str:
        """An indexed text such as `patient_name`, or the empty string."""
        return self.texts.get(name, "")

    def number(self, name: str) -> int | None:
        """An indexed number such as `rows`, or None."""
        return self.numbers.get(name)


def facts(part10: bytes | bytearray | memoryview) -> Facts:
    """Walk one DICOM file and read what the index needs.

    Raises Malformed for anything that is not a whole, bounded data set with valid UIDs, and Mismatch where the file
    header names another class or instance than the data set.
    """
    try:
        meta = read_meta(part10)
        plain = plain_dataset(part10, meta)
        written = encoding(meta.transfer_syntax)
        return _facts(part10, meta, plain, written, walk(plain, written, _WANTED))
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError, MemoryError):
        raise Malformed("The object cannot be read.") from None


def _facts(
    part10: bytes | bytearray | memoryview, meta: FileMeta, plain: memoryview, written: Encoding, found: Structure
) -> Facts:
    elements = found.elements
    sop_class = _uid(plain, elements, _SOP_CLASS, "SOP class UID")
    sop_uid = _uid(plain, elements, _SOP_UID, "SOP instance UID")
    if (meta.sop_class or sop_class) != sop_class or (meta.sop_uid or sop_uid) != sop_uid:
        raise Mismatch("The file header names another object than the data set does.")
    return Facts(
        sop_class,
        sop_uid,
        _uid(plain, elements, _STUDY_UID, "study instance UID"),
        _uid(plain, elements, _SERIES_UID, "series instance UID"),
        meta.transfer_syntax,
        meta.dataset_offset,
        len(part10),
        meta.transfer_syntax in DEFLATED,
        _pixels(plain, meta, found),
        dict(_texts(plain, elements)),
        dict(_numbers(plain, elements, written)),
    )


def _value(plain: memoryview, element: Element, longest: int = _LONGEST_TEXT) -> bytes:
    return bytes(plain[element.offset : element.offset + min(element.length, longest)]) if element.length > 0 else b""


def _uid(plain: memoryview, elements: dict[int, Element], tag: int, what: str) -> str:
    if tag not in elements:
        raise Malformed(f"The {what} is missing.")
    if elements[tag].length > 66:
        raise Malformed(f"The {what} is too long.")
    return uid(_value(plain, elements[tag]), what)


def _texts(plain: memoryview, elements: dict[int, Element]) -> Iterable[tuple[str, str]]:
    declared = elements.get(_CHARACTER_SET)
    names = text.codecs(_value(plain, declared)) if declared else text.codecs(b"")
    for name, tag in _TEXTS.items():
        if tag in elements and (decoded := text.decode(_value(plain, elements[tag]), names)):
            yield name, decoded[: _SHORT.get(name, _LONGEST_TEXT)]


def _numbers(plain: memoryview, elements: dict[int, Element], written: Encoding) -> Iterable[tuple[str, int]]:
    for name, tag in _NUMBERS.items():
        if tag not in elements:
            continue
        raw = _value(plain, elements[tag], 16)
        if name in _BINARY_NUMBERS:
            if len(raw) == 2:
                yield name, int.from_bytes(raw, "big" if written.big else "little")
            continue
        try:
            number = int(raw.split(b"\\")[0].strip(b"\0 ") or b"-")
        except ValueError:
            continue  # The object keeps it; the index goes without.
        if -(1 << 31) <= number < 1 << 31:
            yield name, number


def _pixels(plain: memoryview, meta: FileMeta, found: Structure) -> Pixels | None:
    element = next((found.elements[tag] for tag in sorted(PIXELS) if tag in found.elements), None)
    if element is None:
        return None
    base = meta.dataset_offset
    tables = (found.elements.get(_OFFSETS), found.elements.get(_LENGTHS))
    offsets, lengths = (_value(plain, table, 1 << 26) if table else b"" for table in tables)
    fragments = tuple((base + offset, length) for offset, length in found.fragments)
    return Pixels(base + element.offset, max(element.length, 0), fragments, offsets, lengths)
