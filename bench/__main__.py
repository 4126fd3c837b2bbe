"""``python -m bench [--quick] [--pairs N] [PART …]``: measure the works whose name or file contains a part, or all.

``--growth`` measures ours alone at three sizes instead. ``mixed`` is traffic of all kinds at once, for ``--minutes``.
Both run only where they are asked for.
"""

import argparse
import sys
from pathlib import Path

from bench import growth, packages, promises, runner
from bench.choosing import RESULTS, chosen
from bench.goals import GOALS
from bench.rows import Row
from bench.works import mixed, recording

MIXED = "mixed"


def main(arguments: list[str]) -> int:
    """Measure and print the table; 1 where a bar was missed, 2 where a promise was skipped and nothing is printed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--kept", type=Path, help="a folder in which planted archives stay for the next run")
    parser.add_argument("parts", nargs="*")
    given = parser.parse_args(arguments)
    try:
        if given.growth:
            return growth.run(given.parts, quick=given.quick)
        if MIXED in given.parts:
            return mixed.run(given.minutes or mixed.minutes(quick=given.quick))
        return _beside_peers(given)
    except promises.Broken as broken:
        sys.stderr.write(f"Nothing is printed: {broken}.\n")
        return 2
    finally:
        recording.finish()


def _beside_peers(given: argparse.Namespace) -> int:
    """The works of both sides in turn; 1 where a bar was missed."""
    scale, works = _scale(given), chosen(given.parts)
    packages.require(works.programs())
    measured = runner.run(works.modules, works.names.__contains__, scale, _told)
    judged = {goal.work for goal in GOALS}
    rows, more = ([one for one in measured if (one.work in judged) is such] for such in (True, False))
    found = runner.kept(rows, [*more, *runner.beside(works.extra, scale.pairs)], RESULTS)
    sys.stdout.write(runner.markdown(found))
    return 0 if all(one["met"] for one in (*found["rows"], *found["extra"])) else 1


def _scale(given: argparse.Namespace) -> runner.Scale:
    return runner.Scale(given.quick, given.pairs or (2 if given.quick else 5), kept=given.kept)


def _told(row: Row) -> None:
    """One line while the rest is being measured."""
    sys.stderr.write(f"{row.work}: {row.ours:.4g} {row.unit}, {row.ratio:.2f} of the peer's\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
