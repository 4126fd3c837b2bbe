"""What a measure looks at afterwards. A figure that was reached by skipping a promise is not printed.

Nothing here asks the program under measure: rows are read by another process, packs from the disk, and flushes are seen
by the kernel's own trace of a run that is not timed.
"""

import mmap
import os
import re
import signal
import subprocess
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from bench import spent, watching
from bench.custos import SENDER, TITLE, Custos
from bench.objects import Made, renewed
from bench.sending import send
from tests.e2e.running import wait_for

MAGIC: Final = b"CUSTOS01"
NEEDLE: Final = 48
"""Bytes of an object that are looked for in the clear: noise enough to be nowhere by chance."""

LOOKS: Final = 12
PROBES: Final = 5
LEAST_PACKED: Final = 0.99
"""What deflate makes of sealed bytes: nothing smaller."""

TRACED: Final = "fsync,fdatasync,sendto"
TELL_SECONDS: Final = 60

_FLUSH: Final = re.compile(r"\bf(?:data)?sync\(\d+<(.*?)>")
_FILLING: Final = re.compile(rb"\0{16,}")
"""Zeros that fill up a block (docs/FORMAT.md): no sealed byte is among so many."""

_ANSWER: Final = re.compile(r'\bsendto\(\d+<socket:\[\d+\]>, "\\4\\0')
"""A P-DATA-TF, which answers an object; an association is answered otherwise."""


class Broken(Exception):
    """A promise was skipped: what was measured is not the program that people run."""


def require_stored(ours: Custos, made: Sequence[Made], runs: Sequence[int], *, others: int = 0) -> None:
    """Every object of every run has its row, its place in the record, and lies sealed, beside so many others.

    Raises Broken.
    """
    wanted = len(made) * len(runs) + others
    told = ours.looked()
    for what in ("instances", "stored"):
        if told[what] < wanted:
            raise Broken(f"{wanted} objects were acknowledged, and {told[what]} are {what} in the database")
    if told["settings"].get("synchronous", "2") not in ("2", "3") or told["settings"].get("fsync", "on") != "on":
        raise Broken(f"the database does not wait for the disk: {told['settings']}")
    require_sealed(ours, made, runs, told["names"], (wanted - others) * min(len(one.part10) for one in made))


def require_sealed(ours: Custos, made: Sequence[Made], runs: Sequence[int], names: Sequence[str], least: int) -> None:
    """The packs that rows name hold so many bytes, none of them readable. Raises Broken."""
    packs = [Path(ours.archive.root) / "data" / "packs" / f"{name}.pack" for name in names]
    if sum(pack.stat().st_size for pack in packs) < least:
        raise Broken("the packs are smaller than what was acknowledged")
    needles = [_needle(one, run) for run in runs for one in made[:: max(1, len(made) // LOOKS)]]
    everything = re.compile(b"|".join(map(re.escape, needles)))
    for pack in packs:
        data = _FILLING.sub(b"", pack.read_bytes())
        if everything.search(data):
            raise Broken(f"{pack.name} holds what was sent in the clear")
        if data.count(MAGIC) < 1:
            raise Broken(f"{pack.name} holds no sealed object")
        sample = data[len(data) // 2 :][: 1 << 16]
        if len(zlib.compress(sample, 1)) < LEAST_PACKED * len(sample):
            raise Broken(f"{pack.name} can be compressed: it is not sealed")


def _needle(one: Made, run: int) -> bytes:
    data = renewed(one.part10, run)
    return data[len(data) // 2 :][:NEEDLE]


def require_delivered(ours: Custos, least: int, before: int = 0) -> None:
    """The record says that so many bytes were handed out since ``before``. Raises Broken."""
    found = before

    def told() -> bool:
        nonlocal found
        found = int(ours.looked()["delivered"])
        return found - before >= least

    with suppress(AssertionError):
        wait_for(told, TELL_SECONDS, "the record of what was handed out")
    if found - before < least:
        raise Broken(f"{least} bytes were handed out, and {found - before} are on record")


def require_durable(ours: Custos, files: Sequence[Path], run: int) -> None:
    """Each of a few objects is flushed before it is answered, and its rows behind it, by the association's end.

    Raises Broken.

    Sends them one by one while the kernel tells which files the program flushes and when it answers.
    """
    receivers = [word for pid in ours.archive.processes("serve dimse") for word in ("-p", str(pid))]
    told = Path(ours.archive.root) / "trace"
    command = ["strace", "-f", "-y", "-e", f"trace={TRACED}", "-e", "signal=none", "-o", str(told), *receivers]
    tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert tracer.stderr is not None
        for _ in receivers[::2]:
            if "attached" not in tracer.stderr.readline():
                raise Broken("nobody can see whether the program waits for the disk: strace may not be used here")
        send(ours.archive.dicom_port, TITLE, SENDER, files[:PROBES], run=run)
        time.sleep(0.5)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=30)
    require_flushed(told.read_text(encoding="utf-8", errors="replace"), PROBES)


def require_flushed(trace: str, answers: int) -> None:
    """Before each of so many answers a pack was flushed, and behind the last pack the database. Raises Broken.

    What an object's rows are made of lies in its pack: a crash between the two flushes takes nothing. Rows may be there
    before the answer is.
    """
    packed, owed, answered = False, False, 0
    for line in trace.splitlines():
        if flush := _FLUSH.search(line):
            if ".pack" in flush[1]:
                packed = owed = True
            elif "sqlite3-wal" in flush[1]:
                owed = False
        elif _ANSWER.search(line):
            answered += 1
            if not packed:
                raise Broken("an answer was sent before the disk had the pack of it")
            packed = False
    if owed:
        raise Broken("objects were answered, and the disk has not got their rows")
    if answered < answers:
        raise Broken(f"{answers} objects were sent, and {answered} answers were seen")


CALM: Final = 2
"""Seconds in a row without work, of which none is promised any more."""


def settle(ours: Custos, seconds: float = 150) -> None:
    """Wait until our side has no background work left, and the disk nothing to write; what was put off is done at once.

    What was sent before, to whichever side, must not be paid for by what follows, on whichever side.
    """
    end, calm, database = time.monotonic() + seconds, 0, ours.archive.root / "data" / "index.sqlite3"
    while calm < CALM and time.monotonic() < end:
        before = spent.spent(ours.pid).cpu
        time.sleep(1)
        waiting, later = watching.queue(database)
        rests = spent.spent(ours.pid).cpu - before < 0.15 and not waiting + later
        if later:
            watching.hasten(database)
        calm = calm + 1 if rests else 0
    os.sync()


def require_absent(file: Path, needles: Sequence[bytes]) -> None:
    """None of these stands in a file in the clear. Raises Broken."""
    if not file.stat().st_size:
        return
    with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for needle in needles:
            if data.find(needle) >= 0:
                raise Broken(f"{file.name} holds what was to be sealed in the clear")
