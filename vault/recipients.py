"""Keys sealed to somebody who is absent: HPKE (RFC 9180) to a recipient whose whole private key is a 32-byte seed.

The suite is ML-KEM-768 with X25519 (the hybrid that is known as X-Wing), HKDF-SHA256 and AES-256-GCM, so that whoever
keeps what was sealed today cannot open it with a quantum computer later.
"""

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from vault.errors import Tampered

SEED_SIZE = 32
PUBLIC_SIZE = 1184 + 32
OVERHEAD = 1088 + 32 + 16  # the two encapsulations and the tag

_MLKEM_SEED = 64
_MLKEM_PUBLIC = 1184
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def public_of(seed: bytes) -> bytes:
    """The 1216-byte public key that belongs to a 32-byte seed: ML-KEM-768's, then X25519's."""
    mlkem, x25519 = _halves(seed)
    return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def seal_to(public: bytes, info: bytes, plaintext: bytes) -> bytes:
    """``plaintext`` sealed to the holder of the seed: both encapsulations, then the ciphertext and its tag.

    Opens only with the same ``info``. ``ValueError`` when ``public`` is no public key.
    """
    if len(public) != PUBLIC_SIZE:
        raise ValueError(f"a recipient's public key has {PUBLIC_SIZE} bytes")
    recipient = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC]),
        X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:]),
    )
    return _SUITE.encrypt(plaintext, recipient, info)


def open_sealed(seed: bytes, info: bytes, sealed: bytes) -> bytes:
    """The plaintext; raises ``Tampered`` when it was sealed to another seed or with another ``info``, or changed."""
    if len(sealed) < OVERHEAD:
        raise Tampered("what was sealed to a recipient is too short")
    try:
        return _SUITE.decrypt(sealed, MLKEM768X25519PrivateKey(*_halves(seed)), info)
    except (InvalidTag, ValueError):
        raise Tampered("what was sealed to a recipient does not open") from None


def _halves(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    if len(seed) != SEED_SIZE:
        raise ValueError(f"a recipient's seed has {SEED_SIZE} bytes")
    both = hashlib.shake_256(seed).digest(_MLKEM_SEED + 32)
    return MLKEM768PrivateKey.from_seed_bytes(both[:_MLKEM_SEED]), X25519PrivateKey.from_private_bytes(
        both[_MLKEM_SEED:]
    )
