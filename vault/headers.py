"""The 48 bytes in front of every sealed object, the slots that tie it to its place, and the arithmetic of its length.

Integers are big-endian, UUIDs stand as their 16 RFC 4122 bytes. ``docs/FORMAT.md`` gives the same as tables.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from vault.errors import Tampered

MAGIC = b"CUSTOS01"
SUITE = 1
HEADER_SIZE = 48
SALT_SIZE = 24
COMMITMENT_SIZE = 32
TAG_SIZE = 16
CHUNK = 16384
SEALED_CHUNK = CHUNK + TAG_SIZE
BODY_START = HEADER_SIZE + SALT_SIZE + COMMITMENT_SIZE
CONTEXT_LABEL = b"custos/object/v1"

KEY_ID = slice(12, 28)
"""Where a header names the key."""

_LAYOUT = struct.Struct(">8sBBH16s16sI")
_MAX_CHUNKS = 1 << 38

Slots = tuple[bytes, bytes, bytes]
EMPTY_SLOTS: Slots = (b"", b"", b"")


class Kind(IntEnum):
    """What a sealed object is; the number is part of its header."""

    INSTANCE = 1
    METADATA = 2
    PREVIEW = 3
    QUARANTINED = 4
    PART = 5
    KEY = 6
    CELL = 7
    HEAD = 8
    JOURNAL = 9


@dataclass(frozen=True, slots=True)
class Header:
    """The clear header of one sealed object: which key opens it, which object it is, how often it was re-encrypted."""

    kind: Kind
    key_id: UUID
    object_id: UUID
    generation: int = 0

    def encode(self) -> bytes:
        """The 48 bytes as stored. Raises ``ValueError`` when the generation does not fit 32 bits."""
        if not 0 <= self.generation < 1 << 32:
            raise ValueError("a generation is a number of 32 bits")
        return _LAYOUT.pack(MAGIC, SUITE, self.kind, 0, self.key_id.bytes, self.object_id.bytes, self.generation)

    @classmethod
    def decode(cls, data: bytes | bytearray | memoryview) -> "Header":
        """Read exactly 48 stored bytes; raises ``Tampered`` for another length, magic, suite, kind or flags."""
        if len(data) != HEADER_SIZE:
            raise Tampered("a header has 48 bytes")
        magic, suite, kind, flags, key_id, object_id, generation = _LAYOUT.unpack(data)
        if magic != MAGIC or suite != SUITE or flags != 0:
            raise Tampered("not a sealed object of this format")
        try:
            known = Kind(kind)
        except ValueError:
            raise Tampered("a sealed object of an unknown kind") from None
        return cls(known, UUID(bytes=key_id), UUID(bytes=object_id), generation)


def instance_slots(study_uid: str, series_uid: str = "", sop_uid: str = "") -> Slots:
    """Slots of kinds 1, 2 and 3. An absent UID is empty; padding NULs and spaces (PS3.5 §9.1) are no part of a UID."""
    return (_uid(study_uid), _uid(series_uid), _uid(sop_uid))


def cell_slots(table_column: str, row: UUID) -> Slots:
    """Slots of kind 7: ``"table.column"`` and the row, so that no cell can be moved to another row or column."""
    return (table_column.encode(), row.bytes, b"")


def context(header: Header, slots: Slots) -> bytes:
    """What the body is bound to: label, header, and the three slots, each behind its length as 16 bits."""
    return CONTEXT_LABEL + header.encode() + bound(slots)


def bound(slots: Slots) -> bytes:
    """The three slots as they stand in a context. Raises ``ValueError`` for one that is too long."""
    parts: list[bytes] = []
    for slot in slots:
        if len(slot) > 0xFFFF:
            raise ValueError("a slot has at most 65535 bytes")
        parts += (len(slot).to_bytes(2, "big"), slot)
    return b"".join(parts)


def sealed_length(plain: int) -> int:
    """Bytes of the sealed object that holds ``plain`` bytes."""
    whole, rest = divmod(plain, CHUNK)
    if plain < 0 or whole >= _MAX_CHUNKS:
        raise ValueError("no object has this length")
    return BODY_START + whole * SEALED_CHUNK + rest + TAG_SIZE


def plain_length(sealed: int) -> int:
    """Bytes inside a sealed object of ``sealed`` bytes; raises ``Tampered`` for a length that no sealed object has.

    The result is only as trustworthy as ``sealed`` itself, until the last chunk has been authenticated.
    """
    whole, rest = divmod(sealed - BODY_START, SEALED_CHUNK)
    if sealed < BODY_START or rest < TAG_SIZE or whole >= _MAX_CHUNKS:
        raise Tampered("no sealed object has this length")
    return whole * CHUNK + rest - TAG_SIZE


def require_header(stored: bytes | bytearray | memoryview, expected: Header) -> None:
    """Raise ``Tampered`` unless the stored header is, byte for byte, the expected one."""
    if bytes(stored) != expected.encode():
        raise Tampered("this is not the object that belongs here")


def _uid(uid: str) -> bytes:
    return uid.rstrip("\0 ").encode("ascii")
