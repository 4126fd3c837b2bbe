"""Fresh keys, and values derived from keys."""

import hmac
import os

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand


def new_secret() -> bytes:
    """32 bytes from the operating system's generator: a key."""
    return os.urandom(32)


def subkey(secret: bytes, purpose: str) -> bytes:
    """A 32-byte key for ``purpose`` by HKDF-Expand (SHA-256), telling nothing of ``secret`` or its siblings."""
    return HKDFExpand(SHA256(), 32, purpose.encode()).derive(secret)


def pseudonym(key: bytes, issuer: str, patient_id: str, study_uid: str = "") -> bytes:
    """The 16 bytes that stand for a patient in the audit log: HMAC-SHA-256 over ``issuer || 0 || id``, cut.

    A patient without an id exists in one study only, so there the HMAC is over the study UID, which is then required
    (``ValueError``).
    """
    if patient_id:
        message = f"{issuer}\0{patient_id}"
    elif study_uid:
        message = study_uid
    else:
        raise ValueError("a patient without an id is known by the study alone")
    return hmac.digest(key, message.encode("utf-8", "surrogatepass"), "sha256")[:16]
