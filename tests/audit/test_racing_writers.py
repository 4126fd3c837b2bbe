"""Four processes race for the log while writers are killed: no gap, no fork, and nothing acknowledged is lost.

Each writer tells the id of an event by a pipe once its `commit` returned. A killed one goes on, in a new process,
behind what it had told. PACS_TEST_RACING gives the number of events for each writer, 300 or more.
"""

import os
import selectors
from collections import Counter

import pytest

from audit import checkpoints, verify
from audit.models import AuditEvent, AuditListed
from tests.audit.racing import PIPE, Writer
from tests.conftest import Installation

EVENTS = int(os.environ.get("PACS_TEST_RACING", "500"))
WRITERS = 4
KILLED_AT = (EVENTS // 3, 2 * EVENTS // 3)  # of each writer's own events
KILLS = WRITERS * len(KILLED_AT)


@pytest.mark.slow
@pytest.mark.both_databases
@pytest.mark.timeout(120 + EVENTS // 2)
@pytest.mark.parametrize("threads", [1, 4])
def test_racing_writers_that_are_killed_leave_one_chain_with_everything_acknowledged(
    installation: Installation, threads: int
) -> None:
    before = AuditEvent.objects.count()
    environment = installation.environment
    writers = [Writer(f"writer-{number}", environment, EVENTS, threads=threads) for number in range(WRITERS)]
    assert race(writers) == KILLS
    assert [sorted(writer.durable) for writer in writers] == [list(range(EVENTS))] * WRITERS
    stored = list(AuditEvent.objects.order_by("log", "seq").values_list("log", "seq", "id", "actor_key", "count"))
    assert [(log, seq) for log, seq, *_ in stored] == [(1, seq) for seq in range(1, len(stored) + 1)]
    times = Counter(id for _, _, id, _, _ in stored)
    told = {id: (f"system:{writer.name}", n) for writer in writers for n, id in writer.durable.items()}
    assert {id: times[id] for id in told if times[id] != 1} == {}
    assert {id: (key, n) for _, _, id, key, n in stored if id in told} == told
    assert not any(times[id] for writer in writers for id in writer.refused)
    # What was durable when its writer was killed, but not yet told: one event of each thread for each kill, no more.
    untold = [id for _, seq, id, _, _ in stored if seq > before and id not in told]
    assert len(untold) <= KILLS * threads
    assert AuditListed.objects.count() == 2 * sum(
        key.startswith("system:writer") and n % 10 == 0 for *_, key, n in stored
    )

    assert checkpoints.sign_due(at_once=True)
    report = verify.run()
    assert (report.code, report.findings, report.rows) == (0, [], len(stored))
    assert report.signed > 2


def race(writers: list[Writer]) -> int:
    """Let them write until all are done, kill each as it comes to its places, sign in between; return the kills."""
    due = {writer.name: list(KILLED_AT) for writer in writers}
    with selectors.DefaultSelector() as pipes:
        for writer in writers:
            pipes.register(writer.start(), selectors.EVENT_READ, writer)
        while pipes.get_map():
            for pipe, _ in pipes.select():
                writer, told = pipe.data, os.read(pipe.fd, PIPE)
                writer.hear(told)
                left = due[writer.name]
                if left and len(writer.durable) >= left[0]:
                    del left[0]
                    pipes.unregister(pipe.fd)
                    writer.kill()
                    pipes.register(writer.start(), selectors.EVENT_READ, writer)
                    checkpoints.sign_due(at_once=True)
                elif not told:
                    pipes.unregister(pipe.fd)
                    writer.close()
    return KILLS - sum(map(len, due.values()))
