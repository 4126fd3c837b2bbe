"""Runs works in interleaved pairs: ours, peer, ours, peer, so that a machine that changes its mind changes both."""

import json
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bench.goals import BY_WORK, Goal
from bench.rows import Pair, Row, row

VERSIONS: Final = ("cryptography", "django", "granian", "pydicom", "pynetdicom")
HEAD: Final = ("work", "ours", "peer", "ratio", "min", "max", "must", "then", "met")


@dataclass(frozen=True)
class Work:
    """Something both sides can do; each callable does it once and returns a rate, higher is faster."""

    name: str
    unit: str
    ours: Callable[[], float]
    peer: Callable[[], float]


def measure(work: Work, pairs: int, goal: Goal | None = None) -> Row:
    """Run a work ``pairs`` times on both sides in turn, after one run each that is not counted.

    It is judged by the table of goals unless a goal of its own is given.
    """
    work.ours(), work.peer()
    found = [Pair(work.ours(), work.peer()) for _ in range(pairs)]
    return row(goal or BY_WORK[work.name], work.unit, found)


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
    return {
        "format": "custos-bench-1",
        "when": now.isoformat(timespec="seconds"),
        "machine": machine(),
        "rows": [one.as_dict() for one in rows],
        "extra": [one.as_dict() for one in extra],
    }


def markdown(kept: dict[str, Any]) -> str:
    """Return the rows as a table people read, under one line about the machine."""
    about = kept["machine"]
    lines = [f"{about['processor']}, {about['cores']} cores, Python {about['python']}, {kept['when']}", ""]
    lines += ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    for one in (*kept["rows"], *kept["extra"]):
        cells = [one["work"], f"{one['ours']:.4g} {one['unit']}", f"{one['peer']:.4g}"]
        cells += [f"{one[name]:.2f}" for name in ("ratio", "min", "max", "must", "then")]
        lines.append("| " + " | ".join([*cells, "yes" if one["met"] else "**no**"]) + " |")
    return "\n".join(lines) + "\n"


def keep(kept: dict[str, Any], folder: Path) -> Sequence[Path]:
    """Write the results as JSON and as Markdown, named by their time; return both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    name = kept["when"].replace(":", "").replace("+0000", "Z")
    places = (folder / f"{name}.json", folder / f"{name}.md")
    for place, text in zip(places, (json.dumps(kept, indent=2) + "\n", markdown(kept)), strict=True):
        beside = place.with_suffix(place.suffix + ".tmp")
        beside.write_text(text, encoding="utf-8")
        beside.replace(place)
    return places


def run(works: Iterable[Work], extra: Iterable[tuple[Work, Goal]] = (), *, pairs: int, folder: Path) -> dict[str, Any]:
    """Measure the works and the extra ones with their goals, keep the results, and return them."""
    beside = [measure(work, pairs, goal) for work, goal in extra]
    kept = results([measure(work, pairs) for work in works], datetime.now(UTC), beside)
    keep(kept, folder)
    return kept
