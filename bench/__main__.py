"""``python -m bench [--quick] [--pairs N] [PART …]``: measure the works whose name or file contains a part, or all."""

import argparse
import sys
from pathlib import Path
from typing import Final

from bench import packages, promises, runner
from bench.rows import Row
from bench.works import (
    cstore,
    frames,
    metadata,
    multiframe,
    qido,
    qido_million,
    recording,
    rendered,
    sealing,
    stow,
    study,
)

MODULES: Final = (cstore, multiframe, stow, frames, metadata, study, rendered, qido, qido_million)
RESULTS: Final = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    """Measure and print the table; 1 where a bar was missed, 2 where a promise was skipped and nothing is printed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("parts", nargs="*")
    given = parser.parse_args(arguments)
    scale = runner.Scale(given.quick, given.pairs or (2 if given.quick else 5))

    def wanted(name: str, file: str) -> bool:
        return not given.parts or any(part in name or part == file for part in given.parts)

    chosen = {
        module: {name for name in module.NAMES if wanted(name, module.__name__.rpartition(".")[2])}
        for module in MODULES
    }
    modules = [module for module, names in chosen.items() if names]
    names = set().union(*chosen.values())
    extra = [
        (work, goal)
        for file, works in (("sealing", sealing.EXTRA), ("recording", recording.EXTRA))
        for work, goal in works
        if wanted(work.name, file)
    ]
    try:
        packages.require({program for module in modules for program in module.PROGRAMS})
        rows = runner.run(modules, names.__contains__, scale, _told)
        others = runner.beside(extra, scale.pairs)
    except promises.Broken as broken:
        sys.stderr.write(f"Nothing is printed: {broken}.\n")
        return 2
    finally:
        recording.finish()
    found = runner.kept(rows, others, RESULTS)
    sys.stdout.write(runner.markdown(found))
    return 0 if all(one["met"] for one in (*found["rows"], *found["extra"])) else 1


def _told(row: Row) -> None:
    """One line while the rest is being measured."""
    sys.stderr.write(f"{row.work}: {row.ours:.4g} {row.unit}, {row.ratio:.2f} of the peer's\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
