"""Two data sets side by side: which attributes differ, apart from what only the transfer syntax decides."""

from collections.abc import Iterator
from typing import Any, Final

from pydicom.datadict import dictionary_description, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

MOST: Final = 500
LONGEST: Final = 200

# Pixels are compared decoded; the rest says how they are encoded, or how text is, or is padding.
_SKIPPED: Final = frozenset(
    {0x7FE00001, 0x7FE00002, 0x7FE00008, 0x7FE00009, 0x7FE00010, 0x00080005, 0xFFFCFFFC, 0x00280004, 0x00280006}
)


def differing(before: Dataset, after: Dataset) -> Iterator[dict[str, str]]:
    """Each attribute of the top level that differs: tag, keyword, name, VR and both values as text, at most `MOST`."""
    shown = 0
    for tag in sorted(set(before.keys()) | set(after.keys())):
        if tag.element == 0 or int(tag) in _SKIPPED:
            continue
        one, other = _element(before, tag), _element(after, tag)
        if one is not None and other is not None and equal(one, other):
            continue
        yield {
            "tag": f"{int(tag):08X}",
            "keyword": keyword_for_tag(tag),
            "name": _name(tag, one or other),
            "vr": str((one or other).VR) if one or other else "",  # type: ignore[union-attr]
            "before": _shown(one),
            "after": _shown(other),
        }
        shown += 1
        if shown == MOST:
            return


def _element(ds: Dataset, tag: BaseTag) -> DataElement | None:
    element: DataElement | None = ds.get(tag)
    return element


def equal(one: DataElement, other: DataElement) -> bool:
    """Whether two elements say the same, however they are written."""
    if isinstance(one.value, Sequence) and isinstance(other.value, Sequence):
        pairs = zip(one.value, other.value, strict=False)
        return len(one.value) == len(other.value) and all(not any(differing(*pair)) for pair in pairs)
    if one.VR != other.VR:
        # A private or unknown element may be UN in one encoding and have its VR in the other.
        return _plain(one) == _plain(other)
    return bool(_normal(one.value) == _normal(other.value))


def _normal(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, MultiValue | list | tuple):
        return [_normal(item) for item in value]
    if isinstance(value, bytes):
        return value.rstrip(b"\0")
    return str(value).rstrip("\0 ") if not isinstance(value, int | float) else value


def _plain(element: DataElement) -> bytes:
    """The value as Implicit VR Little Endian writes it, without padding."""
    if isinstance(element.value, bytes):
        return element.value.rstrip(b"\0 ")
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, True
    write_data_element(buffer, element)
    return buffer.getvalue()[8:].rstrip(b"\0 ")


def _name(tag: BaseTag, element: DataElement | None) -> str:
    try:
        return dictionary_description(tag)
    except KeyError:
        return "" if element is None else str(element.name)


def _shown(element: DataElement | None) -> str:
    """A value as people read it; what is no text is described."""
    if element is None:
        return ""
    if isinstance(element.value, Sequence):
        return f"[{len(element.value)}]"
    if isinstance(element.value, bytes):
        return f"({len(element.value)} B)"
    return str(element.value if element.value is not None else "")[:LONGEST]
