"""The records of a pack, and where something stands that is none: a damaged record does not hide those behind it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from archive import packs
from vault.errors import Tampered
from vault.objects import HEADER_SIZE, Header, Kind

_WINDOW: Final = 1 << 20
_LENGTHS: Final = 8
_BEGINS: Final = Header(Kind.HEAD, UUID(int=0), UUID(int=0)).encode()[:12]
_STORED: Final = frozenset({Kind.INSTANCE, Kind.METADATA, Kind.PREVIEW, Kind.QUARANTINED})

Read = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Record:
    """A whole record by its clear parts: the header of its object, the length of its head, where the object lies."""

    header: Header
    head: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Broken:
    """Bytes from here on that are no record, though records may follow."""

    offset: int


def walk(pack: str, size: int) -> Iterator[Record | Broken]:
    """What lies in the first `size` bytes of a pack. A record that was cut off at its end is passed over.

    Raises PackMissing, Damaged, Unavailable or OSError.
    """
    position = 0
    with packs.reading(pack) as read:
        while (position := packs.behind_zeros(read, position)) < size:
            found = _record(read, position, size)
            if isinstance(found, Record):
                yield found
                position = _end(read, found, size)
                continue
            following = _following(read, position + _LENGTHS + 1, size)
            if following is not None or found is not None:
                yield Broken(position)
            if following is None:
                return
            position = following


def _end(read: Read, found: Record, size: int) -> int:
    """Where a record ends: where it says, unless another begins before, since its length is not true then."""
    end = found.offset + found.length
    behind = packs.behind_zeros(read, end)
    if behind < size and read(behind + _LENGTHS, len(_BEGINS)) != _BEGINS:
        following = _following(read, found.offset + HEADER_SIZE, size)
        return end if following is None else min(end, following)
    return end


def _record(read: Read, position: int, size: int) -> Record | Broken | None:
    """The record that begins here; None for one that goes on behind the end."""
    lengths = read(position, _LENGTHS)
    rest, head_length = int.from_bytes(lengths[:4]), int.from_bytes(lengths[4:])
    offset, end = position + _LENGTHS + head_length, position + 4 + rest
    if len(lengths) < _LENGTHS or position + _LENGTHS + HEADER_SIZE > size:
        return None
    try:
        head = Header.decode(read(position + _LENGTHS, HEADER_SIZE))
        if head.kind != Kind.HEAD or end - offset < HEADER_SIZE:
            return Broken(position)
        if end > size:
            return None
        header = Header.decode(read(offset, HEADER_SIZE))
    except Tampered:
        return Broken(position)
    same = (head.key_id, head.object_id, head.generation) == (header.key_id, header.object_id, header.generation)
    if header.kind not in _STORED or not same:
        return Broken(position)
    return Record(header, head_length, offset, end - offset)


def _following(read: Read, start: int, size: int) -> int | None:
    """Where the next record begins whose head can be told by how heads begin."""
    while start < size:
        window = read(start, _WINDOW + len(_BEGINS))
        at = window.find(_BEGINS)
        if at >= 0:
            return start + at - _LENGTHS
        start += _WINDOW
    return None
