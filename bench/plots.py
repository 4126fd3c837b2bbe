"""Draws what was measured as PNG files; the only file that knows the library that draws. Nothing opens a window."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bench.growth import Point

WIDTH: Final = 11.0
"""Inches."""

ROW: Final = 2.6
DOTS: Final = 110
"""To the inch."""

MOST_NAMED: Final = 12
"""Lines of a drawing that have a name beside it; more would hide the drawing."""


def _figure(rows: int, columns: int) -> "tuple[Figure, list[list[Axes]]]":
    """An empty drawing, made without the part of the library that looks for a screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, ROW * rows + 0.4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [
        [figure.add_subplot(rows, columns, row * columns + at + 1) for at in range(columns)] for row in range(rows)
    ]


def _written(figure: "Figure", place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(place, format="png", dpi=DOTS)


def growth(place: Path, works: "Sequence[tuple[str, str, str, Sequence[Point]]]") -> None:
    """Draw time for each item and peak memory against size: a row for each work (its name, item, what is counted)."""
    figure, axes = _figure(len(works), 2)
    for (work, item, of, points), (times, memory) in zip(works, axes, strict=True):
        sizes = [one.size for one in points]
        for axis, values, unit in (
            (times, [1000 * one.seconds for one in points], f"ms for each {item}"),
            (memory, [one.memory for one in points], "peak MB of all processes"),
        ):
            axis.plot(sizes, values, marker="o")
            axis.set_xscale("log")
            axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
            axis.minorticks_off()
            # From zero: a line that looks steep is steep.
            axis.set_ylim(0, 1.2 * max(values))
            axis.set_xlabel(of, fontsize=8)
            axis.set_ylabel(unit, fontsize=8)
            axis.set_title(work, fontsize=8)
            axis.tick_params(labelsize=8)
            axis.grid(visible=True, alpha=0.3)
    _written(figure, place)


Line = Sequence[tuple[float, float]]
"""Moments in seconds, and values."""


def over_time(place: Path, drawings: Sequence[tuple[str, Mapping[str, Line]]], warm: float) -> None:
    """Draw one row for each drawing (what its values are, lines by name) over minutes; what is not judged is grey."""
    figure, axes = _figure(len(drawings), 1)
    for (what, lines), (axis,) in zip(drawings, axes, strict=True):
        for number, (name, line) in enumerate(sorted(lines.items(), key=_highest, reverse=True)):
            named: dict[str, Any] = {"label": name} if number < MOST_NAMED else {"color": "0.7"}
            axis.plot([at / 60 for at, _ in line], [value for _, value in line], linewidth=1.2, **named)
        axis.axvspan(0, warm / 60, color="0.92", zorder=0)
        axis.set_ylim(bottom=0)
        axis.set_xlim(left=0)
        axis.set_xlabel("minutes", fontsize=8)
        axis.set_ylabel(what, fontsize=8)
        axis.tick_params(labelsize=8)
        axis.grid(visible=True, alpha=0.3)
        axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=7, frameon=False)
    _written(figure, place)


def _highest(named: tuple[str, Line]) -> float:
    return max((value for _, value in named[1]), default=0.0)
