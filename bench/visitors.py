"""``python -m bench.visitors PLAN``: somebody who uses an archive for a while, as the plan says: at a pace, not a race.

A modality sends studies by C-STORE, a program searches by QIDO-RS, a person reads series by WADO-RS. The plan is JSON:
role, who, seed, seconds, told (the file for what was done), and what the role needs (see each). It answers ``ready``,
begins at ``go``, and writes down each act when it is done (``bench.visits.Act``).
"""

import gzip
import http.client
import json
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from random import Random  # noqa: TID251 - the same visits in every run
from typing import Any, Final

from bench import sender
from bench.objects import of_run
from bench.visits import FRAME, METADATA, SEARCHED, STORED, Act, line
from bench.works import qido

PAUSE_AFTER_ERROR: Final = 1.0
"""Seconds: who is refused does not hammer."""

NEWEST: Final = 4
"""Series that arrived last, among which people look half of the time."""

Plan = dict[str, Any]


def main(plan: Plan) -> None:
    """Visit, at the word of who started this."""
    roles: dict[str, Callable[[Plan, float], Iterator[Act]]] = {
        "modality": modality,
        "program": program,
        "person": person,
    }
    print("ready", flush=True)
    if sys.stdin.readline().strip() != "go":
        return
    with Path(plan["told"]).open("w", encoding="utf-8") as told:
        for act in roles[plan["role"]](plan, time.time() + plan["seconds"]):
            told.write(line(act))
            told.flush()
            if act.wrong:
                time.sleep(PAUSE_AFTER_ERROR)
    print("done", flush=True)


def modality(plan: Plan, end: float) -> Iterator[Act]:
    """Send a study under new UIDs in an association of its own, rest, and send the next.

    The plan's: port, called, files, kind (of study), first (run), rest (s), arrived (the file of what is there).
    """
    run = int(plan["first"])
    while time.time() < end:
        objects = sender.loaded(plan["files"], run)
        wrong = yield from _study(plan, objects)
        if not wrong:
            with Path(plan["arrived"]).open("a", encoding="ascii") as arrived:
                arrived.write(f"{plan['kind']} {run}\n")
        run += 1
        time.sleep(plan["rest"])


def _study(plan: Plan, objects: list[sender.Loaded]) -> Generator[Act, None, bool]:
    """One association with all of these objects; returns whether any of it went wrong."""
    began, uid = time.time(), ""
    try:
        wire, longest = sender.associated(
            "127.0.0.1", plan["port"], plan["who"], plan["called"], sender.classes_of(objects)
        )
        with closing(wire):
            for uid, data in sender.encoded(objects, longest):
                began = time.time()
                sender.exchange(wire, uid, data)
                yield Act(STORED, plan["who"], began, time.time() - began, uid)
            sender.release(wire)
    except (SystemExit, OSError) as error:
        yield Act(STORED, plan["who"], began, time.time() - began, uid, wrong=_words(error))
        return True
    return False


def program(plan: Plan, end: float) -> Iterator[Act]:
    """Search in turn for what people and viewers ask for.

    The plan's: port, headers, studies (how many are planted), pause (s).
    """
    random = Random(plan["seed"])
    with closing(http.client.HTTPConnection("localhost", plan["port"], timeout=60)) as link:
        while time.time() < end:
            for shape in qido.SHAPES:
                path, one = qido.asked(shape, plan["studies"], random)

                def whole(body: bytes, shape: str = shape, uid: str = one.uid) -> bool:
                    return len(body) > 2 and (shape not in qido.EXACT or uid.encode() in body)

                yield _got(link, plan, SEARCHED, path, "application/dicom+json", whole)
                time.sleep(plan["pause"])


def person(plan: Plan, end: float) -> Iterator[Act]:
    """Open a series, old or just arrived: its metadata, then its frames in order at a pace; rest, open the next.

    The plan's: port, headers, arrived, kinds (of each: study, series, instances as paths, size of a frame), frames
    (how many at most), pause, rest (s).
    """
    random = Random(plan["seed"])
    with closing(http.client.HTTPConnection("localhost", plan["port"], timeout=60)) as link:
        while time.time() < end:
            there = Path(plan["arrived"]).read_text(encoding="ascii").splitlines()
            kind, run = random.choice(there[-NEWEST:] if random.random() < 0.5 else there).split()
            yield from _series(link, plan, plan["kinds"][kind], int(run), end)
            time.sleep(plan["rest"])


def _series(link: http.client.HTTPConnection, plan: Plan, kind: Plan, run: int, end: float) -> Iterator[Act]:
    about, count = of_run(kind["study"], run), len(kind["instances"])

    def every(body: bytes) -> bool:
        return len(json.loads(body)) == count

    path = of_run(kind["series"], run)
    yield _got(link, plan, METADATA, f"{path}/metadata", "application/dicom+json", every, about)
    for instance in kind["instances"][: plan["frames"]]:
        if time.time() >= end:
            return
        accept = 'multipart/related; type="application/octet-stream"'
        path = f"{of_run(instance, run)}/frames/1"
        yield _got(link, plan, FRAME, path, accept, lambda body: len(body) >= kind["size"], about, kind["size"])
        time.sleep(plan["pause"])


def _got(
    link: http.client.HTTPConnection,
    plan: Plan,
    kind: str,
    path: str,
    accept: str,
    whole: Callable[[bytes], bool],
    about: str = "",
    size: int = 0,
) -> Act:
    """One answer on a connection that is kept; wrong unless it is 200 and whole."""
    began = time.time()
    try:
        link.request("GET", path, headers={"Accept": accept, "Accept-Encoding": "gzip", **plan["headers"]})
        answer = link.getresponse()
        body = answer.read()
        took = time.time() - began
        if answer.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        wrong = "" if answer.status == 200 and whole(body) else f"{answer.status}, {len(body)} bytes, of {path}"
    except (http.client.HTTPException, OSError, ValueError) as error:
        took, wrong = time.time() - began, _words(error)
        link.close()  # the next request opens it anew
    return Act(kind, plan["who"], began, took, about, 0 if wrong else size, wrong)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
