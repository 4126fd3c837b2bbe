"""An older installation's untouched roles come to hold what a new one's do, and nobody's own edit is undone."""

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from accounts import rights
from accounts.models import Person, Role
from accounts.policy import ROLES

pytestmark = pytest.mark.usefixtures("installation")
FORMER = {
    "clinician": ["study.download", "study.search", "study.view"],
    "privacy officer": ["alerts.read", "log.read", "log.verify", "roles.read", "study.hold"],
}


def migrate() -> None:
    migration = MigrationLoader(None).get_migration("accounts", "0013c_starting_roles")
    migration.operations[0].code(apps, None)  # type: ignore[attr-defined]


def now(name: str) -> set[str]:
    return set(Role.objects.get(name=name).permissions)


@pytest.mark.parametrize("name", FORMER)
def test_an_untouched_role_holds_what_it_holds_in_a_new_installation(name: str) -> None:
    Role.objects.filter(name=name).update(permissions=FORMER[name])
    migrate()
    assert now(name) == {str(one) for one in ROLES[name]}
    migrate()
    assert now(name) == {str(one) for one in ROLES[name]}


def test_a_role_that_had_one_of_them_already_gets_the_other() -> None:
    Role.objects.filter(name="privacy officer").update(permissions=[*FORMER["privacy officer"], "study.restrict"])
    migrate()
    assert now("privacy officer") == {str(one) for one in ROLES["privacy officer"]}


@pytest.mark.parametrize("name", FORMER)
def test_a_role_that_was_edited_or_renamed_stays_as_it_is(name: str) -> None:
    for kept in (FORMER[name][1:], [*FORMER[name], "system.see"], []):
        Role.objects.filter(name=name).update(permissions=kept)
        migrate()
        assert now(name) == set(kept)
    Role.objects.filter(name=name).update(name="of our own", permissions=FORMER[name])
    migrate()
    assert now("of our own") == set(FORMER[name])


def test_nobody_comes_to_judge_their_own_emergencies(radiologist: Person) -> None:
    Role.objects.filter(name="clinician").update(permissions=FORMER["clinician"])
    radiologist.roles.add(Role.objects.create(name="reviewer", permissions=["break-glass.review"]))
    migrate()
    assert now("clinician") == set(FORMER["clinician"])
    assert rights.unsound() == []
