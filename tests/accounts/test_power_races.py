"""What is confirmed is what was shown, whatever changes meanwhile or at the same moment."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts import approvals, people, rights, roles
from accounts.actors import Actor
from accounts.errors import AgainstRules
from accounts.models import Person, Role
from audit.models import AuditEvent
from tests.accounts.browsing import Browser
from tests.accounts.test_power import add, give, held, last, text
from tests.accounts.test_rights import at_once

pytestmark = pytest.mark.usefixtures("installation")
ActorOf = Callable[[Any], Actor]


@pytest.mark.both_databases
def test_of_two_who_confirm_at_the_same_moment_one_does(
    administrator: Person, second: Person, third: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    people.edit(radiologist, roles=[], groups=[], full_name="")
    request = give(actor_of(administrator), radiologist, "keeper")
    one, two = actor_of(second), actor_of(third)
    assert at_once(lambda: approvals.approve(one, request), lambda: approvals.approve(two, request)) == ["AgainstRules"]
    assert held(radiologist) == {"keeper"}
    given = AuditEvent.objects.filter(action="person:changed", outcome="ok", actor_name__in=["second", "third"])
    assert given.count() == 1


@pytest.mark.both_databases
def test_a_role_that_is_edited_while_it_is_confirmed_never_gives_more_than_was_shown(
    administrator: Person, second: Person, radiologist: Person, helper: Role, actor_of: ActorOf
) -> None:
    roles.create("strong", ["keys.manage"])
    request, actor = give(actor_of(administrator), radiologist, "helper", "strong"), actor_of(second)
    strong, editor = Role.objects.get(name="strong"), actor_of(administrator)
    raised = at_once(
        lambda: approvals.approve(actor, request),
        lambda: roles.allow(strong, ["keys.manage", "people.manage"], by=editor),
    )
    assert raised == ["AgainstRules"], "whoever is second meets what the first did"
    assert "people.manage" not in rights.of(Person.objects.get(pk=radiologist.pk))


def _disable(person: Person, _role: Role) -> None:
    people.disable(person)


def _edit(_person: Person, role: Role) -> None:
    roles.allow(role, ["keys.manage", "study.destroy"])


def _rename(_person: Person, role: Role) -> None:
    roles.edit(role, "other", role.permissions)


def _weaken(_person: Person, role: Role) -> None:
    roles.allow(role, [])


def _replace(_person: Person, role: Role) -> None:
    name, held_by_it = role.name, list(role.permissions)
    roles.delete(role)
    roles.create(name, held_by_it)


@pytest.mark.parametrize("meanwhile", [_disable, _edit, _rename, _weaken, _replace])
def test_nothing_else_is_given_than_what_was_shown(
    administrator: Person,
    second: Person,
    radiologist: Person,
    helper: Role,
    actor_of: ActorOf,
    meanwhile: Callable[[Person, Role], None],
) -> None:
    strong = roles.create("strong", ["keys.manage"])
    request = give(actor_of(administrator), radiologist, "helper", "strong")
    meanwhile(radiologist, strong)
    page = text(Browser().sign_in(second).open(f"/approvals/{request}/"))
    assert "replace keys" in page, "the page goes on showing what was asked for"
    with pytest.raises(AgainstRules) as refused:
        approvals.approve(actor_of(second), request)
    assert refused.value.rule in ("changed", "gone")
    assert held(radiologist) == {"helper"}
    assert last("approval:decided")[:2] == ("second", "denied")


@pytest.mark.parametrize("meanwhile", ["its name", "what it allows", "who holds it"])
def test_no_other_role_gets_power_than_the_one_that_was_shown(
    administrator: Person,
    second: Person,
    technologist: Person,
    helper: Role,
    actor_of: ActorOf,
    meanwhile: str,
) -> None:
    request = add(actor_of(administrator), "helper", "keys.manage")
    helper.refresh_from_db()
    if meanwhile == "who holds it":
        people.edit(technologist, roles=["helper"], groups=[], full_name="")
    else:
        renamed = meanwhile == "its name"
        allowed = ["system.see"] if renamed else ["backup.manage", "system.see"]
        roles.edit(helper, "x" if renamed else "helper", allowed)
    with pytest.raises(AgainstRules) as refused:
        approvals.approve(actor_of(second), request)
    assert refused.value.rule == "changed"
    assert "keys.manage" not in Role.objects.get(pk=helper.pk).permissions


@pytest.mark.parametrize("loss", ["disabled", "another role"])
def test_what_somebody_asked_for_who_lost_the_right_is_not_done(
    administrator: Person, second: Person, third: Person, radiologist: Person, actor_of: ActorOf, loss: str
) -> None:
    people.edit(radiologist, roles=[], groups=[], full_name="")
    request = give(actor_of(second), radiologist, "keeper")
    if loss == "disabled":
        people.disable(second)
    else:
        people.edit(second, roles=["technologist"], groups=[], full_name="")
    with pytest.raises(AgainstRules) as refused:
        approvals.approve(actor_of(third), request)
    assert refused.value.rule == "asker-lost"
    assert held(radiologist) == set()
