"""One row of the results: a work, how fast we and the peer did it, and whether the goal was met."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from bench.goals import Goal


@dataclass(frozen=True)
class Pair:
    """One of our runs and the peer's run beside it: rates in the same unit, higher is faster."""

    ours: float
    peer: float

    @property
    def ratio(self) -> float:
        """How many times faster than the peer we were in this pair."""
        return self.ours / self.peer


@dataclass(frozen=True)
class Cost:
    """What one run of a side took: CPU seconds of all its processes, and MB of memory at the peak."""

    cpu: float
    memory: float


KEPT: Final = ("work", "ours", "peer", "ratio", "min", "max", "must", "then", "met")
"""What a row of the table of goals is kept as: these names are read by others, and there are no more of them."""


@dataclass(frozen=True)
class Row:
    """What ``results`` keep of one work. ``min`` and ``max`` are the worst and best ratio of a single pair."""

    work: str
    unit: str
    ours: float
    peer: float
    ratio: float
    min: float
    max: float
    must: float
    then: float
    met: bool
    pairs: int
    costs: tuple[Cost, ...] = ()
    """Ours and the peer's, where both are programs of their own."""

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON keeps it, rounded to what was measured."""
        found = asdict(self)
        return {key: round(found[key], 3) if isinstance(found[key], float) else found[key] for key in KEPT}

    def as_costs(self) -> dict[str, Any]:
        """Return what stands beside the row: its unit, how many pairs, and what a run took of ours and the peer's."""
        cpu, memory = ([round(getattr(one, name), 3) for one in self.costs] for name in ("cpu", "memory"))
        return {"work": self.work, "unit": self.unit, "pairs": self.pairs, "cpu": cpu, "memory": memory}


def row(goal: Goal, unit: str, pairs: Sequence[Pair], costs: Sequence[Cost] = ()) -> Row:
    """Judge a work by the median of its pairs; ``ValueError`` where there is nothing to judge or a rate is no rate.

    The median of ratios is taken, not the ratio of medians: a machine that slows down for a while slows both runs of
    a pair.
    """
    if not pairs or any(rate <= 0 for pair in pairs for rate in (pair.ours, pair.peer)):
        raise ValueError(f"{goal.work}: no pairs, or a rate that is not above zero")
    ratios = sorted(pair.ratio for pair in pairs)
    middle = median(ratios)
    ours, peer = median(pair.ours for pair in pairs), median(pair.peer for pair in pairs)
    met = middle >= goal.must
    told = (middle, ratios[0], ratios[-1], goal.must, goal.then, met, len(pairs))
    return Row(goal.work, unit, ours, peer, *told, tuple(costs))


def judged_again(kept: dict[str, Any], goal: Goal) -> bool:
    """Return whether a kept row's verdict follows from its own ratio and the table of goals, whatever it claims."""
    return bool(kept["work"] == goal.work and kept["met"] == (kept["ratio"] >= goal.must) and kept["must"] == goal.must)
