"""Grants and restrictions: what they open and close, until when, and what nobody grants to themselves."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from accounts import gate, identify, people, scope
from accounts.errors import Forbidden, NotVisible, StepUpNeeded, Unacceptable
from accounts.models import Access, Grant, Group, Person, Role
from archive import emergency, granting, query, removal, restricting
from archive.emergency import Wanted
from archive.errors import Unsuitable
from archive.query import Criteria, Page
from audit import clock, log
from audit.models import AuditEvent
from tests import builders
from tests.completeness.studies import actor, numbered, stored
from tests.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("installation")
WHY = "A second opinion was asked for."


@pytest.fixture
def study(installation: Any) -> str:
    """A study of Radiology, whose clinicians may grant."""
    role = Role.objects.get(name="clinician")
    role.permissions = [*role.permissions, "study.grant"]
    role.save()
    uid: str = stored(builders.ct_slice())["study"]
    return uid


def in_days(days: int) -> date:
    return clock.moment().date() + timedelta(days=days)


def seen(username: str) -> set[str]:
    return {row.uid for row in query.studies(actor(username), Criteria(), Page(100)).rows}


@pytest.mark.both_databases
@pytest.mark.parametrize("to", ["outsider", "Cardiology"])
def test_a_grant_opens_one_study_until_its_end_even_a_restricted_one(
    study: str, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(builders.ct_slice())
    granting.grant(actor("radiologist"), study, to, in_days(3), WHY)
    restricting.restrict(actor("privacy"), study, "Known to all.")
    assert seen("outsider") == {study}
    assert study not in seen("radiologist")
    receipt = gate.view(actor("outsider"), study, found=True)
    later = clock.now() + 4 * 86400
    monkeypatch.setattr(clock, "now", lambda: later)
    assert seen("outsider") == set()
    with pytest.raises(NotVisible):
        gate.still(receipt, actor("outsider"))
    assert granting.listed(identify.shell("root")) == ()


@pytest.mark.both_databases
def test_a_revoked_grant_stops_what_runs(study: str) -> None:
    made = granting.grant(actor("radiologist"), study, "outsider", in_days(3), WHY)
    olga = actor("outsider")
    receipt = gate.view(olga, study, found=True)
    granting.revoke(actor("radiologist"), made)
    with pytest.raises(NotVisible):
        gate.still(receipt, olga)
    assert (seen("outsider"), Grant.objects.count()) == (set(), 0)
    with pytest.raises(NotVisible):
        granting.revoke(actor("radiologist"), made)


def test_another_grant_to_the_same_takes_the_place_of_the_one_before(study: str) -> None:
    for days in (30, 2):
        granting.grant(actor("radiologist"), study, "outsider", in_days(days), WHY)
    (row,) = granting.listed(actor("radiologist"))
    assert row.until.date() == in_days(2)
    assert scope.covers(actor("outsider"), study) == row.until


def test_nobody_grants_to_themselves_or_to_a_group_of_theirs(study: str, radiologist: Person) -> None:
    for to in ("radiologist", "Radiology"):
        with pytest.raises(Unacceptable, match="themselves"):
            granting.grant(actor("radiologist"), study, to, in_days(1), WHY)
    assert not Grant.objects.exists()
    assert AuditEvent.objects.filter(action="grant:changed", outcome="denied").count() == 2


def test_who_may_grant_and_sees_nothing_comes_to_see_nothing(study: str) -> None:
    Role.objects.create(name="granter", permissions=["study.grant"])
    granter = people.create("granter", password=PASSWORD, roles=["clinician", "granter"])
    for to in ("radiologist", "Radiology"):
        with pytest.raises(NotVisible):
            granting.grant(actor("granter"), study, to, in_days(1), WHY)
    granting.grant(identify.shell("root"), study, "granter", in_days(1), WHY)
    assert scope.covers(actor(granter.username), study) is not False


def test_what_was_opened_for_a_while_is_not_passed_on(study: str) -> None:
    names = numbered()
    emergency.open_(actor("outsider"), Wanted(names["number"]), "emergency", WHY)
    granting.grant(actor("radiologist"), study, "outsider", in_days(9), WHY)
    for uid in (names["study"], study):
        with pytest.raises(Unacceptable, match="while"):
            granting.grant(actor("outsider"), uid, "technologist", in_days(9), WHY)
    assert Grant.objects.count() == 1


@pytest.mark.parametrize(
    ("to", "days", "reason"),
    [
        ("nobody", 3, WHY),
        ("", 3, WHY),
        ("outsider", -1, WHY),
        ("outsider", 367, WHY),
        ("outsider", 3, "  "),
        ("outsider", 3, "x" * 501),
    ],
)
def test_a_bad_grant_is_refused_with_words(study: str, to: str, days: int, reason: str) -> None:
    with pytest.raises(Unacceptable):
        granting.grant(actor("radiologist"), study, to, in_days(days), reason)
    assert not Access.objects.filter(rule="grant").exists()


def test_a_name_of_a_person_and_of_a_group_is_neither(study: str) -> None:
    Group.objects.create(name="outsider")
    with pytest.raises(Unacceptable):
        granting.grant(actor("radiologist"), study, "outsider", in_days(3), WHY)


def test_no_starting_role_grants_and_a_stale_factor_is_asked_for(installation: Any, radiologist: Person) -> None:
    uid = stored(builders.ct_slice())["study"]
    for username in ("radiologist", "administrator", "privacy", "technologist"):
        with pytest.raises(Forbidden):
            granting.grant(actor(username), uid, "outsider", in_days(1), WHY)
    role = Role.objects.get(name="clinician")
    role.permissions = [*role.permissions, "study.grant"]
    role.save()
    with pytest.raises(StepUpNeeded):
        granting.grant(identify.person_actor(radiologist), uid, "outsider", in_days(1), WHY)


def test_the_list_names_studies_in_scope_alone(study: str) -> None:
    granting.grant(actor("radiologist"), study, "privacy", in_days(3), WHY)
    assert [row.to for row in granting.listed(actor("radiologist"))] == ["privacy"]
    assert granting.listed(actor("outsider")) == ()
    assert len(granting.listed(identify.shell("root"))) == 1
    with pytest.raises(Forbidden):
        granting.listed(actor("administrator"))


@pytest.mark.both_databases
def test_a_restriction_ends_views_that_run_and_its_reason_is_sealed(study: str) -> None:
    rosa = actor("radiologist")
    receipt = gate.view(rosa, study, found=True)
    restricting.restrict(actor("privacy"), study, "The mayor.")
    with pytest.raises(NotVisible):
        gate.still(receipt, rosa)
    event = AuditEvent.objects.get(action="study:restricted")
    assert b"mayor" not in bytes(event.details)
    assert (log.open_details(event) or {})["reason"] == "The mayor."
    assert restricting.listed(actor("privacy")) == [study]
    with pytest.raises(Unsuitable):
        restricting.restrict(actor("privacy"), study, "Twice.")
    restricting.unrestrict(actor("privacy"), study)
    assert seen("radiologist") == {study}
    with pytest.raises(Unsuitable):
        restricting.unrestrict(actor("privacy"), study)


@pytest.mark.parametrize(
    "act", [lambda who, uid: restricting.restrict(who, uid, WHY), lambda who, uid: restricting.unrestrict(who, uid)]
)
def test_only_the_privacy_officer_restricts_and_unknown_studies_are_none(
    study: str, act: Callable[[Any, str], None]
) -> None:
    for username in ("radiologist", "administrator", "technologist"):
        with pytest.raises(Forbidden):
            act(actor(username), study)
    with pytest.raises(NotVisible):
        act(actor("privacy"), "1.2.3")


def test_a_study_in_the_trash_is_not_opened_by_a_grant(study: str) -> None:
    granting.grant(actor("radiologist"), study, "outsider", in_days(3), WHY)
    removal.trash(actor("technologist"), study)
    assert seen("outsider") == set()
