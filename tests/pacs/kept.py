"""A supervisor of small programs, for tests that kill: each writes its process id into the folder given."""

import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

from pacs.serve import adopt
from pacs.supervisor import Child, Supervisor, inherited

LINGERS = 0.7
"""Seconds that the one called `door` takes to end."""


def child(folder: Path, name: str) -> None:
    """Note that one of us runs, then wait for the end; the one called `brief` ends by itself at once."""
    adopt()
    if name == "door":
        answer(folder)
    with (folder / name).open("a") as file:
        file.write(f"{os.getpid()}\n")
    while name != "brief":
        time.sleep(0.05)


def answer(folder: Path) -> None:
    """Tell whoever connects to the inherited socket who takes him; the port is the name of a file."""

    def linger(signum: int, frame: FrameType | None) -> None:
        time.sleep(LINGERS)
        sys.exit(0)

    signal.signal(signal.SIGTERM, linger)
    ((port, sock),) = inherited().items()
    sock.listen()
    (folder / f"port-{port}").touch()
    while True:
        try:
            with sock.accept()[0] as taken:
                taken.sendall(f"{os.getpid()}".encode())
        except OSError:
            time.sleep(0.05)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    if len(sys.argv) > 2:
        child(place, sys.argv[2])
    else:
        again = [sys.executable, "-m", "tests.pacs.kept", str(place)]
        with socket.create_server(("127.0.0.1", 0)) as door:
            children = [Child(name, [*again, name]) for name in ("one", "two", "brief")]
            sys.exit(Supervisor([*children, Child("door", [*again, "door"], (door,))]).run())
