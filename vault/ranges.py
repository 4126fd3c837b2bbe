"""Open a byte range of a stored object without reading the rest: our own few lines of C2SP chunked-encryption.

A property test holds them equal to the library, which opens whole objects only.
"""

from collections.abc import Callable
from hmac import compare_digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from vault.errors import Tampered
from vault.headers import (
    BODY_START,
    CHUNK,
    COMMITMENT_SIZE,
    HEADER_SIZE,
    SALT_SIZE,
    SEALED_CHUNK,
    TAG_SIZE,
    Header,
    Slots,
    context,
    plain_length,
    require_header,
)

Read = Callable[[int, int], bytes]

_INFO = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"
_KEY_SIZE = 32
_NONCE_SIZE = 12


def unseal_range(
    secret: bytes,
    header: Header,
    slots: Slots,
    read: Read,
    sealed_length: int,
    start: int,
    length: int,
    *,
    check_end: bool = False,
) -> bytes:
    """``length`` plaintext bytes from ``start`` of a stored object of ``sealed_length`` bytes.

    ``read(offset, length)`` returns bytes of the stored object. Raises ``Tampered`` when what was read is not that
    object, was changed, is shorter than promised, or ends before the range does. The last chunk is authenticated when
    the range reaches the end, and with ``check_end`` always: ask for it wherever the object's total length is relied
    on, because only the last chunk proves it.
    """
    total = plain_length(sealed_length)
    if start < 0 or length < 0:
        raise ValueError("a range has a start and a length of zero or more")
    if start + length > total:
        raise Tampered("the object ends before the range")
    opening = _opening(secret, header, slots, _exactly(read, 0, BODY_START))
    first, last = start // CHUNK, total // CHUNK
    after = -(-(start + length) // CHUNK) if length else first
    if check_end or start + length == total:
        if after < last:
            _chunks(opening, read, sealed_length, last, last + 1)
        else:
            after = last + 1
    plain = _chunks(opening, read, sealed_length, first, after)
    skip = start - first * CHUNK
    return bytes(memoryview(plain)[skip : skip + length])


def _opening(secret: bytes, header: Header, slots: Slots, begin: bytes) -> tuple[AESGCM, int]:
    """The cipher and the base nonce (as a number) of an object that begins so, once its commitment holds."""
    if len(secret) != _KEY_SIZE:
        raise ValueError("a sealing key has 32 bytes")
    require_header(begin[:HEADER_SIZE], header)
    salt, commitment = begin[HEADER_SIZE : HEADER_SIZE + SALT_SIZE], begin[HEADER_SIZE + SALT_SIZE :]
    info = _INFO + salt + context(header, slots)
    derived = HKDFExpand(SHA512(), _KEY_SIZE + _NONCE_SIZE + COMMITMENT_SIZE, info).derive(secret)
    if not compare_digest(derived[_KEY_SIZE + _NONCE_SIZE :], commitment):
        raise Tampered("the object does not open")
    return AESGCM(derived[:_KEY_SIZE]), int.from_bytes(derived[_KEY_SIZE : _KEY_SIZE + _NONCE_SIZE], "big")


def _chunks(opening: tuple[AESGCM, int], read: Read, sealed_length: int, first: int, after: int) -> bytearray:
    """The plaintext of chunks ``first`` up to, not including, ``after``, read at once."""
    aead, base = opening
    offset = BODY_START + first * SEALED_CHUNK
    end = min(BODY_START + after * SEALED_CHUNK, sealed_length)
    stored = memoryview(_exactly(read, offset, end - offset))
    plain = bytearray(len(stored) - (after - first) * TAG_SIZE)
    view = memoryview(plain)
    try:
        for number in range(first, after):
            at = number - first
            sealed = stored[at * SEALED_CHUNK : (at + 1) * SEALED_CHUNK]
            nonce = (base ^ number).to_bytes(_NONCE_SIZE, "big")
            aead.decrypt_into(nonce, sealed, None, view[at * CHUNK : at * CHUNK + len(sealed) - TAG_SIZE])
    except InvalidTag:
        raise Tampered("the object does not open") from None
    return plain


def _exactly(read: Read, offset: int, length: int) -> bytes:
    data = read(offset, length) if length else b""
    if len(data) != length:
        raise Tampered("the stored object is shorter than it should be")
    return data
