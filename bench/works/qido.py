"""QIDO-RS at very many studies, beside the peer with as many: how long the slowest twentieth of the answers takes.

``python -m bench.works.qido [--postgres] [--studies N] [--times N] [--kept FOLDER]`` tells it of ours alone, by what is
asked. An archive that is kept in a folder is planted once and measured again and again; on PostgreSQL the folder
remembers which database is its own.
"""

import argparse
import http.client
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from random import Random  # noqa: TID251 - the same questions on both sides
from typing import Final
from urllib.parse import urlencode, urlsplit

import requests

from bench import custos, orthanc, promises, tiny
from bench.figures import percentile
from bench.invented import Study, scattered
from bench.runner import Scale, Work
from tests import services

NAMES: Final = ("QIDO-RS at 100,000 studies, p95",)
PROGRAMS: Final = ("Orthanc",)
STUDIES, QUICK = 100_000, 10_000
PAGE: Final = 100
DEEPEST: Final = 5000
SENDERS: Final = 4

Shape = Callable[[Study, Random], dict[str, object]]


def _span(first: Study, days: int) -> str:
    return f"{first.date}-{first.day + timedelta(days=days):%Y%m%d}"


def _page(studies: int, random: Random) -> int:
    return random.randrange(max(1, min(DEEPEST, studies // 2) // PAGE))


SHAPES: Final[Mapping[str, Shape]] = {
    "PatientID": lambda one, _: {"PatientID": one.patient.id},
    "PatientName prefix": lambda one, _: {"PatientName": f"{one.patient.family[:5]}*"},
    "AccessionNumber": lambda one, _: {"AccessionNumber": one.accession},
    "StudyInstanceUID": lambda one, _: {"StudyInstanceUID": one.uid},
    "a month of a modality": lambda one, _: {"StudyDate": _span(one, 30), "ModalitiesInStudy": one.modality},
    "the newest": lambda one, _: {},
    "a later page": lambda one, random: {"offset": _page(one.studies, random) * PAGE},
    "name, year and modality": lambda one, _: {
        "PatientName": f"{one.patient.family[:5]}*",
        "StudyDate": _span(one, 365),
        "ModalitiesInStudy": one.modality,
    },
}
"""What people and viewers ask for, about a study that is there; a page holds a hundred."""

EXACT: Final = frozenset({"PatientID", "AccessionNumber", "StudyInstanceUID"})


def asked(shape: str, studies: int, random: Random) -> tuple[str, Study]:
    """The path of a question, and the study that it is about, which the reader may see."""
    while True:
        one = Study(random.randrange(studies), studies)
        if one.patient.number % 10 != 3:
            break
    wanted = urlencode({"limit": PAGE, **SHAPES[shape](one, random)}, safe="*")
    return f"/dicom-web/studies?{wanted}", one


def took(url: str, headers: Mapping[str, str], times: int, studies: int, seed: int) -> dict[str, list[float]]:
    """Ask every shape so many times, in turn, over one connection; how long each answer took (s).

    Raises RuntimeError where an answer is not 200, or what must be found is not in it.
    """
    random, found = Random(seed), {shape: list[float]() for shape in SHAPES}
    host = urlsplit(url).netloc
    with closing(http.client.HTTPConnection(host, timeout=120)) as link:
        for _ in range(times):
            for shape in SHAPES:
                path, one = asked(shape, studies, random)
                began = time.perf_counter()
                link.request("GET", path, headers={"Accept": "application/dicom+json", **headers})
                answer = link.getresponse()
                body = answer.read()
                found[shape].append(time.perf_counter() - began)
                if answer.status != 200 or len(body) < 3 or (shape in EXACT and one.uid.encode() not in body):
                    raise RuntimeError(f"{url}{path} answered {answer.status} and {len(body)} bytes")
    return found


@contextmanager
def prepared(scale: Scale) -> Iterator[list[Work]]:
    """The work; both sides found the same, ours has every question on record, and no name stands in its tables."""
    studies = scale.grown(QUICK if scale.quick else STUDIES)
    with ExitStack() as held:
        peer = held.enter_context(orthanc.beside(scale, kept=scale.place("orthanc", studies), SyncStorageArea=False))
        if not scale.alone:
            fill(peer, studies)
        ours = held.enter_context(custos.running(planted=studies, kept=scale.place("sqlite", studies), PACS_TLS="off"))
        if not scale.alone:
            require_alike(ours, peer, studies)
        work = measured(ours, scale, NAMES[0], studies, peer)
        yield [work]
        require_promises(ours, studies)


def measured(ours: custos.Custos, scale: Scale, name: str, studies: int, peer: orthanc.Orthanc | float) -> Work:
    """The work of a server of ours beside the peer's, or beside so many seconds. Rates are one by the p95."""
    times, runs = 10 if scale.quick else 25, {"ours": 0, "peer": 0}

    def rate(side: str, url: str, headers: Mapping[str, str]) -> float:
        runs[side] += 1
        return 1 / percentile(list(chain(*took(url, headers, times, studies, runs[side]).values())), 0.95)

    mine = partial(rate, "ours", ours.url, {"Authorization": f"Bearer {ours.token}"})
    unit = "/s at p95" if not scale.quick else f"/s at p95, of {studies:,} studies"
    if isinstance(peer, float):
        return Work(name, unit, mine, lambda: 1 / peer)
    return Work(name, unit, mine, partial(rate, "peer", peer.url, {}), pids=(ours.pid, peer.pid))


def fill(peer: orthanc.Orthanc, studies: int) -> None:
    """Give the peer as many studies of one small object each, unless it kept them from another time.

    Raises RuntimeError where it has not all of them.
    """
    if peer.instances() == studies:
        return

    def send(part: int) -> None:
        with requests.Session() as session:
            for number in range(part, studies, SENDERS):
                session.post(
                    f"{peer.url}/instances", tiny.part10(Study(number, studies)), timeout=60
                ).raise_for_status()

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, range(SENDERS)))
    if peer.instances() != studies:
        raise RuntimeError(f"the peer has {peer.instances()} of {studies} studies")


def require_alike(ours: custos.Custos, peer: orthanc.Orthanc, studies: int) -> None:
    """What is asked exactly finds the same studies on both sides. Raises RuntimeError."""
    random = Random(20261126)
    for shape in sorted(EXACT) * 3:
        path, _ = asked(shape, studies, random)
        answers = [
            requests.get(url + path, headers=headers, timeout=60).json()
            for url, headers in ((ours.url, {"Authorization": f"Bearer {ours.token}"}), (peer.url, {}))
        ]
        mine, theirs = ({one["0020000D"]["Value"][0] for one in answer} for answer in answers)
        if mine != theirs:
            raise RuntimeError(f"{path} finds {len(mine)} studies on our side and {len(theirs)} on the peer's")


def require_promises(ours: custos.Custos, studies: int) -> None:
    """Each answer is on record, and nobody's name or number stands in the tables. Raises ``promises.Broken``."""
    if not ours.looked()["listed"]:
        raise promises.Broken("the searches are not on record")
    names = [Study(scattered(turn, studies), studies) for turn in range(3)]
    needles = [text.encode() for one in names for text in (one.patient.name, one.accession)]
    for file in (ours.archive.root / "data").glob("index.sqlite3*"):
        promises.require_absent(file, needles)


def main(arguments: list[str]) -> int:
    """Plant where there is nothing yet, ask, print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.works.qido", description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--studies", type=int, default=QUICK)
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--kept", type=Path)
    given = parser.parse_args(arguments)
    with ExitStack() as held:
        extra = {"PACS_TLS": "off"}
        if given.postgres:
            extra["PACS_DATABASE_URL"] = held.enter_context(_database(given.kept))
        ours = held.enter_context(custos.running(planted=given.studies, kept=given.kept, **extra))
        headers = {"Authorization": f"Bearer {ours.token}"}
        took(ours.url, headers, 2, given.studies, 0)
        found = took(ours.url, headers, given.times, given.studies, 1)
    print(f"{'PostgreSQL' if given.postgres else 'SQLite'}, {given.studies:,} studies, ms\n")
    print("| asked | p50 | p95 | max |\n|---|---|---|---|")
    for shape, taken in {**found, "all of it": list(chain(*found.values()))}.items():
        p50, p95 = (1000 * percentile(taken, share) for share in (0.50, 0.95))
        print(f"| {shape} | {p50:.1f} | {p95:.1f} | {1000 * max(taken):.1f} |")
    return 0


@contextmanager
def _database(kept: Path | None) -> Iterator[str]:
    """The URL of a database that is gone afterwards, or of the one that a folder remembers."""
    remembered = kept / "database" if kept else None
    if remembered is not None and remembered.exists():
        yield remembered.read_text(encoding="utf-8")
        return
    url = services.create_database("qido")
    if remembered is not None:
        remembered.parent.mkdir(parents=True)
        remembered.write_text(url, encoding="utf-8")
    try:
        yield url
    finally:
        if remembered is None:
            services.drop_database(url)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
