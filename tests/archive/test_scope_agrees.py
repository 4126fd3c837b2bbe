"""Scope beside a predicate written by hand: 2,000 random pairs of person and study, over all rules, at every way."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random  # noqa: TID251 - a fixed seed is the point here
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pydicom.dataset import Dataset

from accounts import scope, standing
from accounts.actors import Actor
from accounts.models import Access, Group, Person, Restricted, Role, Withdrawn
from accounts.scope import reading
from archive import arrivals, query
from archive.models import Study
from archive.query import Criteria, Page
from tests import builders, people
from tests.archive.dicomweb.conftest import Program, body, path_of
from tests.completeness.studies import stored

pytestmark = pytest.mark.usefixtures("installation")

PEOPLE, STUDIES, PREVIEWS = 50, 40, 60
LASTING = ("sender", "unassigned", "given", "attribute", "physician")
FOR_A_WHILE = ("grant", "break-glass", "link")


@dataclass(frozen=True)
class World:
    """People and studies, and everything that is true of them, as plain values."""

    people: list[Person]
    groups_of: dict[UUID, set[UUID]]
    images: dict[str, Dataset]
    access: dict[tuple[UUID, str, str], datetime | None]
    restricted: set[str]
    trashed: set[str]

    def sees(self, person: UUID, study: str, now: datetime) -> bool:
        """Whether somebody sees a study, said as plainly as it can be."""
        if study in self.trashed:
            return False
        for (audience, of, rule), until in self.access.items():
            if of != study or (audience != person and audience not in self.groups_of[person]):
                continue
            if until is not None and until <= now:
                continue
            if study in self.restricted and rule in LASTING:
                continue
            return True
        return False


@pytest.fixture
def world(installation: Any) -> World:
    random, now = Random(20261125), timezone.now()
    images = {image.StudyInstanceUID: image for image in (builders.ct_slice() for _ in range(STUDIES))}
    for image in images.values():
        stored(image)
    groups = [Group.objects.create(name=f"group {number}") for number in range(12)]
    clinician, persons, groups_of = Role.objects.get(name="clinician"), [], {}
    for number in range(PEOPLE):
        person = Person.objects.create(username=f"reader{number}")
        person.roles.add(clinician)
        own = random.sample(groups, random.choice((0, 1, 1, 2, 5)))
        person.groups.set(own)
        groups_of[person.id] = {group.id for group in own}
        persons.append(person)
    ends = [now - timedelta(days=1), now - timedelta(seconds=1), now + timedelta(days=1)]
    access: dict[tuple[UUID, str, str], datetime | None] = {}
    for study in images:
        for _ in range(random.randrange(5)):
            audience = random.choice((*groups, *groups, *persons, None))
            rule = random.choice((*LASTING, *FOR_A_WHILE))
            until = random.choice(ends) if rule in FOR_A_WHILE else random.choice((None, None, None, ends[0]))
            access[(audience.id if audience else uuid4(), study, rule)] = until
    Access.objects.all().delete()
    Access.objects.bulk_create(
        Access(audience=audience, study_uid=study, rule=rule, until=until)
        for (audience, study, rule), until in access.items()
    )
    restricted, trashed = set(random.sample(sorted(images), 12)), set(random.sample(sorted(images), 4))
    Restricted.objects.bulk_create(Restricted(study_uid=study) for study in restricted)
    Withdrawn.objects.bulk_create(Withdrawn(study_uid=study, at=now, by="-") for study in trashed)
    return World(persons, groups_of, images, access, restricted, trashed)


@pytest.mark.both_databases
@pytest.mark.parametrize("few", [0, reading.FEW])
def test_every_way_agrees_with_the_plain_predicate(world: World, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(reading, "FEW", few)
    now, yes, pairs = timezone.now(), 0, 0
    for person in world.people:
        expected = {study for study in world.images if world.sees(person.id, study, now)}
        actor = people.actor(person)
        for study in world.images:
            pairs += 1
            yes += study in expected
            assert (scope.covers(actor, study) is not False) == (study in expected)
            assert (standing.covers(actor, study) is not False) == (study in expected)
        assert set(in_scope(actor).values_list("uid", flat=True)) == expected
        assert in_scope(actor).count() == len(expected)
        assert {row.uid for row in query.studies(actor, Criteria(), Page(100)).rows} == expected
        shown = arrivals.recent(actor, list(world.images))
        assert {one.uid for one in shown} == expected
    assert pairs == PEOPLE * STUDIES == 2000
    assert 40 < yes < 1900
    assert {rule for _audience, _study, rule in world.access} == {*LASTING, *FOR_A_WHILE}


def test_programs_get_lists_and_pictures_of_what_the_predicate_says(world: World) -> None:
    random, now, told = Random(7), timezone.now(), set()
    for person in random.sample(world.people, 10):
        expected = {study for study in world.images if world.sees(person.id, study, now)}
        program = Program(person)
        found = program.get("/studies?limit=100", accept="application/dicom+json")
        listed = {row["0020000D"]["Value"][0] for row in found.json()} if found.status_code == 200 else set()
        assert listed == expected
        others, half = sorted(world.images.keys() - expected), PREVIEWS // 20
        theirs = random.sample(sorted(expected), min(half, len(expected)))
        for study in (*theirs, *random.sample(others, min(half, len(others)))):
            answer = program.get(f"{path_of(world.images[study])}/thumbnail", accept="image/jpeg")
            body(answer)
            assert (answer.status_code == 200) == (study in expected), answer.status_code
            assert answer.status_code in (200, 404)
            told.add(answer.status_code)
    assert told == {200, 404}


@pytest.mark.both_databases
def test_scope_is_one_statement_and_no_table_of_studies_is_read_whole(world: World) -> None:
    for person in world.people[:5]:
        actor = people.actor(person)
        list(in_scope(actor))  # how many somebody has is known from now on
        for question in (
            lambda actor=actor: list(in_scope(actor).order_by("-date", "-uid")[:20]),
            lambda actor=actor: in_scope(actor).count(),
            lambda actor=actor: scope.covers(actor, "1.2.3"),
        ):
            with CaptureQueriesContext(connection) as asked:
                question()
            assert len(asked) == 1, [one["sql"] for one in asked]
            assert whole_tables(asked[0]["sql"]) == []


def whole_tables(sql: str) -> list[str]:
    """The lines of the plan that read a table from end to end; PostgreSQL says so of a small one only if it must."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
            cursor.execute(f"EXPLAIN {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        lines = [str(row[-1]) for row in cursor.fetchall()]
        if connection.vendor == "postgresql":
            cursor.execute("RESET enable_seqscan")
    return [line for line in lines if "Seq Scan" in line or (line.startswith("SCAN") and " USING " not in line)]


def in_scope(actor: Actor) -> "QuerySet[Study]":
    return scope.limit(Study.objects.all(), actor, "uid")
