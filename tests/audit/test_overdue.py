"""A record that nobody verifies, or nobody signs, is told about by itself; a good verification ends that."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from archive import jobs, nightly, tasks
from archive.models import Job
from audit import alerts, checkpoints, clock, log, overdue, recorded, schedule, upkeep
from audit.actions import Action, Outcome
from audit.events import Event
from audit.models import Alert, AuditEvent
from audit.receipts import Who
from tests.audit.tampering import do
from tests.conftest import Installation

pytestmark = [pytest.mark.usefixtures("installation")]
Make = Callable[..., Event]
Unguarded = Callable[[], AbstractContextManager[None]]


def in_days(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    """Let the database's clock show a later day."""
    later = datetime.now(UTC).timestamp() + days * 86400
    monkeypatch.setattr(clock, "now", lambda: later)


def verified(code: int | None) -> None:
    details = None if code is None else {"code": code}
    log.commit([Event(Action.LOG_VERIFIED, Outcome.OK, Who("shell", "shell:x", "x"), details=details)])


def kinds() -> set[str]:
    return set(Alert.objects.filter(seen_at=None).values_list("kind", flat=True))


@pytest.mark.both_databases
def test_seven_days_without_a_verification_are_told_once_a_day_and_settled_by_one(
    written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    overdue.look()
    in_days(monkeypatch, 6.9)
    overdue.look()
    assert not Alert.objects.exists()
    in_days(monkeypatch, 7.1)
    overdue.look()
    overdue.look()
    alert = Alert.objects.get()
    assert (alert.kind, alert.subject, alert.times) == ("verification-overdue", checkpoints.origin(1), 1)
    monkeypatch.undo()
    recorded.run(Who("shell", "shell:x", "x"))
    alert.refresh_from_db()
    assert alert.seen_by == "x"


@pytest.mark.parametrize(
    ("code", "good"), [(0, True), (4, True), (1, False), (2, False), (3, False), (9, False), (None, False)]
)
def test_the_sealed_code_decides_what_was_a_good_verification(
    written: int, monkeypatch: pytest.MonkeyPatch, code: int | None, good: bool
) -> None:
    with monkeypatch.context() as later:
        in_days(later, 6)
        verified(code)
    in_days(monkeypatch, 8)
    overdue.look()
    assert ("verification-overdue" not in kinds()) is good


@pytest.mark.both_databases
def test_a_verification_that_was_made_up_in_the_database_counts_for_nothing(
    written: int, monkeypatch: pytest.MonkeyPatch, unguarded: Unguarded
) -> None:
    verified(0)
    good, made_up = AuditEvent.objects.order_by("-seq")[:2]
    with unguarded():
        do(
            "UPDATE audit_event SET action = 'log:verified', outcome = 'ok', details_key = "
            "(SELECT details_key FROM audit_event WHERE seq = %s), details = "
            "(SELECT details FROM audit_event WHERE seq = %s) WHERE seq = %s",
            [good.seq, good.seq, made_up.seq],
        )
        do("UPDATE audit_event SET action = 'study:view' WHERE seq = %s", [good.seq])
    assert recorded.last() is not None
    assert recorded.last_good() is None


def test_rows_that_nobody_signs_are_told_and_settled_once_they_are(
    event: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.commit([event()])
    overdue.look()
    in_days(monkeypatch, 11 / 1440)
    overdue.look()
    assert kinds() == {"checkpoint-overdue"}
    assert checkpoints.sign_due(at_once=True)
    overdue.look()
    assert kinds() == set()


def test_the_scheduler_looks_even_while_the_signer_fails(
    event: Make, monkeypatch: pytest.MonkeyPatch, unguarded: Unguarded
) -> None:
    log.commit([event(), event(), event()])
    checkpoints.sign_due(at_once=True)
    log.commit([event()])
    with unguarded():
        do("UPDATE audit_event SET actor_name = 'other' WHERE seq = (SELECT max(seq) FROM audit_event)")
    in_days(monkeypatch, 8)
    monkeypatch.setattr(checkpoints, "EVERY", timedelta(0))
    upkeep.tick()
    assert kinds() == {"tampering", "checkpoint-overdue", "verification-overdue"}


def last_code() -> int | None:
    verdict = recorded.last()
    assert verdict is not None
    return verdict.code


def run_job() -> str:
    """Let a worker do the newest verification; return the state of its job."""
    job = Job.objects.filter(kind="verify").latest("created_at")
    tasks.run(job.id)
    job.refresh_from_db()
    return job.state


@pytest.mark.both_databases
def test_the_nightly_job_tells_what_was_edited_and_settles_it_once_it_is_mended(
    written: int, unguarded: Unguarded
) -> None:
    before = AuditEvent.objects.values_list("actor_name", flat=True).get(log=1, seq=3)
    jobs.promise("verify", "2026-01-01")
    with unguarded():
        do("UPDATE audit_event SET actor_name = 'somebody else' WHERE seq = 3")
    assert run_job() == "done"
    alert = Alert.objects.get(kind="tampering")
    assert "row 3 was edited" in alert.message
    verdict = recorded.last()
    assert verdict is not None
    assert (verdict.by, verdict.code, verdict.rows) == ("system:verify", 1, written)
    jobs.promise("verify", "2026-01-02")
    with unguarded():
        do("UPDATE audit_event SET actor_name = %s WHERE seq = 3", [before])
    assert run_job() == "done"
    alert.refresh_from_db()
    assert alert.seen_by == "verify"
    assert last_code() == 0


def test_the_nightly_job_compares_with_the_anchors(written: int, unguarded: Unguarded) -> None:
    with unguarded():
        do("DELETE FROM audit_event WHERE seq > 5")
        do("DELETE FROM audit_checkpoint")
    jobs.promise("verify", "2026-01-01")
    assert run_job() == "done"
    assert last_code() in (1, 2)
    assert kinds() == {"tampering"}


def test_a_verification_that_cannot_read_an_anchor_is_on_record_and_tried_again(
    written: int, installation: Installation, settings: Any
) -> None:
    settings.PACS_ANCHORS = ("nothing:x",)
    jobs.promise("verify", "2026-01-01")
    assert run_job() == "due"
    assert last_code() == recorded.UNVERIFIED
    assert recorded.last_good() is None


def test_each_night_is_promised_once_and_a_missed_one_made_up_for(
    written: int, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    assert not nightly.promise(now)
    tomorrow = schedule.next_night(now)
    assert not nightly.promise(tomorrow - timedelta(seconds=1))
    assert nightly.promise(tomorrow + timedelta(hours=9))
    assert not nightly.promise(tomorrow + timedelta(hours=10))
    assert run_job() == "done"
    assert not nightly.promise(tomorrow + timedelta(hours=23))
    assert nightly.promise(tomorrow + timedelta(hours=25))
    assert Job.objects.filter(kind="verify").count() == 2


@pytest.mark.parametrize(
    ("now", "last", "next_"),
    [
        ("2026-07-10T00:59:59+00:00", "2026-07-09T01:00:00+00:00", "2026-07-10T01:00:00+00:00"),
        ("2026-07-10T01:00:00+00:00", "2026-07-10T01:00:00+00:00", "2026-07-11T01:00:00+00:00"),
        ("2026-01-10T01:30:00+00:00", "2026-01-09T02:00:00+00:00", "2026-01-10T02:00:00+00:00"),
        # The clocks were put forward at 01:00 UTC, and back at 01:00 UTC.
        ("2026-03-29T04:00:00+00:00", "2026-03-29T01:00:00+00:00", "2026-03-30T01:00:00+00:00"),
        ("2026-10-25T04:00:00+00:00", "2026-10-25T02:00:00+00:00", "2026-10-26T02:00:00+00:00"),
    ],
)
def test_the_quiet_hour_is_the_installations_own(settings: Any, now: str, last: str, next_: str) -> None:
    settings.TIME_ZONE, settings.PACS_VERIFY_HOUR = "Europe/Paris", 3
    moment = datetime.fromisoformat(now)
    assert schedule.last_night(moment) == datetime.fromisoformat(last)
    assert schedule.next_night(moment) == datetime.fromisoformat(next_)


def test_settling_an_alert_twice_changes_nothing() -> None:
    alerts.raise_("checkpoint-overdue", "x", "y")
    assert alerts.settle("checkpoint-overdue", "x", "signer")
    assert not alerts.settle("checkpoint-overdue", "x", "signer")
