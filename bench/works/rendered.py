"""Pictures: rendered ones of instances that nobody asked for yet, and a thumbnail that is asked for again and again."""

import http.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from time import perf_counter
from urllib.parse import urlsplit

from bench.runner import Scale, Work
from bench.web import load
from bench.works import reading

NAMES = ("rendered, first", "thumbnail, repeated")
PROGRAMS = ("Orthanc", "wrk")
ASKED = {"Accept": "image/jpeg"}
PREVIEW_SIDE = 200
PICTURES = 20
LEAST = 1000


@contextmanager
def prepared(scale: Scale) -> Iterator[list[Work]]:
    """The works; every picture of ours is on record."""
    with reading.both(scale, quiet=True) as sides:
        given = [0]
        turns = {"ours": count(), "peer": count()}
        headers = {**ASKED, **sides.ours.headers}
        seconds = 1.0 if scale.quick else 3.0

        def first(side: str, url: str, told: Mapping[str, str]) -> float:
            begin = next(turns[side]) * PICTURES
            paths = [f"{sides.instance((begin + at) % len(sides.made))}/rendered" for at in range(PICTURES)]
            rate, size = pictures(url, paths, told)
            given[0] += size if side == "ours" else 0
            return rate

        def again() -> float:
            done = load(sides.ours.url, [f"{sides.series}/thumbnail"], clients=1, seconds=seconds, headers=headers)
            given[0] += done.requests * LEAST
            return done.rate

        def peer_again() -> float:
            # The peer has no thumbnails of its own: it renders one of the same size.
            middle = sides.instance(len(sides.made) // 2)
            path = f"{middle}/rendered?viewport={PREVIEW_SIDE},{PREVIEW_SIDE}"
            return load(sides.peer.url, [path], clients=1, seconds=seconds, headers=ASKED).rate

        ours_url, peer_url = sides.ours.url, sides.peer.url
        yield [
            Work(
                NAMES[0],
                "pictures/s",
                lambda: first("ours", ours_url, headers),
                lambda: first("peer", peer_url, ASKED),
                pids=sides.pids,
            ),
            Work(NAMES[1], "pictures/s", again, peer_again, pids=sides.pids),
        ]
        sides.require_promises(given[0])


def pictures(url: str, paths: Sequence[str], headers: Mapping[str, str]) -> tuple[float, int]:
    """Pictures a second, asked for one after the other on one connection, and their bytes. Raises RuntimeError."""
    place = urlsplit(url)
    wire, size = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60), 0
    began = perf_counter()
    for path in paths:
        wire.request("GET", path, headers=dict(headers))
        answer = wire.getresponse()
        data = answer.read()
        if answer.status != 200 or not data.startswith(b"\xff\xd8"):
            raise RuntimeError(f"{path} was answered {answer.status}")
        size += len(data)
    wire.close()
    return len(paths) / (perf_counter() - began), size
