"""A supervisor of three small programs, for tests that kill: each writes its process id into the folder given."""

import sys
import time
from pathlib import Path

from pacs.serve import adopt
from pacs.supervisor import Child, Supervisor


def child(folder: Path, name: str) -> None:
    """Note that one of us runs, then wait for the end; the one called `brief` ends by itself at once."""
    adopt()
    with (folder / name).open("a") as file:
        import os

        file.write(f"{os.getpid()}\n")
    while name != "brief":
        time.sleep(0.05)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    if len(sys.argv) > 2:
        child(place, sys.argv[2])
    else:
        again = [sys.executable, "-m", "tests.pacs.kept", str(place)]
        sys.exit(Supervisor([Child(name, [*again, name]) for name in ("one", "two", "brief")]).run())
