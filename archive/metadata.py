"""A data set as DICOM JSON (PS3.18 Annex F): pure, of whatever can be read, never failing for one odd element.

Binary values over a few bytes become BulkDataURIs that name the element by its path of tags and item numbers
(`00400275/0/00400009`); `value_at` finds such an element again. Pixels are never read here.
"""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any, BinaryIO, Final, TypeGuard, cast

import orjson
from pydicom import config
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.filewriter import correct_ambiguous_vr_element
from pydicom.tag import BaseTag

from archive import plain_values
from archive.dataset.uids import Encoding
from archive.errors import Unsuitable

# Sample values from the field break their VR in many ways; they are shown as they are, not refused.
config.settings.reading_validation_mode = config.IGNORE

ROOT: Final = "custos:"
"""Stands for the service's own URL in documents that are kept; `finished` puts the true one in its place."""

MOST_INLINE: Final = 64
DEFERRED: Final = 64 * 1024
_PIXELS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_BINARY: Final = frozenset({"OB", "OW", "OD", "OF", "OL", "OV", "UN"})
_WORDS: Final = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_AMBIGUOUS: Final = {"US or SS": "US", "OB or OW": "OW", "US or OW": "OW", "US or SS or OW": "OW"}
_UNREADABLE: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, LookupError)
_SAFE_INTEGER: Final = 2**53


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the pixels of one object, and which element holds those (None: it has none)."""

    dataset: Dataset
    encoding: Encoding
    pixels: tuple[int, str] | None = None


def read_header(source: BinaryIO, encoding: Encoding) -> Header:
    """Read a data set from where it begins in `source` up to its pixels; long values stay where they are.

    Raises Unsuitable where not even the structure can be read.
    """
    stopped: list[tuple[int, str]] = []

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        if int(tag) not in _PIXELS:
            return False
        stopped.append((int(tag), vr or "OW"))
        return True

    try:
        dataset = read_dataset(source, not encoding.explicit, not encoding.big, None, at_pixels, DEFERRED)
        _fetch_long_texts(source, dataset)
    except (*_UNREADABLE, NotImplementedError, OSError, RecursionError, EOFError):
        raise Unsuitable("The object's attributes cannot be read.") from None
    return Header(dataset, encoding, stopped[-1] if stopped else None)


def _fetch_long_texts(source: BinaryIO, dataset: Dataset) -> None:
    """Read what was left behind for its length but is no binary value: sequences and texts."""
    for tag in list(dataset.keys()):
        raw = dataset.get_item(tag, keep_deferred=True)
        if _deferred(raw) and _vr(raw) not in _BINARY:
            source.seek(raw.value_tell)
            dataset[tag] = raw._replace(value=source.read(raw.length))


def _deferred(raw: RawDataElement | DataElement) -> TypeGuard[RawDataElement]:
    return isinstance(raw, RawDataElement) and raw.value is None and raw.length > 0


def document(header: Header, path: str, transfer_syntax: str) -> bytes:
    """The DICOM JSON object of one instance; `path` is its resource below the service, `/studies/…/instances/…`."""
    attributes = dict(_attributes(header, header.dataset, f"{ROOT}{path}/bulkdata"))
    attributes["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    attributes["00083002"] = {"vr": "UI", "Value": [transfer_syntax]}
    if header.pixels is not None:
        tag, vr = header.pixels
        attributes[f"{tag:08X}"] = {"vr": vr, "BulkDataURI": f"{ROOT}{path}/bulkdata/{tag:08X}"}
    return orjson.dumps(dict(sorted(attributes.items())))


def finished(document: bytes, root: str) -> bytes:
    """A kept document with the service's URL in its BulkDataURIs; no value imitates one, its quotes are escaped."""
    return document.replace(f'"BulkDataURI":"{ROOT}'.encode(), f'"BulkDataURI":"{root}'.encode())


def _attributes(header: Header, dataset: Dataset, uri: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for tag in sorted(dataset.keys()):
        # Group lengths speak of an encoding that the document does not have; groups up to 0007 are no data set.
        if tag.element == 0 or tag.group < 0x0008:
            continue
        name = f"{int(tag):08X}"
        yield name, _attribute(header, dataset, tag, f"{uri}/{name}")


def _attribute(header: Header, dataset: Dataset, tag: BaseTag, uri: str) -> dict[str, Any]:
    """One element; what cannot be read is still there, by reference where its bytes can be fetched."""
    raw = cast("RawDataElement | DataElement", dataset.get_item(tag, keep_deferred=True))
    try:
        if _deferred(raw):
            return {"vr": _vr(raw), "BulkDataURI": uri}
        if isinstance(raw, RawDataElement):
            plain = plain_values.as_json(raw.VR, raw.value, little=raw.is_little_endian)
            if plain is not None:
                return plain
        element = dataset[tag]
        if " " in element.VR:
            correct_ambiguous_vr_element(element, dataset, not header.encoding.big)
        return _written(header, element, uri)
    except (*_UNREADABLE, NotImplementedError, RecursionError):
        return {"vr": _vr(raw), "BulkDataURI": uri} if _given(raw) else {"vr": "UN"}


def _given(raw: RawDataElement | DataElement) -> bool:
    """Whether an element has bytes of its own to refer to."""
    return isinstance(raw, RawDataElement) and raw.length > 0


def _vr(raw: RawDataElement | DataElement) -> str:
    vr = raw.VR or (dictionary_VR(raw.tag) if dictionary_has_tag(raw.tag) else "UN")
    return _AMBIGUOUS.get(vr, vr)


def _written(header: Header, element: DataElement, uri: str) -> dict[str, Any]:
    vr = _AMBIGUOUS.get(element.VR, element.VR)
    if vr == "SQ":
        items = [dict(_attributes(header, item, f"{uri}/{number}")) for number, item in enumerate(element.value)]
        return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    if vr in _BINARY or isinstance(element.value, bytes):
        return _binary(header, vr if vr in _BINARY else "UN", element.value, uri)
    values = element.value if element.VM > 1 else [element.value]
    written = [_value(vr, value) for value in values]
    if all(value is None for value in written):
        return {"vr": vr}
    return {"vr": vr, "Value": written}


def _binary(header: Header, vr: str, value: Any, uri: str) -> dict[str, Any]:
    if not value:
        return {"vr": vr}
    if len(value) > MOST_INLINE:
        return {"vr": vr, "BulkDataURI": uri}
    return {"vr": vr, "InlineBinary": b64encode(_little(bytes(value), vr, header.encoding)).decode("ascii")}


def _little(value: bytes, vr: str, encoding: Encoding) -> bytes:
    """A binary value in little endian byte order, as PS3.18 §F.2.7 wants it."""
    width = _WORDS.get(vr, 1)
    if not encoding.big or width == 1 or len(value) % width:
        return value
    swapped = bytearray(value)
    for place in range(width):
        swapped[place::width] = value[width - 1 - place :: width]
    return bytes(swapped)


def _value(vr: str, value: Any) -> Any:
    """One value as JSON; None where it is empty."""
    if value is None or value == "":
        return None
    if vr == "PN":
        groups = (("Alphabetic", value.alphabetic), ("Ideographic", value.ideographic), ("Phonetic", value.phonetic))
        return {name: str(text) for name, text in groups if text} or None
    if vr == "AT":
        return f"{int(value):08X}"
    if vr in ("IS", "SV", "UV", "US", "SS", "UL", "SL"):
        number = int(value)
        return number if abs(number) < _SAFE_INTEGER else str(number)
    if vr in ("DS", "FL", "FD"):
        real = float(value)
        return real if isfinite(real) else str(value)
    text = str(value)
    # A lone surrogate has no UTF-8.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def value_at(source: BinaryIO, encoding: Encoding, path: str) -> bytes:
    """The value of the element that a BulkDataURI's path names, in little endian byte order; not of pixels.

    Raises Unsuitable where there is none.
    """
    steps = path.split("/")
    header = read_header(source, encoding)
    dataset = header.dataset
    try:
        for tag, item in zip(steps[:-1:2], steps[1::2], strict=True):
            dataset = dataset[int(tag, 16)].value[int(item)]
        raw = dataset.get_item(int(steps[-1], 16), keep_deferred=True)
    except (*_UNREADABLE, NotImplementedError):
        raise Unsuitable("There is no such element.") from None
    if _deferred(raw):
        source.seek(raw.value_tell)
        return _little(source.read(raw.length), _vr(raw), encoding)
    value = getattr(raw, "value", None)
    if not isinstance(value, bytes):
        raise Unsuitable("There is no such element.")
    return _little(value, _vr(raw), encoding)
