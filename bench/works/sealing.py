"""Sealing a slice of half a megabyte, beside the bare cipher under a key that is simply there."""

import os
from time import perf_counter
from uuid import uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.runner import Work
from vault.objects import Header, Kind, instance_slots, seal

SIZE = 512 * 1024
TIMES = 60


def _rate(seconds: float) -> float:
    return SIZE * TIMES / seconds / 1e6


def ours() -> float:
    """Return MB/s of sealed objects: key derivation, commitment, chunks."""
    secret, plaintext = os.urandom(32), os.urandom(SIZE)
    slots = instance_slots("1.2.3", "1.2.3.4", "1.2.3.4.5")
    began = perf_counter()
    for _ in range(TIMES):
        seal(secret, Header(Kind.INSTANCE, uuid4(), uuid4(), 0), slots, plaintext)
    return _rate(perf_counter() - began)


def peer() -> float:
    """Return MB/s of one AES-256-GCM message per slice."""
    cipher, plaintext = AESGCM(os.urandom(32)), os.urandom(SIZE)
    began = perf_counter()
    for _ in range(TIMES):
        nonce = os.urandom(12)
        nonce + cipher.encrypt(nonce, plaintext, b"context")
    return _rate(perf_counter() - began)


WORK = Work("vault: seal 0.5 MB, beside plain AES-256-GCM", "MB/s", ours, peer)
