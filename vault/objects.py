"""Seal and open whole objects in one call; also the one door through which all of the sealed-object API is imported.

Every function takes the 32-byte sealing key, the header the caller expects (from its own index, never from the stored
bytes) and the slots.
The body is C2SP chunked-encryption, Cobblestone-256, made by ``cryptography.cobblestone``.
"""

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from vault.errors import Tampered
from vault.headers import (
    CHUNK,
    CONTEXT_LABEL,
    EMPTY_SLOTS,
    HEADER_SIZE,
    Header,
    Kind,
    Slots,
    bound,
    cell_slots,
    context,
    instance_slots,
    plain_length,
    sealed_length,
)
from vault.ranges import unseal_range
from vault.streams import Sealer, unseal_stream

__all__ = [
    "CHUNK",
    "EMPTY_SLOTS",
    "HEADER_SIZE",
    "Buffer",
    "Header",
    "Kind",
    "Sealer",
    "Sealing",
    "Slots",
    "cell_slots",
    "context",
    "instance_slots",
    "plain_length",
    "seal",
    "seal_into",
    "sealed_length",
    "unseal",
    "unseal_bound",
    "unseal_range",
    "unseal_stream",
]

Buffer = bytes | bytearray | memoryview


def seal(secret: bytes, header: Header, slots: Slots, plaintext: Buffer) -> bytes:
    """The sealed object (header and body) of ``plaintext``; a fresh random salt makes every result different."""
    encoded = header.encode()
    encryptor = Cobblestone256Encryptor(secret, CONTEXT_LABEL + encoded + bound(slots))
    return b"".join((encoded, encryptor.update(plaintext), encryptor.finalize()))


def seal_into(secret: bytes, header: Header, slots: Slots, plaintext: Buffer, out: bytearray | memoryview) -> int:
    """Seal into a buffer the caller keeps, faster than ``seal`` for large objects; returns the bytes written.

    ``out`` must hold at least ``sealed_length(len(plaintext))`` bytes, else ``ValueError``.
    """
    length = sealed_length(len(plaintext))
    if len(out) < length:
        raise ValueError("the buffer is too small for the sealed object")
    view = memoryview(out)[:length]
    encryptor = Cobblestone256Encryptor(secret, context(header, slots))
    view[:HEADER_SIZE] = header.encode()
    written = HEADER_SIZE + encryptor.update_into(plaintext, view[HEADER_SIZE:])
    view[written:] = encryptor.finalize()
    return length


class Sealing:
    """An object that is sealed when it is written, where it is to lie: what is large is not copied there afterwards."""

    __slots__ = ("_secret", "_slots", "_text", "header")

    def __init__(self, secret: bytes, header: Header, slots: Slots, plaintext: Buffer) -> None:
        self._secret, self.header, self._slots, self._text = secret, header, slots, plaintext

    def __len__(self) -> int:
        """Bytes that it will have."""
        return sealed_length(len(self._text))

    def __bytes__(self) -> bytes:
        """It, sealed, for who cannot have it elsewhere."""
        return seal(self._secret, self.header, self._slots, self._text)

    def seal_into(self, out: memoryview) -> None:
        """Seal it into a buffer of its length."""
        seal_into(self._secret, self.header, self._slots, self._text, out)


def unseal(secret: bytes, header: Header, slots: Slots, sealed: Buffer) -> bytes:
    """The plaintext of a whole sealed object.

    Raises ``Tampered`` when the stored header is not the expected one, or any bit was changed, added or cut off.
    """
    return unseal_bound(secret, header.encode(), bound(slots), sealed)


def unseal_bound(secret: bytes, header: bytes, place: bytes, sealed: Buffer) -> bytes:
    """The same, of who has the header as it must stand and the slots behind their lengths. Raises ``Tampered``."""
    plain_length(len(sealed))
    view = memoryview(sealed)
    if view[:HEADER_SIZE] != header:
        raise Tampered("this is not the object that belongs here")
    decryptor = Cobblestone256Decryptor(secret, CONTEXT_LABEL + header + place)
    try:
        return decryptor.update(view[HEADER_SIZE:]) + decryptor.finalize()
    except InvalidTag:
        raise Tampered("the object does not open") from None
