"""What the gate gave ends when its ground is gone: a right, a grant, a lease, the record itself."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts import epoch, gate, groups, people, roles, sessions
from accounts.errors import Forbidden, NotVisible
from accounts.models import Access, Group, Person, Restricted, Role
from audit import clock, leases, pulse
from audit.actions import Action
from audit.errors import LogUnavailable
from audit.models import AuditEvent
from tests.accounts.conftest import OURS, THEIRS, ActorOf
from tests.accounts.recorded import last, make_the_log_unwritable

pytestmark = pytest.mark.usefixtures("installation", "two_studies")


class _queries:  # noqa: N801 - reads as a context, like a function
    def __enter__(self) -> list[str]:
        self.seen: list[str] = []
        self.wrapper = connection.execute_wrapper(self._note)
        self.wrapper.__enter__()
        return self.seen

    def __exit__(self, *error: object) -> None:
        self.wrapper.__exit__(None, None, None)

    def _note(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen.append(sql)
        return execute(sql, params, many, context)


def test_a_lease_ends_with_the_access_row_that_justified_it(radiologist: Person, actor_of: ActorOf) -> None:
    end = timezone.now() + timedelta(seconds=20)
    Access.objects.create(audience=radiologist.id, study_uid=THEIRS, rule="grant", until=end)
    receipt = gate.view(actor_of(radiologist), THEIRS, found=True)
    assert receipt.until is not None
    assert receipt.until <= end.timestamp()
    endless = gate.view(actor_of(radiologist), OURS, found=True)
    assert endless.until is not None


def test_a_stream_goes_on_while_rights_stand(radiologist: Person, actor_of: ActorOf) -> None:
    actor = actor_of(radiologist)
    receipt = gate.view(actor, OURS, found=True)
    with transaction.atomic():
        epoch.raise_()
    assert gate.still(receipt, actor) == receipt


def _disabled(person: Person) -> None:
    people.disable(person)


def _left_the_group(person: Person) -> None:
    people.edit(person, roles=["clinician"], groups=[], full_name="Rosa Weber")


def _lost_the_role(person: Person) -> None:
    people.edit(person, roles=[], groups=list(person.groups.all()), full_name="Rosa Weber")


def _lost_in_the_role(_person: Person) -> None:
    roles.allow(Role.objects.get(name="clinician"), ["study.search"])


def _taken_out_of_the_group(person: Person) -> None:
    groups.remove(Group.objects.get(name="Radiology"), person)


def _signed_out(person: Person) -> None:
    with transaction.atomic():
        sessions.end_all(person)


LOSSES = (_disabled, _left_the_group, _lost_the_role, _lost_in_the_role, _taken_out_of_the_group, _signed_out)


@pytest.mark.both_databases
@pytest.mark.parametrize("loss", LOSSES)
def test_a_stream_ends_when_the_right_is_gone(
    radiologist: Person, actor_of: ActorOf, loss: Callable[[Person], None]
) -> None:
    actor = actor_of(radiologist)
    receipts = gate.view(actor, OURS, found=True), gate.disclose(actor, Action.DOWNLOAD, OURS, found=True)
    loss(radiologist)
    for receipt in receipts:
        with pytest.raises(NotVisible):
            gate.still(receipt, actor)
        assert (last().outcome, last().actor_name, last().study_uid) == ("denied", "radiologist", OURS)
    with pytest.raises((NotVisible, Forbidden)):
        gate.view(actor, OURS, found=True)


def test_a_restriction_that_comes_later_ends_the_stream(radiologist: Person, actor_of: ActorOf) -> None:
    actor = actor_of(radiologist)
    receipt = gate.view(actor, OURS, found=True)
    with transaction.atomic():
        Restricted.objects.create(study_uid=OURS)
        epoch.raise_()
    with pytest.raises(NotVisible):
        gate.still(receipt, actor)


def test_a_grant_that_runs_out_ends_the_stream(
    radiologist: Person, actor_of: ActorOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = actor_of(radiologist)
    end = timezone.now() + timedelta(seconds=30)
    Access.objects.create(audience=radiologist.id, study_uid=THEIRS, rule="grant", until=end)
    receipt = gate.disclose(actor, Action.DOWNLOAD, THEIRS, found=True)
    assert gate.still(receipt, actor) == receipt
    monkeypatch.setattr(clock, "now", lambda: end.timestamp() + 1)
    with pytest.raises(NotVisible):
        gate.still(receipt, actor)


def test_leases_and_grants_end_by_the_databases_clock_alone(
    radiologist: Person, actor_of: ActorOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = actor_of(radiologist)
    end = timezone.now() + timedelta(seconds=30)
    Access.objects.create(audience=radiologist.id, study_uid=THEIRS, rule="grant", until=end)
    ours, theirs = gate.view(actor, OURS, found=True), gate.view(actor, THEIRS, found=True)
    monkeypatch.setattr(clock, "now", lambda: end.timestamp() + leases.SLOT_SECONDS)
    monkeypatch.setattr(clock, "read", lambda: end.timestamp() + leases.SLOT_SECONDS)
    successor = gate.still(ours, actor)
    assert successor.lease != ours.lease
    assert AuditEvent.objects.filter(action=Action.VIEW, outcome="ok", study_uid=OURS).count() == 2
    assert gate.still(successor, actor) == successor
    with pytest.raises(NotVisible):
        gate.still(theirs, actor)
    with pytest.raises(NotVisible):
        gate.view(actor, THEIRS, found=True)


def test_a_lease_that_ended_gives_its_successor_in_the_same_sitting(radiologist: Person, actor_of: ActorOf) -> None:
    actor = actor_of(radiologist)
    receipt = gate.view(actor, OURS, found=True, patient="cd" * 16)
    over = replace(receipt, until=time.time() - 1)
    leases.forget()
    successor = gate.still(over, actor)
    assert successor.until is not None
    assert successor.until > time.time()
    assert successor.sitting == receipt.sitting
    assert successor.patient == receipt.patient == "cd" * 16


def test_a_stream_stops_when_the_log_can_no_longer_be_written(radiologist: Person, actor_of: ActorOf) -> None:
    actor = actor_of(radiologist)
    receipt = gate.view(actor, OURS, found=True)
    make_the_log_unwritable()
    pulse.fail("broken by a test")
    with pytest.raises(LogUnavailable):
        gate.still(receipt, actor)


def test_asking_between_chunks_costs_no_query(radiologist: Person, actor_of: ActorOf) -> None:
    actor = actor_of(radiologist)
    receipt = gate.view(actor, OURS, found=True)
    pulse.start()
    epoch.start()
    gate.still(receipt, actor)
    with _queries() as queries:
        for _chunk in range(50):
            gate.still(receipt, actor)
            gate.view(actor, OURS, found=True)
    assert queries == []
