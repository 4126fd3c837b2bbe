"""Power over people, roles and keys: no one person gives it, by no page, no race, no edit and no detour."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse

from accounts import approvals, asked, people, power, rights, roles
from accounts.actors import Actor
from accounts.errors import AgainstRules, NotVisible
from accounts.models import Approval, Person, Role
from audit import log
from audit.actions import Action
from audit.models import Alert, AuditEvent
from tests.accounts.browsing import Browser
from tests.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("installation")
ActorOf = Callable[[Any], Actor]
POWERFUL = ["administrator", "keeper"]


def give(actor: Actor, person: Person, *names: str) -> UUID:
    """Ask for these roles in place of what the person has, as the page does; return the request."""
    with rights.change(actor, Action.PERSON_CHANGED, subject=f"person:{person.id}"):
        made = power.edit(actor, person, wanted=names, groups=[], full_name="")
    assert made is not None
    return made


def add(actor: Actor, name: str, *permissions: str) -> UUID:
    """Ask that a role allow these as well."""
    role = Role.objects.get(name=name)
    with rights.change(actor, Action.ROLE_CHANGED, subject=name):
        made = power.edit_role(actor, role, name, [*role.permissions, *permissions])
    assert made is not None
    return made


def held(person: Person) -> set[str]:
    return {role.name for role in Person.objects.get(pk=person.pk).roles.all()}


def last(action: str) -> tuple[str, str, dict[str, Any]]:
    event = AuditEvent.objects.filter(action=action).latest("seq")
    return event.actor_name, event.outcome, log.open_details(event) or {}


def text(answer: HttpResponse) -> str:
    return answer.content.decode()


def test_of_a_change_what_gives_no_power_is_done_and_the_rest_waits_for_another(
    administrator: Person, second: Person, radiologist: Person
) -> None:
    admin, other = Browser().sign_in(administrator), Browser().sign_in(second)
    answer = admin.send(f"/people/{radiologist.id}/", full_name="Rosa W", roles=["technologist"], groups=["Cardiology"])
    assert answer["Location"] == "/people/"
    people.edit(radiologist, roles=[], groups=[], full_name="")
    place = admin.send(f"/people/{radiologist.id}/", full_name="Rosa K", roles=["keeper"])["Location"]
    assert re.fullmatch(r"/approvals/[0-9a-f-]{36}/", place)
    assert held(radiologist) == set()
    assert Person.objects.get(pk=radiologist.pk).full_name == "Rosa K"
    assert 'id="power-waits"' in text(admin.open(f"/people/{radiologist.id}/"))
    assert "hand out the recovery shares" in text(other.open(place))
    assert admin.send(f"{place}approve/").status_code == 422
    assert held(radiologist) == set()
    assert other.send(f"{place}approve/").status_code == 302
    assert held(radiologist) == {"keeper"}
    assert "power-waits" not in text(admin.open(f"/people/{radiologist.id}/"))
    name, outcome, told = last("person:changed")
    assert (name, outcome, told["act"], told["roles"]) == ("second", "ok", "power given", ["keeper"])
    assert told["asked_by"] == "administrator"
    told_to_all = Alert.objects.get(kind="power-given", subject="radiologist").message
    assert "administrator asked" in told_to_all
    assert "second confirmed" in told_to_all


@pytest.mark.parametrize("name", POWERFUL)
def test_somebody_new_comes_without_the_power_which_waits(administrator: Person, second: Person, name: str) -> None:
    admin = Browser().sign_in(administrator)
    page = text(admin.send("/people/new/", username="nina", roles=[name]))
    made = Person.objects.get(username="nina")
    assert 'id="initial-password"' in page
    request = Approval.objects.get(state="open")
    assert f"/approvals/{request.id}/" in page
    assert held(made) == set()
    Browser().sign_in(second).send(f"/approvals/{request.id}/approve/")
    assert held(made) == {name}


@pytest.mark.parametrize("permission", sorted(rights.POWERS))
def test_no_service_lets_one_person_give_power(
    administrator: Person, second: Person, radiologist: Person, helper: Role, actor_of: ActorOf, permission: str
) -> None:
    roles.create("strong", [permission])
    actor = actor_of(administrator)
    acts: tuple[Callable[[], object], ...] = (
        lambda: people.edit(radiologist, roles=["strong"], groups=[], full_name="", by=actor),
        lambda: people.create("nina", password=PASSWORD, roles=["strong"], by=actor),
        lambda: roles.allow(helper, [permission], by=actor),
    )
    for act in acts:
        with pytest.raises(AgainstRules) as refused:
            act()
        assert refused.value.rule == "two"
    assert permission not in rights.of(Person.objects.get(pk=radiologist.pk))
    assert not Person.objects.filter(username="nina").exists()


def test_power_is_not_brought_back_by_enabling_who_had_it(
    administrator: Person, second: Person, third: Person, actor_of: ActorOf
) -> None:
    people.disable(second)
    with pytest.raises(AgainstRules) as refused:
        people.enable(second, by=actor_of(administrator))
    assert refused.value.rule == "two"
    place = Browser().sign_in(administrator).send(f"/people/{second.id}/enable/")["Location"]
    assert Person.objects.get(pk=second.pk).is_active
    assert held(second) == set()
    Browser().sign_in(third).send(f"{place}approve/")
    assert held(second) == {"administrator"}


def test_power_given_to_one_who_is_disabled_waits_for_the_day_they_are_enabled(
    administrator: Person, second: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    people.disable(radiologist)
    admin = Browser().sign_in(administrator)
    admin.send(f"/people/{radiologist.id}/", roles=["keeper"])
    assert held(radiologist) == {"keeper"}
    assert admin.send(f"/people/{radiologist.id}/enable/")["Location"].startswith("/approvals/")
    assert held(radiologist) == set()


def test_taking_power_away_takes_one(administrator: Person, second: Person, third: Person, actor_of: ActorOf) -> None:
    admin = Browser().sign_in(administrator)
    assert admin.send(f"/people/{second.id}/", roles=[])["Location"] == "/people/"
    assert held(second) == set()
    assert admin.send(f"/people/{third.id}/disable/").status_code == 302
    assert not Approval.objects.exists()


def test_a_role_that_is_held_gets_power_from_two(
    administrator: Person, second: Person, radiologist: Person, helper: Role
) -> None:
    admin = Browser().sign_in(administrator)
    wanted: dict[str, Any] = {"name": "aide", "permissions": ["backup.manage", "keys.export"]}
    page = text(admin.send(f"/roles/{helper.id}/", **wanted))
    assert "hand out the recovery shares" in page.partition('id="later"')[2]
    seal = re.search(r'name="confirmed" value="(\w+)"', page)
    assert seal is not None
    place = admin.send(f"/roles/{helper.id}/", **wanted, confirmed=seal[1])["Location"]
    helper.refresh_from_db()
    assert (helper.name, helper.permissions) == ("aide", ["backup.manage"])
    other = Browser().sign_in(second)
    assert "radiologist" in text(other.open(place))
    assert other.send(f"{place}approve/").status_code == 302
    helper.refresh_from_db()
    assert helper.permissions == ["backup.manage", "keys.export"]
    name, _outcome, told = last("role:changed")
    assert (name, told["act"], told["adds"], told["asked_by"]) == (
        "second",
        "power added",
        ["keys.export"],
        "administrator",
    )


def test_a_role_that_nobody_holds_is_anybodys_to_edit(administrator: Person, second: Person) -> None:
    role = roles.create("empty", [])
    admin = Browser().sign_in(administrator)
    page = text(admin.send(f"/roles/{role.id}/", name="empty", permissions=["people.manage"]))
    seal = re.search(r'name="confirmed" value="(\w+)"', page)
    assert seal is not None
    admin.send(f"/roles/{role.id}/", name="empty", permissions=["people.manage"], confirmed=seal[1])
    assert Role.objects.get(pk=role.pk).permissions == ["people.manage"]


def test_on_whom_it_falls_neither_asks_nor_confirms(
    administrator: Person, second: Person, radiologist: Person, helper: Role, actor_of: ActorOf
) -> None:
    people.edit(second, roles=["administrator", "helper"], groups=[], full_name="")
    request = give(actor_of(administrator), second, "administrator", "helper", "keeper")
    with pytest.raises(AgainstRules) as refused:
        approvals.approve(actor_of(second), request)
    assert refused.value.rule == "own"
    request = add(actor_of(administrator), "helper", "keys.manage")
    assert asked.one(actor_of(second), request).may == {"refuse"}
    with pytest.raises(AgainstRules) as refused:
        approvals.approve(actor_of(second), request)
    assert refused.value.rule == "own"
    with pytest.raises(AgainstRules):
        add(actor_of(second), "helper", "keys.export")
    with pytest.raises(AgainstRules), rights.change(actor_of(second), Action.PERSON_CHANGED, subject="person:x"):
        power.edit(actor_of(second), second, wanted=["administrator", "keeper"], groups=[], full_name="")
    assert rights.of(Person.objects.get(pk=second.pk)).isdisjoint({"keys.manage", "keys.export"})


def test_what_must_be_apart_is_refused_before_anybody_is_asked_and_judged_again_at_the_end(
    administrator: Person, second: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    with pytest.raises(AgainstRules) as refused:
        give(actor_of(administrator), radiologist, "clinician", "keeper")
    assert refused.value.rule == "duties"
    request = give(actor_of(administrator), radiologist, "keeper")
    people.edit(radiologist, roles=["clinician"], groups=[], full_name="")
    assert asked.one(actor_of(second), request).changed
    with pytest.raises(AgainstRules) as refused:
        approvals.approve(actor_of(second), request)
    assert refused.value.rule == "duties"
    assert held(radiologist) == {"clinician"}
    assert Approval.objects.get(pk=request).state == "open"


def test_who_may_not_give_it_sees_no_request_of_it(
    administrator: Person, second: Person, radiologist: Person, privacy_officer: Person, actor_of: ActorOf
) -> None:
    people.edit(radiologist, roles=[], groups=[], full_name="")
    request = give(actor_of(administrator), radiologist, "keeper")
    for person in (radiologist, privacy_officer):
        with pytest.raises(NotVisible):
            approvals.approve(actor_of(person), request)
    assert held(radiologist) == set()
