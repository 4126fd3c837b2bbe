"""Looks at a running archive from outside, again and again: the memory of each process, and how long its queue is."""

import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final

from bench.figures import slope
from bench.spent import MB, below

FLAT: Final = 0.5
"""MB a minute: what grows by less counts as flat."""

LIVED: Final = 0.8
"""The part of the time that is judged through which a process must have lived to be judged."""

ALL: Final = "all together"

NAMES: Final = {"all": "supervisor", "granian": "web", "": "ended"}
"""What processes are called here whose command line says something else."""

_ROLE: Final = re.compile(r"\bserve (\w+)")
_MODULE: Final = re.compile(r"-m (\S+)")
_NOW: Final = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
_QUEUE: Final = (
    f"SELECT coalesce(sum(state = 'claimed' OR due_at <= {_NOW}), 0),"
    f" coalesce(sum(state = 'due' AND due_at > {_NOW}), 0)"
    " FROM archive_job WHERE state IN ('due', 'claimed')"
)


@dataclass(frozen=True)
class Sample:
    """One look: s since the first one, MB of each process, jobs that are due or worked on, and those due later."""

    at: float
    memory: dict[str, float]
    waiting: int
    later: int


@dataclass(frozen=True)
class Memory:
    """What became of a process's memory: MB when judging began and at the end, and MB a minute between.

    ``flat`` is None for what is not judged: it came or went meanwhile, or is the sum of all.
    """

    process: str
    first: float
    last: float
    slope: float | None
    flat: bool | None


@contextmanager
def watching(pid: int, database: Path, every: float) -> Iterator[list[Sample]]:
    """Look every so many seconds while the block runs; what was seen is in the list, whole when the block ends."""
    samples: list[Sample] = []
    ended, began = Event(), time.monotonic()

    def look() -> None:
        while True:
            samples.append(Sample(time.monotonic() - began, memory(pid), *queue(database)))
            if ended.wait(every):
                return

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            yield samples
        finally:
            ended.set()
        looking.result()


def memory(pid: int) -> dict[str, float]:
    """MB of each process below ``pid``: its own and its part of what it shares (PSS)."""
    found = {}
    for one in below(pid):
        with suppress(OSError):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii").splitlines()
            kilobytes = next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
            found[f"{role(Path(f'/proc/{one}/cmdline').read_bytes())} {one}"] = kilobytes * 1024 / MB
    return found


def role(command: bytes) -> str:
    """What a process is, by its command line."""
    words = command.replace(b"\0", b" ").decode(errors="replace").strip()
    found = _ROLE.search(words) or _MODULE.search(words)
    name = found[1].rpartition(".")[2] if found else words.partition(" ")[0].rpartition("/")[2]
    return "decoder" if " -c " in words else NAMES.get(name, name)


def queue(database: Path) -> tuple[int, int]:
    """How many jobs of an archive on SQLite are due or worked on, and how many are promised for later."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as rows:
        waiting, later = rows.execute(_QUEUE).fetchone()
    return int(waiting), int(later)


def hasten(database: Path) -> None:
    """Have all jobs of an archive on SQLite done now that are promised for later."""
    with closing(sqlite3.connect(database, timeout=30)) as rows, rows:
        rows.execute(f"UPDATE archive_job SET due_at = {_NOW} WHERE state = 'due' AND due_at > {_NOW}")


def judged(samples: Sequence[Sample], warm: float) -> list[Memory]:
    """Each process's memory after so many seconds in which it warmed up, then that of all together.

    Raises ValueError where nothing was seen after them.
    """
    seen = [one for one in samples if one.at >= warm]
    if len(seen) < 2:
        raise ValueError("nothing was seen after the archive had warmed up")
    names = sorted({name for one in seen for name in one.memory})
    lines = {name: [(one.at / 60, one.memory[name]) for one in seen if name in one.memory] for name in names}
    found = [_judged(name, line, len(line) >= LIVED * len(seen)) for name, line in lines.items()]
    every = [(one.at / 60, sum(one.memory.values())) for one in seen]
    return [*found, Memory(ALL, every[0][1], every[-1][1], slope(every), None)]


def _judged(name: str, line: Sequence[tuple[float, float]], lived: bool) -> Memory:
    steep = slope(line) if lived else None
    return Memory(name, line[0][1], line[-1][1], steep, None if steep is None else steep < FLAT)
