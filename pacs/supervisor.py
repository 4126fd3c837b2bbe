"""Keep the archive's processes alive: start each, restart what dies with a growing pause, end all together."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

logger = logging.getLogger("pacs.supervisor")

PARENT: Final = "CUSTOS_PARENT"
"""Name under which a child finds the process it must not outlive."""

SOCKETS: Final = "CUSTOS_SOCKETS"
"""Name under which a child finds the descriptors of the sockets that it was given."""

STEADY: Final = 60.0
"""Seconds after which a child counts as healthy and its pause starts small again."""


@dataclass
class Child:
    """One program to keep alive: its name, its command, and how long to pause before the next start.

    `sockets` are bound ones that it inherits, whenever it is started: all children that do accept from the same queue.
    """

    name: str
    command: Sequence[str]
    sockets: Sequence[socket.socket] = ()
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 0.0
    due: float = 0.0


def next_pause(last: float, lived: float, *, first: float = 0.25, most: float = 30.0) -> float:
    """Return the seconds to wait before a restart: short after a long life, doubling while it keeps dying."""
    return first if lived >= STEADY or not last else min(last * 2, most)


@dataclass
class Supervisor:
    """Runs children until told to stop; ``clock`` counts seconds."""

    children: list[Child]
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    clock: Callable[[], float] = time.monotonic
    grace: float = 20.0
    stopping: bool = False

    def stop(self, signum: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        """Ask for the end; the signal handler of the process."""
        self.stopping = True

    def run(self) -> int:
        """Start everything, watch it, and return 0 once all children ended after a stop."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        while not self.stopping:
            for child in self.children:
                self._tend(child)
            time.sleep(0.1)
        return self._end()

    def _tend(self, child: Child) -> None:
        now = self.clock()
        if child.process is not None and child.process.poll() is not None:
            child.pause = next_pause(child.pause, now - child.started)
            child.due = now + child.pause
            logger.error("%s ended with %s; again in %.2f s", child.name, child.process.returncode, child.pause)
            child.process = None
        if child.process is None and now >= child.due:
            self._start(child)

    def _start(self, child: Child) -> None:
        """Start a child in a session of its own, so that the terminal's interrupt reaches it through us alone."""
        handles = [sock.fileno() for sock in child.sockets]
        environ = {**self.environ, PARENT: str(os.getpid()), SOCKETS: ",".join(map(str, handles))}
        child.process = subprocess.Popen(child.command, env=environ, pass_fds=handles, start_new_session=True)
        child.started = self.clock()
        logger.info("%s runs as process %d", child.name, child.process.pid)

    def _end(self) -> int:
        """Forward the end to every child, wait for it, and end what will not."""
        living = [child.process for child in self.children if child.process is not None]
        for process in living:
            process.terminate()
        for child in self.children:
            _refuse(child.sockets)
        deadline = self.clock() + self.grace
        for process in living:
            try:
                process.wait(max(0.1, deadline - self.clock()))
            except subprocess.TimeoutExpired:
                logger.error("process %d did not end in time", process.pid)
                process.kill()
                process.wait()
        return 0


def _refuse(sockets: Sequence[socket.socket]) -> None:
    """Let nobody wait in a queue from which no child will take him any more."""
    for sock in sockets:
        with suppress(OSError):  # Nobody listened yet.
            sock.shutdown(socket.SHUT_RDWR)


def inherited() -> dict[int, socket.socket]:
    """The sockets that this process was given by the supervisor that started it, by their ports."""
    sockets = [socket.socket(fileno=int(handle)) for handle in os.environ.pop(SOCKETS, "").split(",") if handle]
    for sock in sockets:
        sock.set_inheritable(False)
    return {sock.getsockname()[1]: sock for sock in sockets}


def role_command(role: str) -> list[str]:
    """Return the command that serves one role with this interpreter."""
    from django.conf import settings

    return [sys.executable, str(settings.BASE_DIR / "manage.py"), "serve", role]
