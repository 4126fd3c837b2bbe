"""A lease is one view: shared by everybody who serves the same sitting, over with its slot or its right."""

import json
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from django.db import connection

from audit import clock, leases
from audit.actions import Action
from audit.models import AuditEvent, AuditLease
from audit.receipts import Receipt, Who
from tests.audit.conftest import STUDY
from tests.conftest import Installation

pytestmark = pytest.mark.both_databases

ADOPTER = """
import django, json
django.setup()
from audit import leases
from audit.receipts import Who
who = Who("person", "person:4b1c", "weber", "clinician", "127.0.0.1", "", "0123456789abcdef", "r2")
receipt = leases.view(who, "1.2.826.0.1.3680043.10.1", "care")
print(json.dumps([str(receipt.lease), str(receipt.event), str(receipt.sitting)]))
"""


def _views() -> int:
    return AuditEvent.objects.filter(action=Action.VIEW).count()


def _at(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(clock, "now", lambda: seconds)
    monkeypatch.setattr(clock, "read", lambda: seconds)


def test_one_lease_is_one_event_however_often_it_is_used(installation: Installation, who: Who) -> None:
    receipts = {leases.view(replace(who, request_id=f"r{n}"), STUDY, "care", "ab" * 16).lease for n in range(20)}
    assert len(receipts) == 1
    assert _views() == 1
    row = AuditEvent.objects.get(action=Action.VIEW)
    assert (row.study_uid, row.purpose, row.patient) == (STUDY, "care", "ab" * 16)
    assert row.sitting == AuditLease.objects.get().sitting


@pytest.mark.parametrize(
    "other",
    [{"key": "person:other"}, {"session": "another"}],
    ids=["person", "session"],
)
def test_another_person_or_session_has_its_own(installation: Installation, who: Who, other: dict[str, str]) -> None:
    first = leases.view(who, STUDY, "care")
    second = leases.view(replace(who, **other), STUDY, "care")
    assert first.lease != second.lease
    assert first.sitting != second.sitting
    assert _views() == 2


def test_another_study_or_purpose_has_its_own(installation: Installation, who: Who) -> None:
    leases.view(who, STUDY, "care")
    other = leases.view(who, "1.9", "care")
    leases.view(who, STUDY, "research")
    assert other.study_uids == {"1.9"}
    assert _views() == 3


def test_another_process_adopts_it(installation: Installation, who: Who) -> None:
    receipt = leases.view(who, STUDY, "care")
    done = subprocess.run(
        [sys.executable, "-c", ADOPTER], env=installation.environment, capture_output=True, timeout=60, check=True
    )
    assert json.loads(done.stdout) == [str(receipt.lease), str(receipt.event), str(receipt.sitting)]
    assert _views() == 1


def test_of_many_who_come_at_once_one_writes_it(installation: Installation, who: Who) -> None:
    gate, found = threading.Barrier(8), []

    def ask() -> None:
        gate.wait()
        try:
            found.append(leases.view(who, STUDY, "care"))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({receipt.event for receipt in found}) == 1
    assert _views() == 1


def test_it_ends_with_its_slot_and_the_next_one_is_the_same_sitting(
    installation: Installation, who: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = (int(clock.read()) // 300 + 1) * 300.0
    _at(monkeypatch, slot + 299)
    first = leases.view(who, STUDY, "care")
    assert first.until == slot + 300
    _at(monkeypatch, slot + 300)
    second = leases.view(who, STUDY, "care")
    assert second.until == slot + 600
    assert second.lease != first.lease
    assert second.sitting == first.sitting
    _at(monkeypatch, slot + 600 + leases.SITTING_SECONDS)
    third = leases.view(who, STUDY, "care")
    assert third.sitting != first.sitting
    assert _views() == 3


def test_it_ends_with_the_right_that_justified_it(
    installation: Installation, who: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = (int(clock.read()) // 300 + 1) * 300.0
    _at(monkeypatch, slot)
    first = leases.view(who, STUDY, "care", limit=slot + 60)
    assert first.until == slot + 60
    _at(monkeypatch, slot + 60)
    leases.forget()
    renewed = leases.view(who, STUDY, "care", limit=slot + 90)
    assert renewed.until == slot + 90
    assert renewed.event != first.event
    assert renewed.sitting == first.sitting
    assert AuditLease.objects.count() == 1
    assert _views() == 2


def test_a_right_that_shrinks_shortens_a_held_lease(installation: Installation, who: Who) -> None:
    wide = leases.view(who, STUDY, "care")
    assert wide.until is not None
    narrow: Receipt = leases.view(who, STUDY, "care", limit=wide.until - 200)
    assert narrow.until == wide.until - 200
    assert leases.view(who, STUDY, "care").until == wide.until
    assert _views() == 1


def test_old_leases_are_swept_and_their_events_stay(
    installation: Installation, who: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases.view(who, STUDY, "care")
    assert leases.sweep() == 0
    _at(monkeypatch, clock.read() + 2 * leases.KEPT_SECONDS)
    assert leases.sweep() == 1
    assert _views() == 1
