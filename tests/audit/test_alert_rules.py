"""What must be told is told, whichever way it came onto the record, and nobody can keep it from being told."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audit import alerts, log, refusals
from audit.actions import Action, Outcome
from audit.errors import LogUnavailable
from audit.events import Event
from audit.models import Alert, AuditEvent
from audit.receipts import Who
from tests.conftest import Installation

pytestmark = [pytest.mark.usefixtures("installation")]
Make = Callable[..., Event]
ROOT = Path(__file__).resolve().parents[2]


def append(event: Event) -> None:
    with transaction.atomic():
        log.append([event])


def begin(event: Event) -> None:
    with transaction.atomic():
        log.begin(7, event)


@contextmanager
def no_alerts() -> Any:
    """Let the database refuse every alert, for the length of a block."""
    body = "BEGIN SELECT RAISE(ABORT, 'planted'); END"
    if connection.vendor == "postgresql":
        body = "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TRIGGER no_alerts BEFORE INSERT ON audit_alert {body}")
    yield
    with connection.cursor() as cursor:
        where = " ON audit_alert" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER no_alerts{where}")


def commit(event: Event) -> None:
    log.commit([event])


def taken_back(event: Event) -> None:
    """Write an event in a transaction that then fails."""
    with suppress(ZeroDivisionError), transaction.atomic():
        log.append([event])
        raise ZeroDivisionError


WAYS = pytest.mark.parametrize("write", [append, begin, commit])


@pytest.mark.both_databases
@WAYS
def test_a_broken_glass_is_told_in_the_transaction_of_its_event(write: Any, event: Make) -> None:
    write(event(Action.BREAK_GLASS, study_uid="1.2.3"))
    found = Alert.objects.get()
    assert (found.kind, found.subject) == ("break-glass", "1.2.3 weber")
    assert found.message == "A study was opened in an emergency by weber."


@pytest.mark.both_databases
@WAYS
def test_without_its_alert_no_glass_is_broken(write: Any, event: Make) -> None:
    with no_alerts(), pytest.raises(LogUnavailable):
        write(event(Action.BREAK_GLASS, study_uid="1.2.3"))
    assert not AuditEvent.objects.filter(action=Action.BREAK_GLASS).exists()


def test_a_glass_that_was_not_broken_after_all_is_not_told(event: Make) -> None:
    taken_back(event(Action.BREAK_GLASS))
    assert not Alert.objects.exists()


def test_two_who_break_the_glass_of_one_study_are_two_alerts(event: Make, who: Who) -> None:
    other = Event(Action.BREAK_GLASS, Outcome.OK, Who("person", "person:2", "olga"), study_uid="1.2.3")
    log.commit([event(Action.BREAK_GLASS, study_uid="1.2.3"), other, event(Action.BREAK_GLASS, study_uid="1.2.3")])
    assert set(Alert.objects.values_list("subject", "times")) == {("1.2.3 weber", 2), ("1.2.3 olga", 1)}


@pytest.mark.both_databases
def test_refusals_written_with_a_change_count_like_others(event: Make) -> None:
    for _ in range(9):
        append(event(outcome=Outcome.DENIED))
    assert not Alert.objects.exists()
    append(event(outcome=Outcome.NOT_FOUND))
    assert Alert.objects.get().subject == "person weber"


def test_refusals_that_were_taken_back_raise_nothing(event: Make) -> None:
    for _ in range(12):
        taken_back(event(outcome=Outcome.DENIED))
    assert not Alert.objects.exists()


@pytest.mark.both_databases
def test_refusals_spread_over_processes_and_addresses_are_one_persons(installation: Installation) -> None:
    program = (
        "import sys, django; django.setup()\n"
        "from audit import log\n"
        "from audit.actions import Action, Outcome\n"
        "from audit.events import Event\n"
        "from audit.receipts import Who\n"
        "for number in range(4):\n"
        "    who = Who('person', 'person:4b1c', 'weber', address=f'10.0.{sys.argv[1]}.{number}')\n"
        "    log.commit([Event(Action.VIEW, Outcome.DENIED, who)])\n"
    )
    for number in range(3):
        assert not Alert.objects.exists()
        command = [sys.executable, "-c", program, str(number)]
        done = subprocess.run(
            command, cwd=ROOT, env=installation.environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
    assert Alert.objects.get().subject == "person weber"


def stranger(number: int) -> Who:
    return Who("nobody", "nobody:-", "-", address=f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")


def test_who_changes_addresses_is_told_once_and_does_not_fill_the_inbox() -> None:
    for number in range(99):
        log.refused(Action.REFUSED, stranger(number))
    assert not Alert.objects.exists()
    for number in range(99, 140):
        log.refused(Action.REFUSED, stranger(number))
    found = Alert.objects.get()
    assert (found.kind, found.subject, found.times) == ("denials", "nobody many addresses", 41)


def test_one_address_is_named_also_while_others_are_refused_now_and_then() -> None:
    for number in range(5):
        log.refused(Action.REFUSED, stranger(number))
    for number in range(12):
        log.refused(Action.REFUSED, stranger(77), {"refused": f"kind {number}"})
    assert set(Alert.objects.values_list("subject", flat=True)) == {"nobody 10.0.0.77"}


def test_more_addresses_than_are_remembered_still_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_ADDRESSES", 20)
    for number in range(200):
        log.refused(Action.REFUSED, stranger(number))
    log.fold_due(everything=True)
    assert Alert.objects.get(kind="denials").subject == "nobody many addresses"
    rows = AuditEvent.objects.filter(action=Action.REFUSED, actor_address=refusals.MANY)
    assert sum(rows.values_list("count", flat=True)) == 180


def test_what_lasts_is_told_at_most_once_a_day_be_it_seen_or_not() -> None:
    alerts.remind("verification-overdue", "custos/x", "Long ago.")
    alerts.remind("verification-overdue", "custos/x", "Long ago.")
    alert = Alert.objects.get()
    assert alert.times == 1
    alerts.see(alert.id, "privacy")
    alerts.remind("verification-overdue", "custos/x", "Long ago.")
    assert Alert.objects.count() == 1
    Alert.objects.update(last_at=timezone.now() - timedelta(hours=25))
    alerts.remind("verification-overdue", "custos/x", "Long ago.")
    assert Alert.objects.count() == 2
