"""A study is destroyed before its time by two keepers, or by one after a day, and never while it is held."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from accounts import approvals, people
from accounts.errors import AgainstRules, Forbidden
from accounts.models import Destroyed, Person, Withdrawn
from archive import certificates, hastening, ingest, removal
from archive.errors import Unsuitable
from archive.models import Study, StudyKey
from audit import log
from audit.models import AuditEvent
from tests import builders
from tests.accounts.browsing import Browser
from tests.accounts.test_without_four_eyes import a_day_later
from tests.conftest import PASSWORD

Actors = Callable[[Any], Any]


@pytest.fixture
def early(sender: Any, technologist: Any, actor_of: Actors) -> str:
    """A study that was put into the trash just now."""
    stored = ingest.store(sender, builders.part10(builders.ct_slice()))
    removal.trash(actor_of(technologist), stored.study_uid)
    return stored.study_uid


@pytest.fixture
def other(keeper: Any) -> Person:
    return people.create("other.keeper", password=PASSWORD, roles=["keeper"], groups=[])


def test_two_keepers_destroy_a_study_before_its_time(early: str, keeper: Person, other: Person) -> None:
    one, two = Browser().sign_in(keeper), Browser().sign_in(other)
    wrong = one.send(f"/studies/{early}/destroy/", end="000000x", at="once")
    assert wrong.status_code == 400
    place = one.send(f"/studies/{early}/destroy/", end=early[-6:], at="once")["Location"]
    assert place.startswith("/approvals/")
    assert Study.objects.filter(uid=early).exists(), "asking alone does nothing"
    assert one.send(f"{place}approve/").status_code == 422
    assert Study.objects.filter(uid=early).exists()
    answer = two.send(f"{place}approve/")
    row = Destroyed.objects.get(study_uid=early)
    assert answer["Location"] == f"/destruction/certificates/{row.id}/"
    assert not Study.objects.filter(uid=early).exists()
    assert not StudyKey.objects.exists()
    assert certificates.read(row.note).actor == "keeper, other.keeper"
    event = AuditEvent.objects.get(action="study:destroyed", outcome="ok")
    told = log.open_details(event) or {}
    assert (event.actor_name, event.study_uid, told["asked_by"]) == ("other.keeper", early, "keeper")
    assert AuditEvent.objects.filter(action="approval:decided", study_uid=early, outcome="ok").count() == 1


def test_a_legal_hold_is_stronger_than_two_people(
    early: str, keeper: Person, other: Person, privacy_officer: Person, actor_of: Actors
) -> None:
    request = approvals.ask(actor_of(keeper), hastening.NAME, early)
    removal.hold(actor_of(privacy_officer), early, "court order")
    with pytest.raises(AgainstRules):
        approvals.approve(actor_of(other), request)
    with pytest.raises(AgainstRules):
        approvals.ask(actor_of(keeper), hastening.NAME, early)
    assert Study.objects.filter(uid=early).exists()
    assert AuditEvent.objects.filter(action="approval:decided", outcome="denied", study_uid=early).exists()


def test_a_study_that_was_restored_is_not_destroyed_by_an_old_request(
    early: str, keeper: Person, other: Person, technologist: Person, actor_of: Actors
) -> None:
    request = approvals.ask(actor_of(keeper), hastening.NAME, early)
    removal.restore(actor_of(technologist), early)
    with pytest.raises(AgainstRules):
        approvals.approve(actor_of(other), request)
    assert Study.objects.filter(uid=early).exists()


def test_one_keeper_alone_waits_for_a_day_where_four_eyes_are_off(
    early: str, keeper: Person, actor_of: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PACS_FOUR_EYES", False)
    request = approvals.ask(actor_of(keeper), hastening.NAME, early)
    with pytest.raises(AgainstRules):
        approvals.approve(actor_of(keeper), request)
    assert Study.objects.filter(uid=early).exists()
    a_day_later()
    approvals.approve(actor_of(keeper), request)
    assert not Study.objects.filter(uid=early).exists()


def test_nobody_but_a_keeper_asks_for_it(
    early: str, technologist: Person, administrator: Person, actor_of: Actors
) -> None:
    for person in (technologist, administrator):
        with pytest.raises(Forbidden):
            approvals.ask(actor_of(person), hastening.NAME, early)


@pytest.mark.parametrize("uid", ["1.2.3", "", "x" * 64, "' OR 1=1 --"])
def test_what_is_no_study_of_the_trash_is_not_asked_for(uid: str, keeper: Person, actor_of: Actors) -> None:
    with pytest.raises(AgainstRules):
        approvals.ask(actor_of(keeper), hastening.NAME, uid)


def test_the_usual_way_still_waits(early: str, keeper: Person, actor_of: Actors) -> None:
    from archive import destruction

    with pytest.raises(Unsuitable):
        destruction.begin(actor_of(keeper), early)
    assert Withdrawn.objects.filter(study_uid=early).exists()
