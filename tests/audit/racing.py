"""Programs that write into the record one event after another, and tell each id once its `commit` returned."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

PIPE = 4096  # bytes: a writer is never far ahead of what was heard of it, so that each kill finds it at work

WRITER = """
import os, sys
from threading import Thread
import django
django.setup()
from audit import log
from audit.actions import Action, Outcome
from audit.errors import LogUnavailable
from audit.receipts import Who

{before}
name, end, begins = sys.argv[1], int(sys.argv[2]), [int(number) for number in sys.argv[3:]]
who = Who("system", f"system:{{name}}", name)

def write(number):
    while number < end:
        more = {{"details": {{"n": number}}, "listed": ("1.2", "1.3")}} if number % 10 == 0 else {{}}
        event = log.Event(Action.STORE, Outcome.OK, who, study_uid="1.2.3", count=number, **more)
        try:
            log.commit([event])
        except LogUnavailable:
            os.write(1, f"refused {{number}} {{event.id}}\\n".encode())
            continue
        os.write(1, f"durable {{number}} {{event.id}}\\n".encode())
        number += len(begins)

threads = [Thread(target=write, args=(number,)) for number in begins]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@dataclass
class Writer:
    """One of the racers, in whichever process it runs by now, and what it told; its threads share its numbers."""

    name: str
    environment: Mapping[str, str]
    events: int
    before: str = ""  # Python that is run ahead of the first event
    threads: int = 1
    durable: dict[int, UUID] = field(default_factory=dict)
    refused: set[UUID] = field(default_factory=set)
    process: "subprocess.Popen[bytes] | None" = None
    rest: bytes = b""

    def start(self) -> int:
        """Go on behind what was told; return the pipe by which more is told."""
        program = [
            sys.executable,
            "-c",
            WRITER.format(before=self.before),
            self.name,
            str(self.events),
            *map(str, self._begins()),
        ]
        self.process = subprocess.Popen(program, env=self.environment, stdout=subprocess.PIPE, pipesize=PIPE)
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def _begins(self) -> list[int]:
        """The first number of each thread that nobody told to be durable."""
        every = range(self.threads)
        return [next(n for n in count(at, self.threads) if n not in self.durable) for at in every]

    def hear(self, told: bytes) -> None:
        *lines, self.rest = (self.rest + told).split(b"\n")
        for word, number, name in (line.decode().split() for line in lines):
            if word == "durable":
                self.durable[int(number)] = UUID(name)
            else:
                self.refused.add(UUID(name))

    def kill(self) -> None:
        """End it wherever it is; what it had told by then still counts."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.kill()
        self.hear(self.process.stdout.read())
        self.close()
        assert self.process.returncode == -signal.SIGKILL

    def close(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.wait(30)
