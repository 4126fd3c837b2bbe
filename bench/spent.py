"""What a program with all of its processes has spent: CPU seconds, and the peak of its memory."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
MB: Final = 1e6


@dataclass(frozen=True)
class Spent:
    """CPU seconds since the program began, and MB of memory at the peak since ``forget``."""

    cpu: float
    memory: float


def below(pid: int) -> Iterator[int]:
    """The process and all of its descendants that live."""
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in task.read_text(encoding="ascii").split():
                yield from below(int(child))


def spent(pid: int) -> Spent:
    """What the processes below ``pid`` have spent; those that have ended are counted by their parents."""
    cpu = memory = 0.0
    for one in below(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            cpu += sum(int(fields[at]) for at in (11, 12, 13, 14)) / TICKS
            memory += _peak(one)
    return Spent(cpu, memory)


def _peak(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / MB
    return 0.0


def forget(pid: int) -> None:
    """Let the peak of memory begin anew at what is used now."""
    for one in below(pid):
        with suppress(OSError):
            Path(f"/proc/{one}/clear_refs").write_text("5", encoding="ascii")
