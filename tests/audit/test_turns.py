"""Many writers, one chain: no gap, no fork, whoever writes from wherever."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from audit import log, rows, tables
from audit.events import Event
from audit.models import AuditEvent
from tests.conftest import Installation

WRITER = """
import django
django.setup()
from audit import log
from audit.actions import Action, Outcome
from audit.receipts import Who
who = Who("system", "system:writer", "writer")
for number in range(100):
    log.commit([log.Event(Action.STORE, Outcome.OK, who, study_uid="1.2.3", count=n) for n in range(5)])
"""


def require_whole_chain() -> int:
    """Recompute every row of log 1; return how many there are."""
    previous, count = rows.GENESIS, 0
    for stored, shown in tables.rows(1):
        row, leaf, chained = tables.decode(stored)
        count += 1
        assert row.seq == count
        assert rows.leaf_hash(row, tuple(uid for _, uid in shown)) == leaf
        assert chained == (previous := rows.row_hash(previous, row.seq, leaf))
    return count


@pytest.mark.both_databases
def test_four_threads_write_one_chain(installation: Installation, event: Callable[..., Event]) -> None:
    before, failures = AuditEvent.objects.count(), []

    def write() -> None:
        try:
            for number in range(125):
                log.commit([event(count=number), event(listed=("1.2", "1.3")), event(), event()])
        except Exception as error:  # noqa: BLE001 - whatever a thread hits must fail the test
            failures.append(error)
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert require_whole_chain() == before + 2000


@pytest.mark.both_databases
def test_three_processes_write_one_chain(installation: Installation, tmp_path: Path) -> None:
    before = AuditEvent.objects.count()
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER], env=installation.environment, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for writer in writers:
        _, words = writer.communicate(timeout=100)
        assert writer.returncode == 0, words
    assert require_whole_chain() == before + 1500
