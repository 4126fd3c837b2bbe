"""Runs works in interleaved pairs: ours, peer, ours, peer, so that a machine that changes its mind changes both."""

import json
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Protocol

from bench import spent
from bench.goals import BY_WORK, Goal
from bench.rows import Cost, Pair, Row, row

VERSIONS: Final = ("cryptography", "django", "granian", "pydicom", "pynetdicom")
HEAD: Final = ("work", "ours", "peer", "ratio", "min", "max", "CPU s", "peak MB", "must", "then", "met")


@dataclass(frozen=True)
class Scale:
    """How much is measured: everything in at least five pairs, or a part of it to see that it runs.

    ``alone`` leaves the peer away, for what is told of ours only; ``size`` makes what is stored so many times as large.
    What takes long to plant stays in the folder ``kept`` where there is one, and is taken from there the next time.
    """

    quick: bool = False
    pairs: int = 5
    alone: bool = False
    size: float = 1.0
    kept: Path | None = None

    def of(self, number: int) -> int:
        """So many objects at this size, or a fifth of them."""
        number = self.grown(number)
        return max(1, number // 5) if self.quick else number

    def place(self, side: str, studies: int) -> Path | None:
        """Where one side's archive of so many studies is kept, if anywhere."""
        return self.kept / f"{side}-{studies}" if self.kept else None

    def grown(self, number: int) -> int:
        """So many at this size, quick or not."""
        return max(1, round(number * self.size))


@dataclass(frozen=True)
class Work:
    """Something both sides can do; each callable does it once and returns a rate, higher is faster.

    ``ready`` is called once before; ``pids`` are both sides' programs, whose CPU and memory are told.
    """

    name: str
    unit: str
    ours: Callable[[], float]
    peer: Callable[[], float]
    ready: Callable[[], None] | None = None
    pids: tuple[int, int] | None = None


class Module(Protocol):
    """A file of works: their names, the programs they need beside ours, and how they are made ready.

    What was promised is looked at when the block of ``prepared`` ends; it raises ``promises.Broken``.
    """

    NAMES: tuple[str, ...]
    PROGRAMS: tuple[str, ...]

    def prepared(self, scale: Scale) -> AbstractContextManager[list[Work]]:
        """The works, for as long as the block lasts."""


def measure(work: Work, pairs: int, goal: Goal | None = None) -> Row:
    """Run a work ``pairs`` times on both sides in turn, after one run each that is not counted.

    It is judged by the table of goals unless a goal of its own is given.
    """
    if work.ready is not None:
        work.ready()
    work.ours(), work.peer()
    before = [_begun(pid) for pid in work.pids or ()]
    found = [Pair(work.ours(), work.peer()) for _ in range(pairs)]
    costs = [_since(pid, then, pairs) for pid, then in zip(work.pids or (), before, strict=True)]
    return row(goal or BY_WORK[work.name], work.unit, found, costs)


def _begun(pid: int) -> spent.Spent:
    spent.forget(pid)
    return spent.spent(pid)


def _since(pid: int, then: spent.Spent, pairs: int) -> Cost:
    now = spent.spent(pid)
    return Cost((now.cpu - then.cpu) / pairs, now.memory)


def machine() -> dict[str, Any]:
    """Return what the numbers depend on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "versions": {name: version(name) for name in VERSIONS},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def results(rows: Iterable[Row], now: datetime, extra: Iterable[Row] = ()) -> dict[str, Any]:
    """Return everything that is kept of one run; ``extra`` are measures beside the table of goals."""
    rows = list(rows)
    return {
        "format": "custos-bench-1",
        "when": now.isoformat(timespec="seconds"),
        "machine": machine(),
        "rows": [one.as_dict() for one in rows],
        "costs": [one.as_costs() for one in rows],
        "extra": [one.as_dict() | one.as_costs() for one in extra],
    }


def headline(kept: dict[str, Any]) -> str:
    """Return one line that says where and when these results were measured."""
    about = kept["machine"]
    return f"{about['processor']}, {about['cores']} cores, Python {about['python']}, {kept['when']}"


def markdown(kept: dict[str, Any]) -> str:
    """Return the rows as a table people read, under one line about the machine."""
    lines = [headline(kept), ""]
    lines += ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    told = {one["work"]: one for one in (*kept["costs"], *kept["extra"])}
    for one in (*kept["rows"], *kept["extra"]):
        cost = told[one["work"]]
        cells = [one["work"], f"{one['ours']:.4g} {cost['unit']}", f"{one['peer']:.4g}"]
        cells += [f"{one[name]:.2f}" for name in ("ratio", "min", "max")]
        cells += [" / ".join(f"{value:.3g}" for value in cost[name]) for name in ("cpu", "memory")]
        cells += [f"{one[name]:g}" for name in ("must", "then")]
        lines.append("| " + " | ".join([*cells, "yes" if one["met"] else "**no**"]) + " |")
    return "\n".join(lines) + "\n"


def keep(kept: dict[str, Any], folder: Path, words: str = "") -> Sequence[Path]:
    """Write the results as JSON and as Markdown, named by their time; return both paths.

    ``words`` are what people read of results that are no rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = kept["when"].replace(":", "").replace("+0000", "Z")
    places = (folder / f"{name}.json", folder / f"{name}.md")
    for place, text in zip(places, (json.dumps(kept, indent=2) + "\n", words or markdown(kept)), strict=True):
        beside = place.with_suffix(place.suffix + ".tmp")
        beside.write_text(text, encoding="utf-8")
        beside.replace(place)
    return places


def run(
    modules: Iterable[Module], wanted: Callable[[str], bool], scale: Scale, told: Callable[[Row], None]
) -> list[Row]:
    """Measure the wanted works of each module; ``told`` hears of each row once its promises were looked at.

    Raises ``promises.Broken``: then nothing of that module was told.
    """
    rows: list[Row] = []
    for module in modules:
        with module.prepared(scale) as works:
            found = [measure(work, scale.pairs) for work in works if wanted(work.name)]
        for one in found:
            told(one)
        rows += found
    return rows


def beside(extra: Iterable[tuple[Work, Goal]], pairs: int) -> list[Row]:
    """Measure works that stand beside the table, each with a goal of its own."""
    return [measure(work, pairs, goal) for work, goal in extra]


def kept(rows: Iterable[Row], extra: Iterable[Row], folder: Path) -> dict[str, Any]:
    """Keep the results in a folder, and return them."""
    found = results(rows, datetime.now(UTC), extra)
    keep(found, folder)
    return found
