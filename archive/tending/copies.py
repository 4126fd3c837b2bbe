"""Copies of records in new packs: written as they stand, flushed, read back and compared before any row names them."""

import hashlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from archive import packs, stores
from archive.appending import Place, Writer
from archive.errors import Damaged, Unavailable
from archive.models import Pack
from archive.tending.living import Record

_PIECE: Final = 4 << 20
_LENGTHS: Final = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class Copy:
    """A record, the pack that it was copied from, and where the copy of its object lies."""

    pack: Pack
    record: Record
    place: Place


def made(writer: Writer, study_row: UUID, records: Iterable[tuple[Pack, Record]]) -> list[Copy]:
    """Copy records, each given with its pack; return once the copies are durable and read back equal.

    What cannot be read where it should lie is left out. Raises Unavailable.
    """
    found, digests = list[Copy](), list[bytes]()
    for pack, record in records:
        whole = _read(pack.name, record)
        if whole is not None:
            head_length = record.offset - record.begin - _LENGTHS.size
            head, sealed = whole[_LENGTHS.size :][:head_length], whole[_LENGTHS.size + head_length :]
            found.append(Copy(pack, record, writer.append(study_row, head, sealed)))
            digests.append(hashlib.sha256(whole).digest())
    writer.flush(one.place for one in found)
    for one, digest in zip(found, digests, strict=True):
        if _digest(one) != digest:
            raise Unavailable("What was copied does not read back as it was written. Nothing of it was moved.")
    return found


def drop(writer: Writer, study_row: UUID) -> None:
    """Remove what a writer has copied of a study that is gone."""
    writer.close()
    store = stores.store()
    for one in store.lying():
        if one.name.startswith(f"{study_row.hex[:2]}/{study_row.hex}/{writer.id}-"):
            store.remove(one.name)


def _read(name: str, record: Record) -> bytes | None:
    """The bytes of a record, if its lengths are those that led to it."""
    try:
        whole = packs.read(name, record.begin, record.size)
    except (Damaged, OSError):
        return None
    lengths = (record.size - 4, record.offset - record.begin - _LENGTHS.size)
    return whole if len(whole) == record.size and _LENGTHS.unpack_from(whole) == lengths else None


def _digest(one: Copy) -> bytes:
    begin = one.place.offset - (one.record.offset - one.record.begin)
    value = hashlib.sha256()
    with packs.reading(one.place.name, begin) as read:
        for piece in _pieces(read, one.record.size):
            value.update(piece)
    return value.digest()


def _pieces(read: Callable[[int, int], bytes], size: int) -> Iterable[bytes]:
    return (read(at, min(_PIECE, size - at)) for at in range(0, size, _PIECE))
