"""Parts of a backup: sealed objects of kind 5 under the installation's key `backup`, compressed before they are sealed.

A part of rows is named by what it holds, through a keyed digest, so that the next backup finds it there and uses it
again, and nobody without the key can tell what it holds from its name.
"""

import hmac
import zlib
from hashlib import sha256
from uuid import UUID, uuid4

from archive.errors import Damaged
from keystore.memory import Key
from vault import objects
from vault.errors import Tampered
from vault.objects import Header, Kind, Slots
from vault.random import subkey

ROWS, MANIFEST, KEYS = "rows", "manifest", "keys"
# What comes out of a part is bounded, whatever was put into it.
LARGEST = 1 << 30


def name_of(key: Key, plain: bytes) -> UUID:
    """The name of a part of rows: the same for the same bytes."""
    return UUID(bytes=hmac.digest(subkey(key.secret, "custos/backup/part"), plain, "sha256")[:16])


def path_of(part: UUID) -> str:
    """Where a part of rows lies in its place."""
    return f"parts/{part.hex[:2]}/{part.hex}"


def seal_rows(key: Key, part: UUID, plain: bytes) -> bytes:
    """A part of rows, sealed."""
    return _seal(key, part, (ROWS.encode(), b"", b""), plain)


def open_rows(key: Key, part: UUID, sealed: bytes) -> bytes:
    """What a part of rows holds. Raises Damaged when it does not open or is not what its name says."""
    plain = _open(key, part, (ROWS.encode(), b"", b""), sealed)
    if name_of(key, plain) != part:
        raise Damaged("It holds something else than its name says.")
    return plain


def seal_named(key: Key, what: str, name: bytes, plain: bytes) -> bytes:
    """A manifest or the body of a key part, sealed to its name."""
    part = uuid4()
    return part.bytes + _seal(key, part, (what.encode(), name, b""), plain)


def open_named(key: Key, what: str, name: bytes, stored: bytes) -> bytes:
    """What `seal_named` sealed. Raises Damaged."""
    return _open(key, UUID(bytes=stored[:16].ljust(16, b"\0")), (what.encode(), name, b""), stored[16:])


def digest(content: bytes) -> bytes:
    """SHA-256, 32 bytes: what ties a sealed body to the clear head before it."""
    return sha256(content).digest()


def _seal(key: Key, part: UUID, slots: Slots, plain: bytes) -> bytes:
    return objects.seal(key.secret, Header(Kind.PART, key.id, part, 0), slots, zlib.compress(plain, 6))


def _open(key: Key, part: UUID, slots: Slots, sealed: bytes) -> bytes:
    try:
        packed = objects.unseal(key.secret, Header(Kind.PART, key.id, part, 0), slots, sealed)
    except Tampered:
        raise Damaged("It does not open: it was changed, cut or moved.") from None
    inflating = zlib.decompressobj()
    try:
        plain = inflating.decompress(packed, LARGEST)
    except zlib.error:
        raise Damaged("It opens, but holds nothing that can be read.") from None
    if inflating.unconsumed_tail:
        raise Damaged("It is larger than any part is.")
    return plain
