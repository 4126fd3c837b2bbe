"""``python -m bench.flames [--quick] [--seconds N] [PART …]``: where our side of a work spends its time.

Runs the work without its peer while py-spy looks at all of our processes from outside a hundred times a second, and
writes what it saw as a flame graph into ``bench/results``, Python's frames alone. The table is folded from the picture
itself, so that both tell of the same samples; threads that only wait are in the picture, and not in the table.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Final

from bench import packages, promises
from bench.choosing import RESULTS, chosen
from bench.runner import Scale, Work
from bench.works import recording

ROOMS: Final = ("accounts", "archive", "audit", "vault", "keystore", "pacs")
OTHERS: Final = "third-party"
RATE: Final = 100
"""Looks a second at each process."""

SECONDS: Final = 20.0
QUICK: Final = 5.0
"""How long a work is repeated, at least."""

WAITS: Final = (
    "Condition.wait (threading.py",
    "socket.accept (socket.py",
    "EpollSelector.select (selectors.py",
    "PollSelector.select (selectors.py",
    "Transport.drain_events (kombu/",
    "Supervisor.run (pacs/",
    "process ",
)
"""Innermost frames of threads that sleep until something happens, which py-spy takes for running, or run no Python."""

SHOWN: Final = "py-spy> Sampling process"

_BOX: Final = re.compile(
    r"<title>([^<]*) \([\d,.]+ samples, [\d.]+%\)</title>"
    r'<rect [^>]*?\by="(\d+)"[^>]*? fg:x="(\d+)" fg:w="(\d+)"'
)
_PLACE: Final = re.compile(r"\(([^()]*)\)$")


@dataclass(frozen=True)
class Share:
    """How many samples a room took: ``own`` in its own lines, ``called`` with what these lines call of others."""

    room: str
    own: float
    called: float


def stacks(svg: str) -> list[tuple[tuple[str, ...], int]]:
    """The stacks that a flame graph shows, outermost frame first, each with the samples that ended in it."""
    boxes = sorted(
        ((int(at), int(depth), int(width), unescape(name)) for name, depth, at, width in _BOX.findall(svg)),
    )
    found: list[tuple[tuple[str, ...], int]] = []
    open_: list[tuple[int, int, str]] = []  # where it ends, how deep it is, and its name
    left: list[int] = []  # samples of each that none of its callees has

    def close() -> None:
        if own := left.pop():
            found.append((tuple(name for _, _, name in open_), own))
        open_.pop()

    for at, depth, width, name in boxes:
        while open_ and (open_[-1][0] <= at or open_[-1][1] >= depth):
            close()
        if left:
            left[-1] -= width
        open_.append((at + width, depth, name))
        left.append(width)
    while open_:
        close()
    return found


def room(frame: str) -> str:
    """The room of a frame `name (path:line)`; what is not ours, the standard library too, is third-party."""
    place = _PLACE.search(frame)
    if frame.startswith("process ") or place is None:
        return OTHERS
    first, slash, _ = place[1].partition("/")
    return first if slash and first in ROOMS else OTHERS


def shares(found: Iterable[tuple[Sequence[str], int]]) -> list[Share]:
    """Each room's part of the samples of threads that did not wait, the largest first. Raises ValueError for none.

    What others do counts, under ``called``, for the innermost frame of ours that called them.
    """
    own, called, everything = Counter[str](), Counter[str](), 0
    for stack, samples in found:
        if stack[-1].startswith(WAITS):
            continue
        rooms = [room(frame) for frame in stack]
        everything += samples
        own[rooms[-1]] += samples
        called[next((one for one in reversed(rooms) if one != OTHERS), OTHERS)] += samples
    if not everything:
        raise ValueError("no samples: the work was too short, or nothing of it could be seen")
    every = [Share(one, own[one] / everything, called[one] / everything) for one in (*ROOMS, OTHERS)]
    return sorted(every, key=lambda share: (-share.called, share.room))


def waiting(found: Iterable[tuple[Sequence[str], int]]) -> float:
    """Which part of all samples was of threads that waited, or ran no Python."""
    waited = everything = 0
    for stack, samples in found:
        everything += samples
        waited += samples * stack[-1].startswith(WAITS)
    return waited / max(1, everything)


def table(found: Sequence[tuple[Sequence[str], int]]) -> str:
    """The shares of some stacks as a table people read."""
    lines = ["| room | in its own lines | with what they call |", "|---|---|---|"]
    lines += [f"| {one.room} | {one.own:.1%} | {one.called:.1%} |" for one in shares(found)]
    everything = sum(samples for _, samples in found)
    left = f"Of {everything:,} samples {waiting(found):.0%} were of threads that waited or ran no Python"
    return "\n".join([*lines, "", f"{left}: not in these shares."]) + "\n"


@contextmanager
def recorded(pid: int, svg: Path) -> Iterator[None]:
    """Look at a process and all below it while the block runs; the picture is there when it ends.

    Raises RuntimeError, in words, where nobody may look.
    """
    program = Path(sys.executable).parent / "py-spy"
    place = str(program) if program.exists() else shutil.which("py-spy")
    if place is None:
        raise RuntimeError("py-spy is not installed: it is pinned in requirements-dev.txt")
    svg.parent.mkdir(parents=True, exist_ok=True)
    command = [place, "record", "--pid", str(pid), "--subprocesses", "--function", "--rate", str(RATE)]
    spy = subprocess.Popen(
        [*command, "--format", "flamegraph", "--output", str(svg)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # an interrupt of the keyboard must not end it before its picture is written
    )
    assert spy.stdout is not None
    told = ""
    while SHOWN not in told:
        line = spy.stdout.readline()
        if not line:
            raise RuntimeError(f"py-spy cannot look at process {pid}: {spy.communicate()[1].strip()[-300:]}")
        told += line
    try:
        yield
    finally:
        spy.send_signal(signal.SIGINT)
        spy.communicate(timeout=120)
    if not svg.exists():
        raise RuntimeError(f"py-spy left no picture of process {pid}")


def looked_at(work: Work, svg: Path, seconds: float) -> str:
    """Repeat our side of a work for so long while it is looked at, one run before is not; return the table."""
    if work.ready is not None:
        work.ready()
    work.ours()
    with recorded(work.pids[0] if work.pids else os.getpid(), svg):
        _repeated(work.ours, seconds)
    return table(stacks(svg.read_text(encoding="utf-8")))


def _repeated(act: Callable[[], float], seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        act()
        if time.monotonic() >= end:
            return


def named(folder: Path, now: datetime, work: str, ending: str) -> Path:
    """The place of a picture of a work: its time, and the words of its name."""
    return folder / f"{now:%Y-%m-%dT%H%M%SZ}-{re.sub(r'[^a-z0-9]+', '-', work.lower()).strip('-')}.{ending}"


def main(arguments: list[str]) -> int:
    """Look, and print a table for each work; 2 where a promise was skipped, whose pictures are removed."""
    parser = argparse.ArgumentParser(prog="python -m bench.flames", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("parts", nargs="*")
    given = parser.parse_args(arguments)
    scale = Scale(given.quick, pairs=1, alone=True)
    seconds, now, works = given.seconds or (QUICK if given.quick else SECONDS), datetime.now(UTC), chosen(given.parts)
    pictures: list[Path] = []

    def look(work: Work) -> str:
        pictures.append(named(RESULTS, now, work.name, "svg"))
        return f"{work.name}: {pictures[-1]}\n\n{looked_at(work, pictures[-1], seconds)}\n"

    try:
        packages.require(works.programs(alone=True))
        for module, names in works.modules.items():
            with module.prepared(scale) as prepared:
                told = [look(work) for work in prepared if work.name in names]
            sys.stdout.write("".join(told))
            pictures.clear()
        for work, _ in works.extra:
            sys.stdout.write(look(work))
    except promises.Broken as broken:
        for picture in pictures:
            picture.unlink(missing_ok=True)
        sys.stderr.write(f"Nothing is printed: {broken}.\n")
        return 2
    finally:
        recording.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
