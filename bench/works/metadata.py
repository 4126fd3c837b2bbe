"""WADO-RS metadata of a series that fell quiet, to a client that takes it compressed as a browser does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from bench.runner import Scale, Work
from bench.web import load
from bench.works import reading

NAMES = ("WADO-RS metadata of a 500-instance series",)
PROGRAMS = ("Orthanc", "wrk")
ASKED = {"Accept": "application/dicom+json", "Accept-Encoding": "gzip, deflate, br"}
PIXELS = "7FE00010"


@contextmanager
def prepared(scale: Scale) -> Iterator[list[Work]]:
    """The work; both sides give every instance, and ours is on record with each answer."""
    with reading.both(scale, quiet=True) as sides:
        path, asked = f"{sides.series}/metadata", 0
        size = _size(sides.ours.url + path, sides.ours.headers, len(sides.made))
        if not scale.alone:
            _size(sides.peer.url + path, {}, len(sides.made))
        seconds = 2.0 if scale.quick else 5.0

        def ours() -> float:
            nonlocal asked
            done = load(sides.ours.url, [path], clients=1, seconds=seconds, headers={**ASKED, **sides.ours.headers})
            asked += done.requests
            return done.rate

        def peer() -> float:
            return load(sides.peer.url, [path], clients=1, seconds=seconds, headers=ASKED).rate

        yield [Work(NAMES[0], "answers/s", ours, peer, pids=sides.pids)]
        sides.require_promises(asked * size)


def _size(url: str, headers: dict[str, str], count: int) -> int:
    """Bytes of an answer that names every instance and says where its pixels are. Raises RuntimeError."""
    answer = requests.get(url, headers={**ASKED, **headers}, timeout=60)
    documents: list[dict[str, Any]] = answer.json()
    if len(documents) != count or not all(one["00080018"]["Value"] for one in documents):
        raise RuntimeError(f"{url} names {len(documents)} of {count} instances")
    return sum(len(one["00080018"]["Value"][0]) for one in documents)
