"""What the measure of scope plants is what the tables are today, and nothing asked of it reads one of them whole."""

from random import Random  # noqa: TID251 - the same questions in every run

import pytest
from django.db import connection

from accounts import scope
from accounts.models import Access, Person
from archive.models import Study
from bench.works import planted_studies
from bench.works import scope as bench
from tests import people

pytestmark = pytest.mark.usefixtures("installation")
STUDIES = 6000


@pytest.mark.both_databases
def test_the_measure_asks_what_it_says_of_whom_it_says() -> None:
    planted_studies.plant(STUDIES)
    assert (Study.objects.count(), Access.objects.filter(rule="sender").count()) == (STUDIES, STUDIES)
    assert Study.objects.filter(uid=planted_studies.uid(5), date=planted_studies.day(5, STUDIES)).exists()
    groups = {name: Person.objects.get(username=name).groups.count() for name in ("one", "ten", "many", "granted")}
    assert groups == {"one": 1, "ten": 10, "many": 500, "granted": 1}
    for name in groups:
        actor = people.actor(Person.objects.get(username=name))
        asked = bench.questions(actor, STUDIES, Random(1))
        newest = list(asked["the newest"]())  # type: ignore[call-overload]
        assert newest
        assert all(scope.covers(actor, uid) is not False for uid in newest)
        assert asked["covers what is not there"]() is False
    if connection.vendor == "sqlite":
        # PostgreSQL reads small tables whole, and should; at a million studies the measure itself looks.
        assert list(bench.plans(STUDIES)) == []


def test_a_plan_that_reads_a_table_whole_is_told() -> None:
    assert bench.full_scans("SELECT * FROM accounts_access WHERE date = '20260101'")
