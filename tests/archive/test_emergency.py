"""Breaking the glass: what it opens, for how long, what it tells, and what it never tells."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts import break_glass, gate, identify, scope
from accounts.actors import Actor
from accounts.errors import Forbidden, NotVisible, StepUpNeeded, Unacceptable
from accounts.models import Access, BreakGlass, Person
from archive import emergency, query, removal
from archive.emergency import Wanted
from archive.query import Criteria, Page
from audit import clock, log
from audit.errors import LogUnavailable
from audit.models import Alert, AuditEvent, AuditListed
from tests import builders
from tests.completeness.studies import actor, stored

pytestmark = pytest.mark.usefixtures("installation")
WORDS = "The patient lies in resuscitation."


def arrived(count: int = 1, **attributes: Any) -> tuple[builders.Identity, list[str]]:
    """Studies of one patient, which came for Radiology."""
    who = builders.Identity()
    return who, [stored(builders.ct_slice(who, **attributes))["study"] for _ in range(count)]


def broke(who: Actor, wanted: Wanted, reason: str = "emergency", words: str = WORDS) -> None:
    emergency.open_(who, wanted, reason, words)


def seen(who: Actor) -> set[str]:
    return {row.uid for row in query.studies(who, Criteria(), Page(100)).rows}


@pytest.mark.both_databases
def test_one_hour_opens_the_patients_studies_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    (patient, uids), (_other, others) = arrived(3), arrived()
    with transaction.atomic():
        scope.restrict(uids[:1])
    removal.trash(actor("technologist"), uids[2])
    olga = actor("outsider")
    with pytest.raises(NotVisible):
        gate.view(olga, uids[0], found=True)
    broke(olga, Wanted(patient_id=patient.patient_id))
    assert seen(olga) == set(uids[:2])
    for uid in uids[:2]:
        receipt = gate.view(olga, uid, found=True)
        assert receipt.until is not None
        assert receipt.until <= clock.now() + 3600
    for uid in (uids[2], *others):
        with pytest.raises(NotVisible):
            gate.view(olga, uid, found=True)
    removal.restore(actor("technologist"), uids[2])
    assert scope.covers(olga, uids[2]) is False
    later = clock.now() + 3601
    monkeypatch.setattr(clock, "now", lambda: later)
    assert seen(olga) == set()
    with pytest.raises(NotVisible):
        gate.still(receipt, olga)


@pytest.mark.both_databases
def test_event_alert_access_and_review_stand_or_fall_together(monkeypatch: pytest.MonkeyPatch) -> None:
    patient, uids = arrived(2)
    olga = actor("outsider")

    def full(*_: Any) -> None:
        raise LogUnavailable("full")

    with monkeypatch.context() as patched:
        patched.setattr(log, "append", full)
        with pytest.raises(LogUnavailable):
            broke(olga, Wanted(patient_id=patient.patient_id))
    assert not Access.objects.filter(rule="break-glass").exists()
    assert not BreakGlass.objects.exists()
    assert not Alert.objects.exists()
    broke(olga, Wanted(patient_id=patient.patient_id))
    event = AuditEvent.objects.get(action="study:break-glass", outcome="ok")
    row = BreakGlass.objects.get()
    assert (row.event, row.patient, set(row.studies)) == (event.id, event.patient, set(uids))
    assert set(AuditListed.objects.filter(log=event.log, seq=event.seq).values_list("study_uid", flat=True)) == set(
        uids
    )
    assert Alert.objects.get(kind="break-glass").subject == f"{row.studies[0]} outsider"
    assert (log.open_details(event) or {}) == {"reason": "emergency", "words": WORDS}
    assert WORDS.encode() not in bytes(event.details)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "wanted",
    [
        lambda patient, accession: Wanted(patient_id=patient[:-1]),
        lambda patient, accession: Wanted(patient_id=patient[:3] + "*"),
        lambda patient, accession: Wanted(patient_id="?" * len(patient)),
        lambda patient, accession: Wanted(patient_id=patient, issuer="ELSEWHERE"),
        lambda patient, accession: Wanted(accession="77"),
        lambda patient, accession: Wanted(accession="ACC"),
        lambda patient, accession: Wanted(accession="ACC-7?"),
        lambda patient, accession: Wanted(accession=patient),
    ],
)
def test_part_of_a_number_a_pattern_or_another_issuer_opens_nothing(wanted: Callable[[str, str], Wanted]) -> None:
    patient, _uids = arrived(AccessionNumber="ACC-77")
    with pytest.raises(Unacceptable):
        broke(actor("outsider"), wanted(patient.patient_id, "ACC-77"))
    assert not Access.objects.filter(rule="break-glass").exists()


def test_an_accession_number_or_an_issuer_finds_the_patient_and_all_of_the_patients_studies() -> None:
    patient, uids = arrived(2, AccessionNumber="ACC-77")
    uids.append(stored(builders.ct_slice(patient))["study"])
    broke(actor("outsider"), Wanted(accession="acc-77"))
    assert seen(actor("outsider")) == set(uids)
    break_glass.end(actor("outsider"))
    broke(actor("outsider"), Wanted(patient_id=patient.patient_id, issuer="CT_ONE"))
    assert seen(actor("outsider")) == set(uids)


def test_a_number_of_two_patients_opens_neither() -> None:
    who = builders.Identity()
    stored(builders.ct_slice(who, AccessionNumber="5"))
    stored(builders.ct_slice(who, AccessionNumber="5", IssuerOfPatientID="ELSEWHERE"))
    for wanted in (Wanted(patient_id=who.patient_id), Wanted(accession="5")):
        with pytest.raises(Unacceptable):
            broke(actor("outsider"), wanted)
    broke(actor("outsider"), Wanted(patient_id=who.patient_id, issuer="ELSEWHERE"))
    assert len(seen(actor("outsider"))) == 1


def test_unknown_trashed_and_ones_own_patients_are_answered_alike_and_on_record() -> None:
    mine, trashed = arrived(), arrived()
    removal.trash(actor("technologist"), trashed[1][0])
    rosa = actor("radiologist")
    told = set()
    for number in (mine[0].patient_id, trashed[0].patient_id, "NOBODY"):
        with pytest.raises(Unacceptable) as refused:
            broke(rosa, Wanted(patient_id=number))
        told.add(str(refused.value))
        event = AuditEvent.objects.order_by("-log", "-seq").first()
        assert event is not None
        assert (event.action, event.outcome) == ("study:break-glass", "not-found")
        assert (log.open_details(event) or {})["patient_id"] == number
        assert number.encode() not in bytes(event.details)
        assert (event.study_uid, event.patient) == ("", "")
    assert len(told) == 1


def test_guesses_are_slowed_down_and_told() -> None:
    patient, _uids = arrived()
    olga = actor("outsider")
    for number in range(5):
        with pytest.raises(Unacceptable):
            broke(olga, Wanted(patient_id=f"GUESS{number}"))
    assert Alert.objects.filter(kind="break-glass-guesses", subject="person outsider").exists()
    with pytest.raises(Unacceptable, match="Wait"):
        broke(olga, Wanted(patient_id=patient.patient_id))
    assert seen(olga) == set()
    assert AuditEvent.objects.filter(action="study:break-glass", outcome="denied").count() == 1


@pytest.mark.parametrize(
    ("reason", "words"), [("", WORDS), ("curiosity", WORDS), ("emergency", "short"), ("other", " ")]
)
def test_without_a_reason_nothing_opens(reason: str, words: str) -> None:
    patient, _uids = arrived()
    with pytest.raises(Unacceptable):
        broke(actor("outsider"), Wanted(patient_id=patient.patient_id), reason, words)
    assert not BreakGlass.objects.exists()


def test_who_may_not_or_gave_no_fresh_factor_opens_nothing(privacy_officer: Person, outsider: Person) -> None:
    patient, _uids = arrived()
    wanted = Wanted(patient_id=patient.patient_id)
    for username in ("administrator", "privacy", "technologist"):
        with pytest.raises(Forbidden):
            broke(actor(username), wanted)
    with pytest.raises(StepUpNeeded):
        broke(identify.person_actor(outsider), wanted)
    with pytest.raises(Forbidden):
        broke(identify.shell("root"), wanted)
    assert not BreakGlass.objects.exists()
    assert AuditEvent.objects.filter(action="study:break-glass", outcome="denied").count() == 5


@pytest.mark.both_databases
def test_ending_it_stops_what_runs_and_leaves_other_ways_alone() -> None:
    patient, uids = arrived(2)
    olga = actor("outsider")
    broke(olga, Wanted(patient_id=patient.patient_id))
    receipt = gate.view(olga, uids[0], found=True)
    Access.objects.create(
        audience=olga.audiences[0], study_uid=uids[1], rule="grant", until=clock.moment() + timedelta(days=1)
    )
    break_glass.end(olga)
    with pytest.raises(NotVisible):
        gate.still(receipt, olga)
    assert seen(olga) == {uids[1]}
    assert break_glass.until(olga) is None
    break_glass.end(olga)
    assert AuditEvent.objects.filter(action="study:break-glass-ended").count() == 1
