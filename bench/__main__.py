"""``python -m bench [--pairs N] [PART …]``: measure the works whose name contains a part, or all of them."""

import argparse
import sys
from pathlib import Path

from bench import runner
from bench.works import recording, sealing

WORKS = (sealing.WORK,)
RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    """Measure and print the table; 1 where a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("parts", nargs="*")
    given = parser.parse_args(arguments)

    def wanted(work: runner.Work) -> bool:
        return not given.parts or any(part in work.name for part in given.parts)

    extra = [(work, goal) for work, goal in (*sealing.EXTRA, *recording.EXTRA) if wanted(work)]
    try:
        kept = runner.run(filter(wanted, WORKS), extra, pairs=given.pairs, folder=RESULTS)
    finally:
        recording.finish()
    sys.stdout.write(runner.markdown(kept))
    return 0 if all(one["met"] for one in (*kept["rows"], *kept["extra"])) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
