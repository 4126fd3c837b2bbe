"""WADO-RS of a whole study as multipart: MB/s to a client that only counts."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from urllib.parse import urlsplit

from bench.runner import Scale, Work
from bench.works import reading

NAMES = ("WADO-RS whole study",)
PROGRAMS = ("Orthanc",)
ASKED = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*', "Connection": "close"}
ROOM = 1 << 20
LAST = 64


@contextmanager
def prepared(scale: Scale) -> Iterator[list[Work]]:
    """The work; each side sends everything, and ours is on record with all of it."""
    with reading.both(scale) as sides:
        least, taken = sum(len(one.part10) for one in sides.made), 0

        def ours() -> float:
            nonlocal taken
            taken += 1
            return fetched(sides.ours.url, sides.study, {**ASKED, **sides.ours.headers}, least)

        def peer() -> float:
            return fetched(sides.peer.url, sides.study, ASKED, least)

        yield [Work(NAMES[0], "MB/s", ours, peer, pids=sides.pids)]
        sides.require_promises(taken * least)


def fetched(url: str, path: str, headers: Mapping[str, str], least: int) -> float:
    """MB/s of one answer, read until the server hangs up. Raises RuntimeError where it is not whole."""
    place = urlsplit(url)
    lines = [f"{name}: {value}" for name, value in {"Host": place.netloc, **headers}.items()]
    request = "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode("ascii")
    room, size, first, last = memoryview(bytearray(ROOM)), 0, b"", b""
    began = perf_counter()
    with socket.create_connection((place.hostname or "", place.port or 80)) as wire:
        wire.settimeout(120)
        wire.sendall(request)
        while count := wire.recv_into(room):
            size += count
            first = first or bytes(room[:LAST])
            last = (last + bytes(room[max(0, count - LAST) : count]))[-LAST:]
    seconds = perf_counter() - began
    if not first.startswith(b"HTTP/1.1 200") or size < least or b"--" not in last:
        raise RuntimeError(f"{url} gave {size} bytes of {least}: {first[:40]!r}")
    return size / seconds / 1e6
