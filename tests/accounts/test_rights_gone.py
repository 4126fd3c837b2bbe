"""A right that is taken is gone within two seconds, also in a process that did not take it and is in the middle."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from accounts import epoch, gate, people, roles
from accounts.actors import Actor
from accounts.errors import AgainstRules, Forbidden, NotVisible
from accounts.models import AccessEpoch, Person, Role
from tests.accounts.browsing import Browser
from tests.accounts.conftest import OURS, ActorOf

pytestmark = pytest.mark.usefixtures("installation")

WITHIN = 2.0


def elsewhere(change: Callable[[], object]) -> None:
    """Change rights as another process does: in the tables, and this process is told nothing."""

    def doing() -> None:
        try:
            change()
            AccessEpoch.objects.filter(pk=1).update(number=F("number") + 1)
        finally:
            connection.close()

    thread = threading.Thread(target=doing)
    thread.start()
    thread.join()


@pytest.mark.both_databases
@pytest.mark.parametrize("taken", ["the role is edited", "the role is taken", "the person is disabled"])
def test_a_stream_under_way_ends_within_two_seconds_of_a_change_in_another_process(
    two_studies: None, radiologist: Person, actor_of: ActorOf, taken: str
) -> None:
    changes: dict[str, Callable[[], Any]] = {
        "the role is edited": lambda: Role.objects.filter(name="clinician").update(permissions=["study.search"]),
        "the role is taken": lambda: radiologist.roles.clear(),
        "the person is disabled": lambda: Person.objects.filter(pk=radiologist.pk).update(is_active=False),
    }
    actor = actor_of(radiologist)
    epoch.start()
    receipt = gate.view(actor, OURS, found=True)
    assert gate.still(receipt, actor) == receipt
    elsewhere(changes[taken])
    began = time.monotonic()
    with pytest.raises(NotVisible):
        chunks(receipt, actor, until=began + WITHIN + 1)
    assert time.monotonic() - began <= WITHIN + 0.3
    with pytest.raises((NotVisible, Forbidden)):
        gate.view(actor, OURS, found=True)


def chunks(receipt: Any, actor: Actor, *, until: float) -> None:
    """Ask between chunk and chunk whether the next may leave, as every stream does."""
    while time.monotonic() < until:
        receipt = gate.still(receipt, actor)
        time.sleep(0.02)


def test_a_page_that_is_open_elsewhere_is_shut_once_the_role_lost_it(
    administrator: Person, radiologist: Person
) -> None:
    reader = Browser().sign_in(radiologist)
    assert reader.open("/studies/").status_code == 200
    elsewhere(lambda: Role.objects.filter(name="clinician").update(permissions=["study.store"]))
    assert reader.open("/studies/").status_code == 403


def _a_new_role(me: Person, by: Actor, _role: Role) -> None:
    roles.create("all of it", ["backup.manage"], by=by)
    people.edit(me, roles=["administrator", "all of it"], groups=[], full_name="", by=by)


PROMOTIONS: dict[str, Callable[[Person, Actor, Role], object]] = {
    "their own roles": lambda me, by, _role: people.edit(
        me, roles=["administrator", "keeper"], groups=[], full_name="", by=by
    ),
    "a role that they hold": lambda _me, by, role: roles.allow(role, [*role.permissions, "backup.manage"], by=by),
    "a new role of their own": _a_new_role,
    "the name of a role that they hold": lambda _me, by, role: roles.edit(role, "x", ["keys.export"], by=by),
}


@pytest.mark.parametrize("by_way_of", PROMOTIONS)
def test_an_administrator_comes_to_nothing_more_by(
    administrator: Person, second: Person, actor_of: ActorOf, by_way_of: str
) -> None:
    role, before = Role.objects.get(name="administrator"), frozenset(Role.objects.get(name="administrator").permissions)
    with pytest.raises(AgainstRules):
        PROMOTIONS[by_way_of](administrator, actor_of(administrator), role)
    now = actor_of(Person.objects.get(pk=administrator.pk)).permissions
    assert {str(one) for one in now} <= before | {"own"}
