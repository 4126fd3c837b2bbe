"""Rights change one after the other: nobody raises their own, and somebody who manages people is always left."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts import identify, people, rights, roles
from accounts.actors import Actor
from accounts.errors import AgainstRules, Refused, Unacceptable
from accounts.models import Person, Role
from audit import alerts
from audit.actions import Action
from audit.models import Alert, AuditEvent
from tests.accounts.browsing import Browser
from tests.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("installation")
ActorOf = Callable[[Any], Actor]


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Do these at the same moment, each on a connection of its own; return the kinds of what was raised."""
    barrier, raised = threading.Barrier(len(acts)), list[str]()

    def run(act: Callable[[], object]) -> None:
        try:
            barrier.wait()
            act()
        except (Refused, Unacceptable) as error:
            raised.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def change(actor: Actor, person: Person, act: Callable[..., object], **more: Any) -> Callable[[], object]:
    def doing() -> None:
        with rights.change(actor, Action.PERSON_CHANGED, subject=f"person:{person.id}"):
            act(person, by=actor, **more)

    return doing


@pytest.mark.both_databases
@pytest.mark.parametrize("act", ["disable", "edit"])
def test_two_administrators_who_remove_each_other_at_the_same_moment_leave_one(
    administrator: Person, second: Person, actor_of: ActorOf, act: str
) -> None:
    one, two = actor_of(administrator), actor_of(second)
    more = {"roles": ["clinician"], "groups": [], "full_name": ""} if act == "edit" else {}
    does: Callable[..., object] = people.disable if act == "disable" else people.edit
    raised = at_once(change(one, second, does, **more), change(two, administrator, does, **more))
    assert len(raised) == 1
    managing = [one for one in rights.holders().values() if one.active and "people.manage" in one.permissions]
    assert len(managing) == 1
    outcomes = AuditEvent.objects.filter(action="person:changed").order_by("seq").values_list("outcome", flat=True)
    assert sorted(list(outcomes)[-2:]) == ["denied", "ok"]


@pytest.mark.both_databases
def test_a_role_that_gains_while_it_is_given_never_brings_together_what_must_be_apart(radiologist: Person) -> None:
    helper = roles.create("helper", ["system.see"])
    raised = at_once(
        lambda: roles.allow(Role.objects.get(pk=helper.pk), ["log.read"]),
        lambda: people.edit(radiologist, roles=["clinician", "helper"], groups=[], full_name=""),
    )
    assert raised == ["AgainstRules"]
    assert not {"log.read", "study.view"} <= rights.of(Person.objects.get(pk=radiologist.pk))


def test_the_last_who_manages_people_is_kept_whatever_is_taken(administrator: Person) -> None:
    role = Role.objects.get(name="administrator")
    acts: tuple[Callable[[], object], ...] = (
        lambda: roles.allow(role, ["system.see"]),
        lambda: people.disable(administrator),
        lambda: people.edit(administrator, roles=[], groups=[], full_name=""),
    )
    for act in acts:
        with pytest.raises(AgainstRules):
            act()
    assert "people.manage" in Role.objects.get(name="administrator").permissions


def test_one_who_is_disabled_is_not_one_who_is_left(administrator: Person, second: Person) -> None:
    people.disable(second)
    with pytest.raises(AgainstRules):
        people.disable(administrator)


@pytest.mark.parametrize(
    "entries",
    [
        {"roles": ["administrator", "keeper"]},
        {"roles": []},
        {"roles": ["administrator"], "groups": ["Radiology"]},
    ],
)
def test_nobody_changes_their_own_roles_or_groups(
    administrator: Person, second: Person, entries: dict[str, list[str]]
) -> None:
    browser = Browser().sign_in(administrator)
    answer = browser.send(f"/people/{administrator.id}/", full_name="A", **entries)
    assert answer.status_code == 422
    assert [role.name for role in administrator.roles.all()] == ["administrator"]
    assert not administrator.groups.exists()
    assert AuditEvent.objects.filter(action="person:changed", outcome="denied", actor_name="administrator").exists()
    assert browser.send(f"/people/{administrator.id}/", full_name="A", roles=["administrator"]).status_code == 302


def test_nobody_gains_by_a_role_that_they_hold_themselves(
    administrator: Person, second: Person, actor_of: ActorOf
) -> None:
    role = Role.objects.get(name="administrator")
    with pytest.raises(AgainstRules) as refused:
        roles.allow(role, [*role.permissions, "backup.manage"], by=actor_of(administrator))
    assert refused.value.rule == "own"
    assert "backup.manage" not in Role.objects.get(name="administrator").permissions


def test_who_lost_the_right_between_the_page_and_the_turn_changes_nothing(
    administrator: Person, second: Person, actor_of: ActorOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has not heard of it yet: what it remembers of the actor still permits the act."""
    actor = actor_of(second)
    Person.objects.filter(pk=second.pk).update(is_active=False)
    with pytest.raises(Refused), rights.change(actor, Action.PERSON_CHANGED, subject="person:x"):
        people.create("friend", password=PASSWORD, roles=["clinician"], by=actor)
    assert not Person.objects.filter(username="friend").exists()
    assert AuditEvent.objects.filter(action="person:changed", outcome="denied", actor_name="second").exists()


def test_power_that_is_given_raises_an_alert_and_other_rights_none(
    administrator: Person, radiologist: Person, technologist: Person, actor_of: ActorOf
) -> None:
    people.edit(radiologist, roles=["keeper"], groups=[], full_name="", by=identify.shell("owner"))
    people.edit(technologist, roles=["clinician"], groups=[], full_name="", by=actor_of(administrator))
    assert list(Alert.objects.filter(kind="power-given").values_list("subject", flat=True)) == ["radiologist"]
    assert alerts.settle("power-given", "radiologist", "test")


def test_rights_change_only_inside_a_transaction() -> None:
    with pytest.raises(RuntimeError):
        rights.turn()


def test_no_page_shuts_out_the_last_who_manages_people_and_the_attempt_is_on_record(administrator: Person) -> None:
    browser = Browser().sign_in(administrator)
    assert browser.send(f"/people/{administrator.id}/disable/").status_code == 422
    assert Person.objects.get(pk=administrator.pk).is_active
    assert AuditEvent.objects.filter(action="person:changed", outcome="denied").count() == 1
