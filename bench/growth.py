"""How time for each item and memory grow with size: ours alone, at three sizes of each work that has one.

Each size has a fresh archive. Where a hundred times as much would take too long, the sizes are one, three and ten.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from statistics import median
from typing import Any, Final

from bench import objects, packages, plots, runner, spent
from bench.choosing import RESULTS, Chosen, chosen
from bench.runner import Module, Scale, Work
from bench.works import cstore, frames, metadata, multiframe, qido, rendered, stow, study

FAR: Final = (1, 10, 100)
NEAR: Final = (1, 3, 10)
"""For works on large images: a hundred times as many would take many minutes to make alone."""

RUNS: Final = 3
SLICES: Final = 500
IMAGES: Final = 100
"""Of each of the twenty studies of small images."""


@dataclass(frozen=True)
class Growing:
    """A work with a size: what is counted, at which scale it begins, and how both follow from what it measures.

    ``count`` is the size at a scale; ``seconds`` are those for one ``item`` at a rate and a size.
    """

    work: str
    item: str
    of: str
    first: float
    steps: tuple[int, int, int]
    count: Callable[[Scale], int]
    seconds: Callable[[float, int], float]

    def scales(self, *, quick: bool) -> list[Scale]:
        """The three scales at which it is measured."""
        return [Scale(quick, 1 if quick else RUNS, alone=True, size=round(self.first * step, 6)) for step in self.steps]


@dataclass(frozen=True)
class Point:
    """One size: how many, seconds for each item (the median of the runs), and MB of all our processes at the peak."""

    size: int
    seconds: float
    memory: float


@cache
def _slice_mb() -> float:
    """MB of one CT slice as a file."""
    return len(next(objects.ct(1)).part10) / spent.MB


def _one(rate: float, size: int) -> float:
    """Where the rate counts items."""
    return 1 / rate


def _of_all(rate: float, size: int) -> float:
    """Where the rate counts answers that tell of all."""
    return 1 / (rate * size)


def _frame(rate: float, size: int) -> float:
    """Where the rate is MB/s of frames."""
    return multiframe.FRAME / rate


def _slice(rate: float, size: int) -> float:
    """Where the rate is MB/s of slices."""
    return _slice_mb() / rate


def _slices(scale: Scale) -> int:
    return scale.of(SLICES)


def _images(scale: Scale) -> int:
    return 20 * scale.of(IMAGES)


def _studies(scale: Scale) -> int:
    return scale.grown(qido.QUICK if scale.quick else qido.STUDIES)


def _growing() -> list[Growing]:
    ct, mr = ("object", "objects sent", 0.1, NEAR, _slices, _one), ("object", "objects sent", 0.03, FAR, _images, _one)
    of_series = ("slices in the series", 0.1, NEAR, _slices)
    return [
        *(Growing(name, *(mr if "MR" in name else ct)) for name in cstore.NAMES),
        Growing(
            multiframe.NAMES[0], "frame", "frames", 0.1, NEAR, lambda scale: scale.grown(multiframe.FRAMES), _frame
        ),
        *(Growing(name, *ct) for name in stow.NAMES),
        *(Growing(name, "frame", *of_series, _one) for name in frames.NAMES),
        *(Growing(name, "slice", *of_series, _of_all) for name in metadata.NAMES),
        *(Growing(name, "slice", *of_series, _slice) for name in study.NAMES),
        *(Growing(name, "picture", *of_series, _one) for name in rendered.NAMES),
        *(Growing(name, "answer at p95", "studies", 0.01, FAR, _studies, _one) for name in qido.NAMES),
    ]


GROWING: Final = {one.work: one for one in _growing()}


def run(parts: Sequence[str], *, quick: bool) -> int:
    """Measure, print the table and keep everything. Raises ``promises.Broken``; 1 where no such work has a size."""
    works = chosen(parts)
    wanted = {module: names & set(GROWING) for module, names in works.modules.items()}
    works = Chosen({module: names for module, names in wanted.items() if names}, [])
    if not works.modules:
        sys.stderr.write("None of these works has a size to grow.\n")
        return 1
    packages.require(works.programs(alone=True))
    found = {
        GROWING[name]: points
        for module, names in works.modules.items()
        for name, points in measured(module, names, quick=quick).items()
    }
    now = datetime.now(UTC)
    picture = RESULTS / f"{now:%Y-%m-%dT%H%M%SZ}-growth.png"
    RESULTS.mkdir(parents=True, exist_ok=True)
    plots.growth(picture, [(one.work, one.item, one.of, points) for one, points in found.items()])
    entries = [entry(one, points, picture.name) for one, points in found.items()]
    kept = {**runner.results([], now), "extra": entries}
    words = f"{runner.headline(kept)}\n\n{table(entries)}"
    runner.keep(kept, RESULTS, words)
    sys.stdout.write(f"{words}\n{picture}\n")
    return 0


def measured(module: Module, names: set[str], *, quick: bool) -> dict[str, list[Point]]:
    """The points of each of these works of a module, the smallest first; works of the same scale share an archive."""
    found: dict[str, list[Point]] = {name: [] for name in names}
    scales = sorted({scale.size: scale for name in names for scale in GROWING[name].scales(quick=quick)}.items())
    for size, scale in scales:
        meant = {name for name in names if size in {one.size for one in GROWING[name].scales(quick=quick)}}
        with module.prepared(scale) as works:
            there = {work.name: point(work, scale) for work in works if work.name in meant}
        for name, one in there.items():
            sys.stderr.write(f"{name}: {one.size:,}, {1000 * one.seconds:.3g} ms each, {one.memory:.0f} MB\n")
            found[name].append(one)
    return found


def point(work: Work, scale: Scale) -> Point:
    """Run our side of a work as often as the scale says, after one run that is not counted."""
    growing, pid = GROWING[work.name], work.pids[0] if work.pids else 0
    if work.ready is not None:
        work.ready()
    work.ours()
    spent.forget(pid)
    size = growing.count(scale)
    seconds = median(growing.seconds(work.ours(), size) for _ in range(scale.pairs))
    return Point(size, seconds, spent.spent(pid).memory)


def entry(growing: Growing, points: Sequence[Point], picture: str) -> dict[str, Any]:
    """What is kept of a work: its sizes with seconds for each item and MB, and how often the last is the first."""
    first, last = points[0], points[-1]
    return {
        "work": f"{growing.work}, growth",
        "item": growing.item,
        "of": growing.of,
        "steps": list(growing.steps),
        "points": [asdict(one) for one in points],
        "times": round(last.seconds / first.seconds, 3),
        "memory": round(last.memory - first.memory, 1),
        "plot": picture,
    }


def table(entries: Sequence[dict[str, Any]]) -> str:
    """The entries as a table people read."""
    lines = ["| work | sizes | ms for each | last / first | peak MB | more MB |", "|---|---|---|---|---|---|"]
    for one in entries:
        columns = [
            " / ".join(f"{point[name] * times:{form}}" for point in one["points"])
            for name, times, form in (("size", 1, ","), ("seconds", 1000, ".3g"), ("memory", 1, ".0f"))
        ]
        sizes, times, memory = columns
        cells = [one["work"], f"{sizes} {one['of']}", f"{times} {one['item']}", f"{one['times']:.2f}", memory]
        lines.append("| " + " | ".join([*cells, f"{one['memory']:+.0f}"]) + " |")
    return "\n".join(lines) + "\n"
