"""Four processes race for the log while writers are killed: no gap, no fork, and nothing acknowledged is lost.

Each writer tells the id of an event by a pipe once its `commit` returned. A killed one goes on, in a new process,
behind what it had told. PACS_TEST_RACING gives the number of events for each writer, 300 or more.
"""

import os
import selectors
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from audit import checkpoints, verify
from audit.models import AuditEvent, AuditListed
from tests.conftest import Installation

EVENTS = int(os.environ.get("PACS_TEST_RACING", "500"))
WRITERS = 4
KILLED_AT = (EVENTS // 3, 2 * EVENTS // 3)  # of each writer's own events
KILLS = WRITERS * len(KILLED_AT)
PIPE = 4096  # bytes: a writer is never far ahead of what was heard of it, so that each kill finds it at work

WRITER = """
import os, sys
import django
django.setup()
from audit import log
from audit.actions import Action, Outcome
from audit.errors import LogUnavailable
from audit.receipts import Who

name, number, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
who = Who("system", f"system:{name}", name)
while number < end:
    more = {"details": {"n": number}, "listed": ("1.2", "1.3")} if number % 10 == 0 else {}
    event = log.Event(Action.STORE, Outcome.OK, who, study_uid="1.2.3", count=number, **more)
    try:
        log.commit([event])
    except LogUnavailable:
        os.write(1, f"refused {number} {event.id}\\n".encode())
        continue
    os.write(1, f"durable {number} {event.id}\\n".encode())
    number += 1
"""


@dataclass
class Writer:
    """One of the racers, in whichever process it runs by now, and what it told."""

    name: str
    place: Installation
    durable: dict[int, UUID] = field(default_factory=dict)
    refused: set[UUID] = field(default_factory=set)
    process: "subprocess.Popen[bytes] | None" = None
    rest: bytes = b""
    kills: int = 0

    def start(self) -> int:
        """Go on behind what was told; return the pipe by which more is told."""
        program = [sys.executable, "-c", WRITER, self.name, str(len(self.durable)), str(EVENTS)]
        self.process = subprocess.Popen(program, env=self.place.environment, stdout=subprocess.PIPE, pipesize=PIPE)
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

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
        self.kills += 1
        self.hear(self.process.stdout.read())
        self.close()
        assert self.process.returncode == -signal.SIGKILL

    def close(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.wait(30)

    def due(self) -> bool:
        """Whether it has come to where it is killed next."""
        return self.kills < len(KILLED_AT) and len(self.durable) >= KILLED_AT[self.kills]


@pytest.mark.slow
@pytest.mark.both_databases
@pytest.mark.timeout(120 + EVENTS // 2)
def test_racing_writers_that_are_killed_leave_one_chain_with_everything_acknowledged(
    installation: Installation,
) -> None:
    before = AuditEvent.objects.count()
    writers = [Writer(f"writer-{number}", installation) for number in range(WRITERS)]
    race(writers)

    assert sum(writer.kills for writer in writers) == KILLS
    assert [sorted(writer.durable) for writer in writers] == [list(range(EVENTS))] * WRITERS
    stored = list(AuditEvent.objects.order_by("log", "seq").values_list("log", "seq", "id", "actor_key", "count"))
    assert [(log, seq) for log, seq, *_ in stored] == [(1, seq) for seq in range(1, len(stored) + 1)]
    times = Counter(id for _, _, id, _, _ in stored)
    told = {id: (f"system:{writer.name}", n) for writer in writers for n, id in writer.durable.items()}
    assert {id: times[id] for id in told if times[id] != 1} == {}
    assert {id: (key, n) for _, _, id, key, n in stored if id in told} == told
    assert not any(times[id] for writer in writers for id in writer.refused)
    # What was durable when its writer was killed, but not yet told: one event for each kill, and nothing else.
    untold = [id for _, seq, id, _, _ in stored if seq > before and id not in told]
    assert len(untold) <= KILLS
    assert AuditListed.objects.count() == 2 * sum(
        key.startswith("system:writer") and n % 10 == 0 for *_, key, n in stored
    )

    assert checkpoints.sign_due(at_once=True)
    report = verify.run()
    assert (report.code, report.findings, report.rows) == (0, [], len(stored))
    assert report.signed > 2


def race(writers: list[Writer]) -> None:
    """Let them write until all are done, killing each of them as it comes to its places, and sign in between."""
    with selectors.DefaultSelector() as pipes:
        for writer in writers:
            pipes.register(writer.start(), selectors.EVENT_READ, writer)
        while pipes.get_map():
            for pipe, _ in pipes.select():
                writer = pipe.data
                told = os.read(pipe.fd, PIPE)
                writer.hear(told)
                if told and not writer.due():
                    continue
                pipes.unregister(pipe.fd)
                if writer.due():
                    writer.kill()
                    pipes.register(writer.start(), selectors.EVENT_READ, writer)
                    checkpoints.sign_due(at_once=True)
                else:
                    writer.close()
