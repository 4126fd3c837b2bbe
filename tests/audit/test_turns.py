"""Many writers, one chain: no gap, no fork, whoever writes from wherever."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from audit import checkpoints, log, rows, tables, turns
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

HOLDER = """
import sys
import django
django.setup()
from audit import turns
with turns.alone(sys.argv[1]) as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


def holder(place: Installation, name: str) -> "subprocess.Popen[str]":
    """A process that has said whether it is alone with this name, and keeps to it until it is ended."""
    program = [sys.executable, "-c", HOLDER, name]
    pipe = subprocess.PIPE
    return subprocess.Popen(program, env=place.environment, stdin=pipe, stdout=pipe, text=True)


def said(process: "subprocess.Popen[str]") -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "True\n"


def free(name: str) -> bool:
    with turns.alone(name) as mine:
        return mine


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


@pytest.mark.both_databases
def test_one_process_is_alone_with_a_name_until_it_ends_or_is_killed(installation: Installation) -> None:
    with holder(installation, "one") as first:
        assert said(first)
        with turns.alone("one") as mine:
            assert not mine
        with turns.alone("two") as mine:
            assert mine  # another name is another turn
        first.kill()
    while not free("one"):  # Postgres notices in its own time that nobody is there any more.
        pass
    with turns.alone("one") as mine:
        assert mine
        with holder(installation, "one") as second:
            assert not said(second)
            second.communicate()
    with holder(installation, "one") as third:
        assert said(third)
        third.communicate()


@pytest.mark.both_databases
def test_a_turn_is_given_back_when_what_was_done_alone_fails(installation: Installation) -> None:
    with pytest.raises(RuntimeError, match="midway"), turns.alone("one"):
        raise RuntimeError("midway")
    with holder(installation, "one") as other:
        assert said(other)
        other.communicate()


@pytest.mark.both_databases
def test_nobody_signs_while_another_process_signs(installation: Installation, event: Callable[..., Event]) -> None:
    log.commit([event()])
    with holder(installation, checkpoints.SIGNER) as other:
        assert said(other)
        assert not checkpoints.sign_due(at_once=True)
        other.communicate()
    assert checkpoints.sign_due(at_once=True)
