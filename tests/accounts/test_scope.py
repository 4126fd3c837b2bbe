"""Which studies are whose: the one query beside a plain predicate over the same facts."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random  # noqa: TID251 - a fixed seed is the point here
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import identify, scope
from accounts.actors import NOBODY, Actor
from accounts.models import Access, Device, Group, Person, Restricted
from accounts.scope import UNASSIGNED, Facts
from audit.models import Alert

pytestmark = pytest.mark.usefixtures("installation")
ActorOf = Callable[[Any], Actor]
STUDIES = [f"1.2.3.{number}" for number in range(60)]


def visible_uids(actor: Actor) -> set[str]:
    return set(scope.visible(actor).values_list("study_uid", flat=True))


def test_a_study_goes_to_the_groups_of_its_sender(
    modality: Device, radiologist: Person, outsider: Person, actor_of: ActorOf
) -> None:
    with transaction.atomic():
        scope.assign("1.2.3", "20260102", Facts(actor_of(modality)))
    assert scope.covers(actor_of(radiologist), "1.2.3") is None
    assert scope.covers(actor_of(outsider), "1.2.3") is False
    assert scope.covers(actor_of(radiologist), "1.2.4") is False
    assert Access.objects.get(study_uid="1.2.3").date == "20260102"


def test_sending_more_of_a_study_adds_nothing_and_takes_nothing(modality: Device, actor_of: ActorOf) -> None:
    for _object in range(3):
        with transaction.atomic():
            scope.assign("1.2.3", "", Facts(actor_of(modality)))
    assert Access.objects.filter(study_uid="1.2.3").count() == 1
    with transaction.atomic():
        scope.assign("1.2.3", "", Facts(identify.system("derive")))
    assert Access.objects.filter(study_uid="1.2.3").count() == 1


def test_sending_into_a_study_of_others_opens_nothing_of_it_and_is_told(
    modality: Device, radiologist: Person, outsider: Person, actor_of: ActorOf
) -> None:
    stranger = actor_of(Device.objects.get(ae_title="ECHO_ONE"))
    with transaction.atomic():
        scope.assign("1.2.3", "", Facts(actor_of(modality)))
    Access.objects.create(audience=stranger.audiences[1], study_uid="1.2.3", rule="grant", until=timezone.now())
    for sender in (stranger, actor_of(outsider), stranger):
        with transaction.atomic():
            scope.assign("1.2.3", "", Facts(sender))
    assert scope.covers(actor_of(outsider), "1.2.3") is False
    assert scope.covers(actor_of(radiologist), "1.2.3") is None
    alert = Alert.objects.get(kind="foreign-sender")
    assert (alert.subject, alert.times) == ("1.2.3", 3)
    with transaction.atomic():
        assert scope.give("1.2.3", outsider.groups.get())
        assert not scope.give("1.2.4", outsider.groups.get())
    assert scope.covers(actor_of(outsider), "1.2.3") is None
    assert scope.covers(actor_of(outsider), "1.2.4") is False


def test_a_sender_that_has_a_study_shares_it_with_its_other_groups(modality: Device, actor_of: ActorOf) -> None:
    with transaction.atomic():
        scope.assign("1.2.3", "", Facts(actor_of(modality)))
    modality.groups.add(Group.objects.get(name="Cardiology"))
    with transaction.atomic():
        scope.assign("1.2.3", "", Facts(actor_of(modality)))
    assert Access.objects.filter(study_uid="1.2.3").count() == 2
    assert not Alert.objects.exists()


def test_what_no_rule_assigns_is_unassigned(
    modality: Device, radiologist: Person, technologist: Person, actor_of: ActorOf
) -> None:
    modality.groups.clear()
    with transaction.atomic():
        scope.assign("1.2.3", "", Facts(actor_of(modality)))
    assert Access.objects.get(study_uid="1.2.3").audience == UNASSIGNED
    assert scope.covers(actor_of(radiologist), "1.2.3") is False
    technologist.groups.add(Group.objects.get(pk=UNASSIGNED))
    assert scope.covers(actor_of(technologist), "1.2.3") is None


def test_nobody_sees_nothing_and_a_job_sees_everything() -> None:
    Access.objects.create(audience=uuid4(), study_uid="1.2.3", rule="sender")
    assert scope.covers(NOBODY, "1.2.3") is False
    assert not visible_uids(NOBODY)
    assert scope.covers(identify.system("derive"), "1.2.3") is None
    assert scope.covers(identify.shell("root"), "1.2.3") is False


def test_the_latest_end_counts_and_no_end_beats_every_end(radiologist: Person, actor_of: ActorOf) -> None:
    soon, later = (timezone.now() + timedelta(minutes=minutes) for minutes in (5, 50))
    for rule, until in (("grant", soon), ("break-glass", later), ("link", timezone.now() - timedelta(minutes=1))):
        Access.objects.create(audience=radiologist.id, study_uid="1.2.3", rule=rule, until=until)
    assert scope.covers(actor_of(radiologist), "1.2.3") == later
    Access.objects.create(audience=radiologist.groups.get().id, study_uid="1.2.3", rule="sender")
    assert scope.covers(actor_of(radiologist), "1.2.3") is None
    Restricted.objects.create(study_uid="1.2.3")
    assert scope.covers(actor_of(radiologist), "1.2.3") == later


@pytest.mark.both_databases
def test_the_query_agrees_with_a_plain_predicate(radiologist: Person, outsider: Person, actor_of: ActorOf) -> None:
    random = Random(20261123)
    now = timezone.now()
    audiences: list[UUID] = [radiologist.id, outsider.id, *Group.objects.values_list("id", flat=True), uuid4()]
    rules = ["sender", "unassigned", "physician", *scope.OPENS_RESTRICTED]
    ends: list[datetime | None] = [None, now - timedelta(days=1), now + timedelta(days=1)]
    facts = {
        (random.choice(audiences), random.choice(STUDIES), random.choice(rules)): random.choice(ends)
        for _row in range(600)
    }
    Access.objects.bulk_create(
        Access(audience=audience, study_uid=study, rule=rule, until=until)
        for (audience, study, rule), until in facts.items()
    )
    restricted = set(random.sample(STUDIES, 20))
    Restricted.objects.bulk_create(Restricted(study_uid=study) for study in restricted)

    for person in (radiologist, outsider):
        mine = {person.id, *person.groups.values_list("id", flat=True)}
        expected = set()
        for (audience, study, rule), until in facts.items():
            if audience not in mine or (until is not None and until <= now):
                continue
            if study in restricted and rule not in ("grant", "break-glass", "link"):
                continue
            expected.add(study)
        actor = actor_of(person)
        assert visible_uids(actor) == expected
        assert {study for study in STUDIES if scope.covers(actor, study) is not False} == expected
        rows = scope.limit(Access.objects.all(), actor, "study_uid")
        assert set(rows.values_list("study_uid", flat=True)) == expected
    assert restricted & expected


def test_everywhere_leaves_a_queryset_as_it_is() -> None:
    Access.objects.create(audience=uuid4(), study_uid="1.2.3", rule="sender")
    assert scope.limit(Access.objects.all(), identify.system("derive"), "study_uid").count() == 1
    assert scope.limit(Access.objects.all(), NOBODY, "study_uid").count() == 0
