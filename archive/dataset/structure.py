"""The structural walk: every element and item lies within its parent, nesting and number are bounded, pixels stay shut.

It visits each element once, decodes no value, and remembers where the wanted elements of the top level lie. What it
passes, a parser with recursion may read without running out of stack.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from pydicom._dicom_dict import DicomDictionary

from archive.dataset.uids import Encoding
from archive.errors import Malformed

MAX_DEPTH = 16
MAX_ELEMENTS = 1_000_000

PIXEL_DATA = 0x7FE00010
PIXELS = frozenset({PIXEL_DATA, 0x7FE00008, 0x7FE00009})
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_TRAILING_PADDING = 0xFFFCFFFC
_ITEM_GROUP = 0xFFFE

_SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_SEQUENCES = frozenset(tag for tag, entry in DicomDictionary.items() if entry[0] == "SQ")
_TOP_ONCE = frozenset({0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E, *PIXELS})
_NOTHING: frozenset[int] = frozenset()
_OPAQUE = frozenset(b"OB OD OF OL OV OW".split())
_LAST_IDENTIFYING = 0x0020FFFF
_PIXEL_GROUP = 0x7FE0


class Element(NamedTuple):
    """One element of the top level: where its value lies in the plain data set. Length -1 is undefined."""

    tag: int
    vr: bytes  # empty where the encoding is implicit
    offset: int
    length: int


@dataclass(slots=True)
class Structure:
    """What a walk found: the wanted elements of the top level by tag, and the fragments of encapsulated pixel data."""

    elements: dict[int, Element] = field(default_factory=dict)
    fragments: list[tuple[int, int]] = field(default_factory=list)  # offset and length of each item, the table first
    budget: int = MAX_ELEMENTS


def walk(data: memoryview, encoding: Encoding, wanted: frozenset[int]) -> Structure:
    """Walk a plain (inflated) data set to its end. Raises Malformed for what is out of bounds, cut off or too deep."""
    found = Structure()
    try:
        _Walker(data, encoding, found, wanted).dataset(0, len(data), 0)
    except (struct.error, IndexError, RecursionError, OverflowError):
        raise Malformed("The data set is cut off or damaged.") from None
    return found


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that no walk looks into: it begins at `start`. Length -1 is undefined: fragments follow, item by item."""

    element: int
    start: int
    length: int


def opaque(data: memoryview, encoding: Encoding, least: int) -> Opaque | None:
    """The first value of the top level, behind what identifies the object, that is opaque and at least so long.

    `data` is the begin of a data set, or what follows an opaque value; it may end anywhere. None where there is no such
    value yet, and where what stands there is for a whole walk to judge.
    """
    walker = _Walker(data, encoding, Structure(), frozenset())
    position, end = 0, len(data)
    try:
        while end - position >= 12:
            group, number = walker.tag_of(data, position)
            if group == _ITEM_GROUP or group <= 2:
                return None
            found = walker.passable(group << 16 | number, position, least)
            if found is not None:
                return found
            position = walker.element(group << 16 | number, position, end, 0)
    except (Malformed, struct.error, IndexError, RecursionError, OverflowError):
        return None
    return None


class _TooDeep(Malformed):
    """Nesting beyond the bound; tolerated nowhere, not even where a sequence was only guessed."""


class _Walker:
    """One walk in one encoding; private content of another encoding gets a walker of its own with the same budget."""

    def __init__(self, data: memoryview, encoding: Encoding, found: Structure, wanted: frozenset[int]) -> None:
        order = ">" if encoding.big else "<"
        self.data, self.encoding, self.found, self.wanted = data, encoding, found, wanted
        self.watched = wanted | _TOP_ONCE
        self.short: Callable[[memoryview, int], tuple[int, int, bytes, int]] = struct.Struct(
            order + "HH2sH"
        ).unpack_from
        self.tag_of: Callable[[memoryview, int], tuple[int, ...]] = struct.Struct(order + "HH").unpack_from
        self.u32: Callable[[memoryview, int], tuple[int, ...]] = struct.Struct(order + "I").unpack_from
        self.u16: Callable[[memoryview, int], tuple[int, ...]] = struct.Struct(order + "H").unpack_from

    def dataset(self, position: int, end: int, depth: int, *, delimited: bool = False) -> int:
        """Walk elements up to `end`, or to the item delimiter where `delimited`; return the position after."""
        while position < end:
            if self.encoding.explicit:
                position = self._skim(position, end, depth)
            if end - position < 8:
                if position == end:
                    break
                return self._padding(position, end, depth)
            group, number = self.tag_of(self.data, position)
            tag = group << 16 | number
            if group == _ITEM_GROUP:
                if delimited and tag == _ITEM_END:
                    return position + 8
                raise Malformed("An item stands where an element should.")
            if group <= 2:
                return self._padding(position, end, depth)
            position = self.element(tag, position, end, depth)
        if delimited:
            raise Malformed("An item has no end.")
        return position

    def _skim(self, position: int, end: int, depth: int) -> int:
        """Pass over short elements, which are most, in one tight loop; return where the first other one is."""
        data, header, budget = self.data, self.short, self.found.budget
        watched = self.watched if depth == 0 else _NOTHING
        while position + 8 <= end and budget > 0:
            group, number, vr, length = header(data, position)
            after = position + 8 + length
            if vr not in _SHORT_VRS or not 2 < group < _ITEM_GROUP or after > end:
                break
            if (tag := group << 16 | number) in watched:
                self._remember(tag, vr, position + 8, length)
            position, budget = after, budget - 1
        self.found.budget = budget
        return position

    def _padding(self, position: int, end: int, depth: int) -> int:
        """Zeros after the last element are padding of old media; anything else there is refused."""
        if depth or any(self.data[position:end]):
            raise Malformed("Bytes that are no element stand in the data set.")
        return end

    def _spend(self) -> None:
        self.found.budget -= 1
        if self.found.budget < 0:
            raise _TooDeep("The data set has more elements than are accepted.")

    def passable(self, tag: int, position: int, least: int) -> Opaque | None:
        """The value of an element of the top level, if it may pass by unseen."""
        vr, length, start = self._header(position)
        if length == _UNDEFINED:
            return Opaque(position, start, -1) if tag == PIXEL_DATA and vr in (b"OB", b"OW", b"UN") else None
        unseen = tag in PIXELS or (vr in _OPAQUE and tag >> 16 != _PIXEL_GROUP)
        return Opaque(position, start, length) if unseen and tag > _LAST_IDENTIFYING and length >= least else None

    def element(self, tag: int, position: int, end: int, depth: int) -> int:
        """Walk one element whose tag has been read; return the position after it."""
        self._spend()
        vr, length, start = self._header(position)
        if start > end or (length != _UNDEFINED and start + length > end):
            raise Malformed("An element reaches beyond its parent.")
        if depth == 0 and tag in self.watched:
            self._remember(tag, vr, start, length)
        if length == _UNDEFINED:
            return self._undefined(tag, vr, start, end, depth)
        if length >= 8 and tag not in PIXELS:
            self._nested(tag, vr, start, start + length, depth)
        return start + length

    def _header(self, position: int) -> tuple[bytes, int, int]:
        """VR, length and begin of the value."""
        if not self.encoding.explicit:
            return b"", self.u32(self.data, position + 4)[0], position + 8
        vr = bytes(self.data[position + 4 : position + 6])
        if vr in _SHORT_VRS:
            return vr, self.u16(self.data, position + 6)[0], position + 8
        if vr in _LONG_VRS:
            return vr, self.u32(self.data, position + 8)[0], position + 12
        raise Malformed("An element has an unknown value representation.")

    def _remember(self, tag: int, vr: bytes, start: int, length: int) -> None:
        if tag in self.found.elements and tag in _TOP_ONCE:
            # Two readers might each believe another one.
            raise Malformed("An identifying element stands twice in the data set.")
        self.found.elements[tag] = Element(tag, vr, start, -1 if length == _UNDEFINED else length)

    def _undefined(self, tag: int, vr: bytes, start: int, end: int, depth: int) -> int:
        if tag == PIXEL_DATA and vr in (b"OB", b"OW", b"UN"):
            return self._fragments(start, end, keep=depth == 0)
        if vr == b"UN":
            return self._unknown_sequence(start, end, depth)
        if vr in (b"SQ", b""):
            return self.sequence(start, end, depth, delimited=True)
        raise Malformed("An element that is no sequence has no length.")

    def _unknown_sequence(self, start: int, end: int, depth: int) -> int:
        """A sequence written as UN is implicit little endian (PS3.5 §6.2.2 note); some senders keep their encoding."""
        try:
            return self._other(Encoding(explicit=False)).sequence(start, end, depth, delimited=True)
        except _TooDeep:
            raise
        except (Malformed, struct.error):
            return self.sequence(start, end, depth, delimited=True)

    def _other(self, encoding: Encoding) -> "_Walker":
        return _Walker(self.data, encoding, self.found, self.wanted)

    def _nested(self, tag: int, vr: bytes, start: int, end: int, depth: int) -> None:
        """Look into a value of known length that is, or may be read as, a sequence."""
        if vr == b"SQ" or (not vr and tag in _SEQUENCES):
            self.sequence(start, end, depth)
        elif vr in (b"UN", b"") and bytes(self.data[start : start + 4]) == b"\xfe\xff\x00\xe0":
            for walker in (self._other(Encoding(explicit=False)), self):
                try:
                    walker.sequence(start, end, depth)
                    return
                except _TooDeep:
                    raise
                except (Malformed, struct.error):
                    continue  # Private bytes that only begin like an item.

    def sequence(self, position: int, end: int, depth: int, *, delimited: bool = False) -> int:
        """Walk the items of a sequence; return the position after it."""
        if depth >= MAX_DEPTH:
            raise _TooDeep("Sequences are nested deeper than is accepted.")
        while position < end:
            self._spend()
            group, number = self.tag_of(self.data, position)
            tag, length = group << 16 | number, self.u32(self.data, position + 4)[0]
            position += 8
            if tag == _SEQUENCE_END and delimited:
                return position
            if tag != _ITEM or position > end:
                raise Malformed("Something else than an item stands in a sequence.")
            if length == _UNDEFINED:
                position = self.dataset(position, end, depth + 1, delimited=True)
            elif position + length > end:
                raise Malformed("An item reaches beyond its sequence.")
            else:
                position = self.dataset(position, position + length, depth + 1)
        if delimited:
            raise Malformed("A sequence has no end.")
        return position

    def _fragments(self, position: int, end: int, *, keep: bool) -> int:
        """Walk encapsulated pixel data (PS3.5 §A.4); return the position after its delimiter."""
        while position + 8 <= end:
            self._spend()
            group, number = self.tag_of(self.data, position)
            tag, length = group << 16 | number, self.u32(self.data, position + 4)[0]
            position += 8
            if tag == _SEQUENCE_END:
                return position
            if tag != _ITEM or length > end - position:
                raise Malformed("A fragment of the pixel data is cut off or damaged.")
            if keep:
                self.found.fragments.append((position, length))
            position += length
        raise Malformed("The pixel data has no end.")
