"""Linked physicians: which studies a spelling opens, new and old, and what nobody opens by a name in an image."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import gate, people, scope, spellings
from accounts.errors import Forbidden, NotVisible, Unacceptable
from accounts.models import Access, Person, PhysicianLink, Withdrawn
from archive import destruction, ingest, jobs, physicians, restricting, tasks
from archive.models import Job, Phrase
from audit.models import AuditEvent
from tests import builders
from tests.completeness.studies import actor, stored
from tests.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("installation")
NAME = "Stern^Olga"


def link(person: Person, spelling: str = NAME, by: str = "administrator") -> None:
    physicians.link(actor(by), person.id, spelling)


def work() -> None:
    """Do what was promised."""
    for job in Job.objects.filter(kind="physician", state="due"):
        assert tasks.run(job.id)
    assert not Job.objects.filter(kind="physician").exclude(state="done").exists()


def sees(person: Person, study_uid: str) -> bool:
    return scope.covers(actor(person.username), study_uid) is not False


@pytest.mark.both_databases
def test_a_spelling_opens_what_says_it_exactly_new_and_old(outsider: Person) -> None:
    old = [
        stored(builders.ct_slice(ReferringPhysicianName=NAME))["study"],
        stored(builders.ct_slice(PerformingPhysicianName=NAME))["study"],
    ]
    others = [
        stored(builders.ct_slice(ReferringPhysicianName=other))["study"]
        for other in ("Stern^Olga^M", "STERN^OLGA", "Stern", "Stern^O*")
    ]
    link(outsider)
    assert not any(sees(outsider, uid) for uid in old)
    work()
    new = [
        stored(builders.ct_slice(ReferringPhysicianName=NAME))["study"],
        stored(builders.ct_slice(PerformingPhysicianName=NAME))["study"],
    ]
    assert all(sees(outsider, uid) for uid in (*old, *new))
    others.append(stored(builders.ct_slice(ReferringPhysicianName="Stern^Otto"))["study"])
    assert not any(sees(outsider, uid) for uid in others)
    assert set(Access.objects.filter(rule="physician").values_list("audience", flat=True)) == {outsider.id}


@pytest.mark.both_databases
def test_unlinking_takes_what_no_other_link_shows_and_stops_what_runs(outsider: Person) -> None:
    one = stored(builders.ct_slice(ReferringPhysicianName=NAME))["study"]
    both = stored(builders.ct_slice(ReferringPhysicianName=NAME, PerformingPhysicianName="Stern^O"))["study"]
    for spelling in (NAME, "Stern^O"):
        link(outsider, spelling)
    work()
    olga = actor("outsider")
    receipt = gate.view(olga, one, found=True)
    _person, rows = physicians.linked(actor("administrator"), outsider.id)
    assert [row.text for row in rows] == ["Stern^O", NAME]
    physicians.unlink(actor("administrator"), outsider.id, rows[1].id)
    with pytest.raises(NotVisible):
        gate.still(receipt, olga)
    assert (sees(outsider, one), sees(outsider, both)) == (False, True)


def test_a_job_whose_link_went_gives_nothing(outsider: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    uid = stored(builders.ct_slice(ReferringPhysicianName=NAME))["study"]
    link(outsider)
    before = physicians._batch

    def unlinked_meanwhile(subject: str) -> list[tuple[str, str]]:
        found = before(subject)
        PhysicianLink.objects.all().delete()
        return found

    monkeypatch.setattr(physicians, "_batch", unlinked_meanwhile)
    work()
    assert not sees(outsider, uid)
    assert not Access.objects.filter(rule="physician").exists()


def test_a_job_that_was_cut_off_goes_on(outsider: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    uids = [stored(builders.ct_slice(ReferringPhysicianName=NAME))["study"] for _ in range(3)]
    link(outsider)
    monkeypatch.setattr(physicians, "BATCH", 1)
    job = Job.objects.get(kind="physician")

    def cut(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        physicians.apply(job.subject, cut)
    assert Access.objects.filter(rule="physician").count() == 1
    work()
    assert all(sees(outsider, uid) for uid in uids)
    assert AuditEvent.objects.filter(action="study:assigned", outcome="ok").count() == 3


def test_nobody_opens_a_study_by_sending_their_name_into_it(outsider: Person, actor_of: Any) -> None:
    first, before = builders.ct_slice(), builders.ct_slice(ReferringPhysicianName=None)
    stored(first)
    stored(before)
    link(outsider)
    work()
    outsider.roles.add(*Person.objects.get(username="technologist").roles.all())
    for image in (first, before):
        forged = builders.ct_slice(
            study_uid=image.StudyInstanceUID, PerformingPhysicianName=NAME, ReferringPhysicianName=NAME
        )
        ingest.store(actor("outsider"), builders.part10(forged))
        assert not sees(outsider, image.StudyInstanceUID)
    # Not by linking the name only afterwards, either.
    link(outsider, "Stern")
    link(Person.objects.get(username="privacy"))
    for row in PhysicianLink.objects.filter(person=outsider):
        jobs.promise("physician", str(row.id))
    work()
    assert not Access.objects.filter(rule="physician").exists()


def test_a_restricted_study_stays_closed_to_its_physician(outsider: Person) -> None:
    link(outsider)
    uid = stored(builders.ct_slice(ReferringPhysicianName=NAME))["study"]
    restricting.restrict(actor("privacy"), uid, "Known to all.")
    assert not sees(outsider, uid)


def test_a_link_outlives_the_last_study_that_said_it(outsider: Person) -> None:
    link(outsider)
    work()
    people.create("keeper", password=PASSWORD, roles=["keeper"])
    gone = stored(builders.ct_slice(ReferringPhysicianName=NAME))["study"]
    Withdrawn.objects.create(study_uid=gone, at=timezone.now() - timedelta(days=4000), by="-")
    destruction.begin(actor("keeper"), gone)
    assert Phrase.objects.filter(id=PhysicianLink.objects.get().referring).exists()
    assert sees(outsider, stored(builders.ct_slice(ReferringPhysicianName=NAME))["study"])


def test_a_spelling_is_sealed_at_rest_and_in_the_record(outsider: Person) -> None:
    link(outsider)
    row = PhysicianLink.objects.get()
    assert b"Stern" not in bytes(row.spelling)
    assert [one.text for one in spellings.opened([row])] == [NAME]
    event = AuditEvent.objects.filter(action="person:changed").latest("log", "seq")
    assert b"Stern" not in bytes(event.details)


def test_who_links_what_is_refused_alike_for_pages_and_services(outsider: Person, administrator: Person) -> None:
    link(outsider)
    with pytest.raises(Unacceptable, match="already"):
        link(outsider, f" {NAME} ")
    for spelling in ("", " ", "x" * 201, "Stern\nOlga"):
        with pytest.raises(Unacceptable):
            link(outsider, spelling)
    with pytest.raises(Unacceptable, match="themselves"):
        link(administrator)
    for username in ("radiologist", "privacy", "technologist"):
        with pytest.raises(Forbidden):
            link(outsider, "Another^One", by=username)
    assert PhysicianLink.objects.count() == 1
