"""A second reader of sealed objects, written from docs/FORMAT.md alone: it imports nothing of the project.

Deliberately plain and slow; its one dependency is AES-256-GCM.
"""

import hashlib
import hmac
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class RefusedError(Exception):
    """The object does not open."""


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand (RFC 5869 §2.3) with SHA-512."""
    block, out, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(key, block + info + bytes([counter]), hashlib.sha512).digest()
        out, counter = out + block, counter + 1
    return out[:length]


def read(
    secret: bytes, kind: int, key_id: str, object_id: str, generation: int, slots: list[bytes], sealed: bytes
) -> bytes:
    """The plaintext of a sealed object that is expected to be of this kind, key, id, generation and place."""
    header = b"CUSTOS01" + bytes([1, kind, 0, 0]) + UUID(key_id).bytes + UUID(object_id).bytes
    header += generation.to_bytes(4, "big")
    if sealed[:48] != header:
        raise RefusedError("header")
    salt, commitment, body = sealed[48:72], sealed[72:104], sealed[104:]
    context = b"custos/object/v1" + header + b"".join(len(slot).to_bytes(2, "big") + slot for slot in slots)
    info = b"c2sp.org/chunked-encryption@v1+" + b"AEAD_AES_256_GCM" + b"\0" + salt + context
    derived = expand(secret, info, 76)
    if derived[44:] != commitment:
        raise RefusedError("commitment")
    base, plain, number = int.from_bytes(derived[32:44], "big"), b"", 0
    while True:
        chunk, body = body[:16400], body[16400:]
        try:
            plain += AESGCM(derived[:32]).decrypt((base ^ number).to_bytes(12, "big"), chunk, None)
        except InvalidTag:
            raise RefusedError("chunk") from None
        if len(chunk) < 16400:
            return plain
        number += 1
