"""What becomes of glass that was broken: reviews by another, reminders while they are missing, and how often it is."""

from datetime import timedelta

import pytest

from accounts import break_glass, gate, glass_reviews, glass_shares
from accounts.errors import Forbidden, NotVisible, Unacceptable
from accounts.models import BreakGlass, Person, Withdrawn
from archive.emergency import Wanted
from audit import alerts, clock
from audit.models import Alert, AuditEvent
from tests.archive.test_emergency import WORDS, arrived, broke
from tests.completeness.studies import actor

pytestmark = pytest.mark.usefixtures("installation")


def test_a_reviewer_ends_what_somebody_has_open() -> None:
    patient, uids = arrived()
    olga = actor("outsider")
    broke(olga, Wanted(patient_id=patient.patient_id))
    receipt = gate.view(olga, uids[0], found=True)
    row = BreakGlass.objects.get()
    with pytest.raises(Forbidden):
        glass_reviews.end(actor("radiologist"), row.id)
    gate.still(receipt, olga)
    glass_reviews.end(actor("privacy"), row.id)
    with pytest.raises(NotVisible):
        gate.still(receipt, olga)
    glass_reviews.review(actor("privacy"), row.id, "not-justified", "")


@pytest.mark.both_databases
def test_a_review_is_by_another_once_over_and_once_only(outsider: Person) -> None:
    patient, uids = arrived()
    olga = actor("outsider")
    broke(olga, Wanted(patient_id=patient.patient_id))
    gate.view(olga, uids[0], found=True)
    row, paul = BreakGlass.objects.get(), actor("privacy")
    with pytest.raises(Unacceptable, match="open"):
        glass_reviews.review(paul, row.id, "justified", "")
    break_glass.end(olga)
    outsider.roles.add(*Person.objects.get(username="privacy").roles.all())
    with pytest.raises(Unacceptable, match="own"):
        glass_reviews.review(actor("outsider"), row.id, "justified", "")
    with pytest.raises(Forbidden):
        glass_reviews.review(actor("radiologist"), row.id, "justified", "")
    case = glass_reviews.case(paul, row.id)
    assert (case.words, [one.study_uid for one in case.seen], case.entry.mine) == (WORDS, uids, False)
    assert AuditEvent.objects.filter(action="log:read", patient=row.patient).exists()
    assert Alert.objects.filter(kind="break-glass", seen_at=None).exists()
    glass_reviews.review(paul, row.id, "not-justified", "Asked the ward: nobody was there.")
    assert not Alert.objects.filter(kind="break-glass", seen_at=None).exists()
    with pytest.raises(Unacceptable, match="already"):
        glass_reviews.review(paul, row.id, "justified", "")
    assert glass_reviews.case(paul, row.id).note == "Asked the ward: nobody was there."
    assert AuditEvent.objects.filter(action="study:break-glass-reviewed", outcome="denied").count() == 2
    assert glass_reviews.entries(paul, reviewed=False) == ()


def test_the_alert_stays_while_another_access_of_the_same_study_waits() -> None:
    patient, _uids = arrived()
    olga, paul = actor("outsider"), actor("privacy")
    for _time in range(2):
        broke(olga, Wanted(patient_id=patient.patient_id))
        break_glass.end(olga)
    first, second = BreakGlass.objects.order_by("opened_at")
    glass_reviews.review(paul, first.id, "justified", "")
    assert Alert.objects.filter(kind="break-glass", seen_at=None).exists()
    glass_reviews.review(paul, second.id, "justified", "")
    assert not Alert.objects.filter(kind="break-glass", seen_at=None).exists()


def test_nobody_marks_the_alert_as_seen_in_place_of_a_review() -> None:
    patient, _uids = arrived()
    broke(actor("outsider"), Wanted(patient_id=patient.patient_id))
    alert = Alert.objects.get(kind="break-glass")
    assert not alerts.see(alert.id, "privacy")
    break_glass.end(actor("outsider"))
    glass_reviews.review(actor("privacy"), BreakGlass.objects.get().id, "justified", "")
    alert.refresh_from_db()
    assert alert.seen_by == "privacy"


def test_a_missing_review_is_told_once_a_day_until_it_is_there() -> None:
    patient, _uids = arrived()
    broke(actor("outsider"), Wanted(patient_id=patient.patient_id))
    break_glass.end(actor("outsider"))
    glass_reviews.remind()
    assert not Alert.objects.filter(kind="break-glass-unreviewed").exists()
    BreakGlass.objects.update(opened_at=clock.moment() - timedelta(days=4))
    glass_reviews.remind()
    glass_reviews.remind()
    alert = Alert.objects.get(kind="break-glass-unreviewed")
    assert (alert.subject, alert.times) == ("person outsider", 1)
    glass_reviews.review(actor("privacy"), BreakGlass.objects.get().id, "unclear", "")
    assert not Alert.objects.filter(kind="break-glass-unreviewed", seen_at=None).exists()


@pytest.mark.both_databases
def test_the_share_counts_sittings_by_person_and_by_group() -> None:
    (patient, uids), (_, own) = arrived(2), arrived(3)
    olga, rosa = actor("outsider"), actor("radiologist")
    broke(olga, Wanted(patient_id=patient.patient_id))
    for _again in range(2):
        gate.view(olga, uids[0], found=True)
    gate.view(olga, uids[1], found=True)
    for uid in own:
        gate.view(rosa, uid, found=True)
    today = clock.moment().date()
    found = glass_shares.read(actor("privacy"), today - timedelta(days=1), today + timedelta(days=1))
    assert [(one.name, one.opens, one.broken) for one in found.people] == [("outsider", 2, 2), ("radiologist", 3, 0)]
    assert [(one.name, one.percent) for one in found.groups] == [("Cardiology", 100.0), ("Radiology", 0.0)]
    with pytest.raises(Forbidden):
        glass_shares.read(rosa, today, today)
    assert not Withdrawn.objects.exists()
