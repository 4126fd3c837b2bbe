"""Everything passes the gate: permission, step-up, scope, record, receipt, in this order and on every path."""

import time
from dataclasses import replace
from functools import partial

import pytest
from django.db import transaction

from accounts import devices, gate, identify
from accounts.actors import NOBODY
from accounts.errors import Forbidden, NotVisible, StepUpNeeded
from accounts.models import Device, Group, Person
from accounts.policy import NEEDS, Permission
from audit import log
from audit.actions import Action, Outcome
from audit.errors import LogUnavailable, NotCovered
from audit.models import AuditListed
from tests.accounts.conftest import OURS, THEIRS, UNKNOWN, ActorOf
from tests.accounts.recorded import count, last, make_the_log_unwritable

pytestmark = pytest.mark.usefixtures("installation", "two_studies")


@pytest.mark.both_databases
def test_a_view_in_scope_is_on_record_and_its_receipt_covers_that_study_alone(
    radiologist: Person, actor_of: ActorOf
) -> None:
    before = count()
    receipt = gate.view(actor_of(radiologist), OURS, found=True, patient="ab" * 16)
    assert count() == before + 1
    event = last()
    assert (event.action, event.outcome, event.study_uid) == ("study:view", "ok", OURS)
    assert (event.actor_name, event.patient) == ("radiologist", "ab" * 16)
    receipt.require(OURS)
    with pytest.raises(NotCovered):
        receipt.require(THEIRS)


@pytest.mark.both_databases
@pytest.mark.parametrize("way", ["view", "disclose"])
def test_unknown_and_forbidden_look_the_same_outside_and_differ_in_the_log(
    radiologist: Person, actor_of: ActorOf, way: str
) -> None:
    actor = actor_of(radiologist)

    def ask(study_uid: str, *, found: bool) -> Exception:
        asked = partial(gate.view, actor) if way == "view" else partial(gate.disclose, actor, Action.DOWNLOAD)
        with pytest.raises(NotVisible) as refused:
            asked(study_uid, found=found)
        return refused.value

    forbidden = ask(THEIRS, found=True)
    assert (last().outcome, last().study_uid) == (Outcome.DENIED, THEIRS)
    unknown = ask(UNKNOWN, found=False)
    assert (last().outcome, last().study_uid) == (Outcome.NOT_FOUND, UNKNOWN)
    assert type(forbidden) is type(unknown)
    assert forbidden.args == unknown.args


def test_a_study_in_scope_that_is_gone_is_not_found(radiologist: Person, actor_of: ActorOf) -> None:
    with pytest.raises(NotVisible):
        gate.view(actor_of(radiologist), OURS, found=False)
    assert last().outcome == Outcome.NOT_FOUND


def test_without_the_permission_nothing_is_said_of_the_study(administrator: Person, actor_of: ActorOf) -> None:
    for study_uid, found in ((OURS, True), (UNKNOWN, False)):
        with pytest.raises(Forbidden):
            gate.view(actor_of(administrator), study_uid, found=found)
        assert (last().action, last().outcome) == ("study:view", "denied")


def test_a_password_alone_opens_nothing(radiologist: Person) -> None:
    half = identify.person_actor(radiologist, address="127.0.0.1", verified=False)
    bold = replace(half, permissions=frozenset(Permission))
    for actor in (half, bold):
        with pytest.raises(Forbidden):
            gate.view(actor, OURS, found=True)


@pytest.mark.parametrize("action", list(Action))
def test_nobody_may_nothing(action: Action) -> None:
    almighty = replace(NOBODY, permissions=frozenset(Permission), everywhere=True)
    for nobody in (NOBODY, almighty):
        with pytest.raises(Forbidden):
            gate.permit(nobody, action)


@pytest.mark.parametrize("action", [action for action in Action if action not in NEEDS])
def test_an_act_that_the_policy_does_not_name_is_refused_to_everybody(action: Action) -> None:
    job = replace(identify.system("derive"), permissions=frozenset(Permission))
    with pytest.raises(Forbidden):
        gate.permit(job, action)


def test_a_job_that_the_policy_does_not_name_may_nothing() -> None:
    assert identify.system("derive").permissions
    assert not identify.system("mining").permissions
    with pytest.raises(Forbidden):
        gate.disclose(identify.system("mining"), Action.DERIVED, OURS, found=True)
    with pytest.raises(Forbidden):
        gate.view(identify.system("derive"), OURS, found=True)


def test_the_shell_opens_no_study() -> None:
    for action in (Action.VIEW, Action.DOWNLOAD, Action.SEARCH, Action.STORE):
        with pytest.raises(Forbidden):
            gate.permit(identify.shell("root"), action)


def test_a_download_asks_for_a_second_factor_of_the_last_five_minutes(radiologist: Person, actor_of: ActorOf) -> None:
    actor = actor_of(radiologist)
    for stepped_up_at in (None, time.time() - 301, time.time() + 60):
        with pytest.raises(StepUpNeeded):
            gate.disclose(replace(actor, stepped_up_at=stepped_up_at), Action.DOWNLOAD, OURS, found=True)
        assert (last().action, last().outcome) == ("study:download", "denied")
    recent = replace(actor, stepped_up_at=time.time() - 290)
    assert gate.disclose(recent, Action.DOWNLOAD, OURS, found=True, purpose="care").action is Action.DOWNLOAD
    assert (last().outcome, last().purpose) == ("ok", "care")


def test_step_up_comes_before_scope_so_that_it_tells_nothing(radiologist: Person, actor_of: ActorOf) -> None:
    actor = replace(actor_of(radiologist), stepped_up_at=None)
    for study_uid, found in ((THEIRS, True), (UNKNOWN, False)):
        with pytest.raises(StepUpNeeded):
            gate.disclose(actor, Action.DOWNLOAD, study_uid, found=found)


def test_when_the_record_cannot_be_written_nothing_is_given(radiologist: Person, actor_of: ActorOf) -> None:
    actor = actor_of(radiologist)
    make_the_log_unwritable()
    with pytest.raises(LogUnavailable):
        gate.view(actor, OURS, found=True)
    with pytest.raises(LogUnavailable):
        gate.disclose(actor, Action.DOWNLOAD, OURS, found=True)
    with pytest.raises(LogUnavailable):
        gate.listed(gate.search(actor, {}), [OURS])
    with pytest.raises(LogUnavailable), gate.change(actor, Action.OWN_CHANGED):
        Person.objects.filter(pk=radiologist.pk).update(full_name="changed")
    assert Person.objects.get(pk=radiologist.pk).full_name == "Rosa Weber"


def test_a_refusal_that_cannot_be_recorded_is_not_told_as_one(radiologist: Person, actor_of: ActorOf) -> None:
    actor = actor_of(radiologist)
    make_the_log_unwritable()
    with pytest.raises(LogUnavailable):
        gate.view(actor, THEIRS, found=True)


def test_a_disclosure_inside_an_open_transaction_is_a_defect(radiologist: Person, actor_of: ActorOf) -> None:
    actor = actor_of(radiologist)
    gate.disclose(actor, Action.DOWNLOAD, OURS, found=True)
    with pytest.raises(RuntimeError), transaction.atomic():
        gate.disclose(actor, Action.DOWNLOAD, OURS, found=True)


@pytest.mark.both_databases
def test_a_change_and_its_event_stand_or_fall_together(administrator: Person, actor_of: ActorOf) -> None:
    actor, before = actor_of(administrator), count()

    def fail_halfway() -> None:
        with gate.change(actor, Action.GROUP_CHANGED):
            Group.objects.create(name="Half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert not Group.objects.filter(name="Half").exists()
    assert count() == before
    with gate.change(actor, Action.GROUP_CHANGED, subject="Whole", details={"act": "created"}) as told:
        Group.objects.create(name="Whole")
        told["extra"] = 7
    assert Group.objects.filter(name="Whole").exists()
    assert count() == before + 1
    assert log.open_details(last()) == {"subject": "Whole", "act": "created", "extra": 7}


def test_a_change_without_the_permission_never_begins(radiologist: Person, actor_of: ActorOf) -> None:
    with pytest.raises(Forbidden), gate.change(actor_of(radiologist), Action.GROUP_CHANGED):
        pytest.fail("the block must not run")
    assert (last().action, last().outcome) == ("group:changed", "denied")


def test_a_change_of_a_study_needs_it_in_scope_but_storing_does_not(
    technologist: Person, modality: Device, actor_of: ActorOf
) -> None:
    actor = actor_of(technologist)
    with gate.change(actor, Action.HELD_ACCEPTED, study_uid=OURS):
        pass
    for study_uid, found in ((THEIRS, True), (UNKNOWN, False)):
        with pytest.raises(NotVisible), gate.change(actor, Action.HELD_ACCEPTED, study_uid=study_uid, found=found):
            pytest.fail("the block must not run")
    with gate.change(actor_of(modality), Action.STORE, study_uid=UNKNOWN):
        pass


@pytest.mark.both_databases
def test_a_search_records_what_it_listed(radiologist: Person, administrator: Person, actor_of: ActorOf) -> None:
    with pytest.raises(Forbidden):
        gate.search(actor_of(administrator), {"modality": "CT"})
    receipt = gate.search(actor_of(radiologist), {"modality": "CT"})
    before = count()
    gate.listed(receipt, [OURS, THEIRS])
    assert count() == before + 1
    event = last()
    assert (event.action, event.count, event.id) == ("study:search", 2, receipt.id)
    assert log.open_details(event) == {"modality": "CT"}
    listed = AuditListed.objects.filter(seq=event.seq).order_by("position").values_list("study_uid", flat=True)
    assert list(listed) == [OURS, THEIRS]


def test_a_device_that_was_disabled_is_refused_although_it_is_still_connected(
    modality: Device, actor_of: ActorOf
) -> None:
    actor = actor_of(modality)
    gate.permit(actor, Action.STORE)
    devices.set_active(modality, active=False)
    with pytest.raises(Forbidden):
        gate.permit(actor, Action.STORE)
