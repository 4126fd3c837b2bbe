"""Sealing and opening, beside the bare cipher under a key that is simply there."""

import os
from collections.abc import Callable
from functools import partial
from time import perf_counter, process_time
from uuid import uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.goals import Goal
from bench.runner import Work
from vault.objects import Header, Kind, instance_slots, seal, seal_into, sealed_length, unseal, unseal_range

HALF = 512 * 1024
SIZES = {"16 KB": 16 * 1024, "512 KB": HALF, "200 MB": 200 * 1024 * 1024}
BYTES = 32 * 1024 * 1024  # what one run takes in all, so that every size takes about as long
FRAMES = 200
FRAME_SECONDS = 0.0002  # of CPU, at most, for one frame
SLOTS = instance_slots("1.2.3", "1.2.3.4", "1.2.3.4.5")
NONCE = 12


def _rate(size: int, act: Callable[[], object]) -> float:
    """MB/s of an act on so many bytes, done as often as fills a run."""
    times = max(1, BYTES // size)
    began = perf_counter()
    for _ in range(times):
        act()
    return size * times / (perf_counter() - began) / 1e6


def _header() -> Header:
    return Header(Kind.INSTANCE, uuid4(), uuid4(), 0)


def sealing(size: int) -> float:
    """MB/s of sealed objects: key derivation, commitment, chunks; large ones into a buffer, as the archive does."""
    secret, plaintext = os.urandom(32), os.urandom(size)
    if size <= HALF:
        return _rate(size, lambda: seal(secret, _header(), SLOTS, plaintext))
    room = bytearray(sealed_length(size))
    return _rate(size, lambda: seal_into(secret, _header(), SLOTS, plaintext, room))


def opening(size: int) -> float:
    """MB/s of objects opened whole."""
    secret, header = os.urandom(32), _header()
    sealed = seal(secret, header, SLOTS, os.urandom(size))
    return _rate(size, lambda: unseal(secret, header, SLOTS, sealed))


def bare_sealing(size: int) -> float:
    """MB/s of one AES-256-GCM message per object."""
    cipher, plaintext = AESGCM(os.urandom(32)), os.urandom(size)

    def act() -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + cipher.encrypt(nonce, plaintext, b"context")

    return _rate(size, act)


def bare_opening(size: int) -> float:
    """MB/s of one AES-256-GCM message per object, opened."""
    cipher, nonce = AESGCM(os.urandom(32)), os.urandom(NONCE)
    sealed = cipher.encrypt(nonce, os.urandom(size), b"context")
    return _rate(size, lambda: cipher.decrypt(nonce, sealed, b"context"))


def frames() -> float:
    """Frames of 512 KB, opened by range out of an object of ten, a second of CPU."""
    secret, header = os.urandom(32), _header()
    sealed = seal(secret, header, SLOTS, os.urandom(10 * HALF))

    def read(offset: int, length: int) -> bytes:
        return sealed[offset : offset + length]

    began = process_time()
    for number in range(FRAMES):
        unseal_range(secret, header, SLOTS, read, len(sealed), number % 10 * HALF, HALF)
    return FRAMES / (process_time() - began)


WORK = Work("vault: seal 0.5 MB, beside plain AES-256-GCM", "MB/s", lambda: sealing(HALF), lambda: bare_sealing(HALF))


def _extra() -> list[tuple[Work, Goal]]:
    found = []
    for name, size in SIZES.items():
        must = 0.5 if size == HALF else 0.0
        for what, ours, peer in (("seal", sealing, bare_sealing), ("open", opening, bare_opening)):
            work = f"vault: {what} {name}"
            found.append((Work(work, "MB/s", partial(ours, size), partial(peer, size)), Goal(work, must, must)))
    work = "vault: one 512 KB frame by range, beside 0.2 ms"
    return [*found, (Work(work, "frames/CPU s", frames, lambda: 1 / FRAME_SECONDS), Goal(work, 1.0, 2.0))]


EXTRA = _extra()
"""Measures beside the table of goals, each with a bar of its own; 0 where it is only told."""
