"""Acts of two people: no one person, no race, no replay and no delay brings one about alone."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone

from accounts import acts, approvals, asked, factors, people, resetting
from accounts.actors import Actor
from accounts.errors import AgainstRules, Forbidden, NotVisible, StepUpNeeded, Unacceptable
from accounts.models import Approval, Person, Session, TotpDevice
from audit import log
from audit.models import Alert, AuditEvent
from tests.accounts.browsing import Browser
from tests.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("installation")
ActorOf = Callable[[Any], Actor]


def ask(actor: Actor, person: Person) -> UUID:
    return approvals.ask(actor, resetting.NAME, str(person.id), concerns=person.id)


def is_reset(person: Person) -> bool:
    return Person.objects.get(pk=person.pk).password_is_initial


def last(action: str) -> tuple[str, str, dict[str, Any]]:
    event = AuditEvent.objects.filter(action=action).latest("seq")
    return event.actor_name, event.outcome, log.open_details(event) or {}


def test_lost_factors_are_reset_by_two(administrator: Person, second: Person, radiologist: Person) -> None:
    reader, admin, other = (Browser().sign_in(one) for one in (radiologist, administrator, second))
    answer = admin.send(f"/people/{radiologist.id}/reset/")
    place = answer["Location"]
    assert re.fullmatch(r"/approvals/[0-9a-f-]{36}/", place)
    assert reader.open("/me/").status_code == 200, "asking alone does nothing"
    assert TotpDevice.objects.filter(user=radiologist).exists()
    assert Alert.objects.filter(kind="approval", seen_at=None).count() == 1
    assert 'class="badge bad count"' in other.open("/people/").content.decode()
    assert "radiologist" in other.open(place).content.decode()
    given = re.search(r'id="initial-password">([^<]+)<', other.send(f"{place}approve/").content.decode())
    assert given is not None
    assert reader.open("/me/").status_code == 302
    assert not TotpDevice.objects.filter(user=radiologist).exists()
    assert Browser().give_password(radiologist, given[1])["Location"] == "/sign-in/password/"
    assert not Alert.objects.filter(kind="approval", seen_at=None).exists()
    name, outcome, told = last("person:factors-reset")
    assert (name, outcome, told["asked_by"], told["act"]) == ("second", "ok", "administrator", "reset")
    assert last("approval:asked")[0] == "administrator"
    assert last("approval:decided")[2]["decided"] == "approved"
    assert given[1] not in str(list(Approval.objects.values()))


def test_who_asked_does_not_confirm(
    administrator: Person, second: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    request = ask(actor_of(administrator), radiologist)
    with pytest.raises(AgainstRules) as refused:
        approvals.approve(actor_of(administrator), request)
    assert refused.value.rule == "asker"
    assert not is_reset(radiologist)
    assert last("approval:decided")[:2] == ("administrator", "denied")
    browser = Browser().sign_in(administrator)
    assert "/approve/" not in browser.open(f"/approvals/{request}/").content.decode()
    assert browser.send(f"/approvals/{request}/approve/").status_code == 422
    assert not is_reset(radiologist)


def test_whom_it_concerns_neither_asks_nor_confirms(administrator: Person, second: Person, actor_of: ActorOf) -> None:
    with pytest.raises(AgainstRules):
        ask(actor_of(second), second)
    request = ask(actor_of(administrator), second)
    with pytest.raises(AgainstRules) as refused:
        approvals.approve(actor_of(second), request)
    assert refused.value.rule == "own"
    assert not is_reset(second)
    assert asked.one(actor_of(second), request).may == {"refuse"}


def test_who_may_not_do_it_sees_no_request_whether_it_is_there_or_not(
    administrator: Person, radiologist: Person, outsider: Person, actor_of: ActorOf
) -> None:
    request = ask(actor_of(administrator), radiologist)
    for one in (request, uuid4()):
        for act in (asked.one, approvals.approve, approvals.refuse, approvals.withdraw):
            with pytest.raises(NotVisible):
                act(actor_of(outsider), one)
        answers = [Browser().sign_in(outsider).open(f"/approvals/{one}/")]
        assert [answer.status_code for answer in answers] == [404]
    assert asked.listed(actor_of(outsider)) == []
    assert AuditEvent.objects.filter(actor_name="outsider", outcome="denied").count() >= 4
    with pytest.raises(Forbidden):
        ask(actor_of(outsider), radiologist)


def test_a_stale_factor_asks_and_confirms_nothing(
    administrator: Person, second: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    request = ask(actor_of(administrator), radiologist)
    browser = Browser().sign_in(second)
    Session.objects.update(stepped_up_at=timezone.now() - timedelta(minutes=6))
    assert browser.open(f"/approvals/{request}/")["Location"].startswith("/step-up/")
    assert browser.send(f"/approvals/{request}/approve/")["Location"].startswith("/step-up/")
    assert browser.send(f"/people/{administrator.id}/reset/")["Location"].startswith("/step-up/")
    assert not is_reset(radiologist)
    assert Approval.objects.count() == 1
    with pytest.raises(StepUpNeeded):
        approvals.refuse(actor_of_stale(second, actor_of), request)


def actor_of_stale(person: Person, actor_of: ActorOf) -> Actor:
    from dataclasses import replace

    return replace(actor_of(person), stepped_up_at=None)


@pytest.mark.both_databases
def test_of_two_who_confirm_at_the_same_moment_one_does(
    administrator: Person, second: Person, third: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    request = ask(actor_of(administrator), radiologist)
    actors = [actor_of(second), actor_of(third)]
    barrier, given, raised = threading.Barrier(2), list[str](), list[str]()

    def confirm(actor: Actor) -> None:
        try:
            barrier.wait()
            given.append(approvals.approve(actor, request)[2])
        except AgainstRules as error:
            raised.append(error.rule)
        finally:
            connection.close()

    threads = [threading.Thread(target=confirm, args=(actor,)) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(given), raised) == (1, ["decided"])
    assert AuditEvent.objects.filter(action="person:factors-reset", outcome="ok").count() == 1
    assert people.knows(Person.objects.get(pk=radiologist.pk), given[0])


@pytest.mark.parametrize("ended", ["done", "refused", "withdrawn", "lapsed"])
def test_what_was_decided_or_lapsed_is_not_replayed(
    administrator: Person, second: Person, radiologist: Person, actor_of: ActorOf, ended: str
) -> None:
    request = ask(actor_of(administrator), radiologist)
    match ended:
        case "done":
            approvals.approve(actor_of(second), request)
        case "refused":
            approvals.refuse(actor_of(second), request)
        case "withdrawn":
            approvals.withdraw(actor_of(administrator), request)
        case _:
            Approval.objects.update(lapses_at=timezone.now() - timedelta(seconds=1))
    people.change_password(radiologist, PASSWORD)
    with pytest.raises(AgainstRules):
        approvals.approve(actor_of(second), request)
    with pytest.raises(AgainstRules):
        approvals.withdraw(actor_of(administrator), request)
    assert not is_reset(radiologist)
    assert [one.state for one in asked.listed(actor_of(second))] == [ended]
    assert ask(actor_of(administrator), radiologist) != request, "it can be asked for again"


@pytest.mark.parametrize("loss", ["disabled", "another role"])
def test_nothing_is_done_for_who_lost_the_right_meanwhile(
    administrator: Person, second: Person, third: Person, radiologist: Person, actor_of: ActorOf, loss: str
) -> None:
    request = ask(actor_of(second), radiologist)
    if loss == "disabled":
        people.disable(second)
    else:
        people.edit(second, roles=["clinician"], groups=[], full_name="")
    with pytest.raises(AgainstRules) as refused:
        approvals.approve(actor_of(third), request)
    assert refused.value.rule == "asker-lost"
    assert not is_reset(radiologist)


def test_who_lost_the_right_confirms_nothing_even_where_it_is_not_known_yet(
    administrator: Person, second: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    request, actor = ask(actor_of(administrator), radiologist), actor_of(second)
    Person.objects.filter(pk=second.pk).update(is_active=False)  # by a process whose news has not come
    with pytest.raises(Forbidden):
        approvals.approve(actor, request)
    assert not is_reset(radiologist)
    assert last("approval:decided")[:2] == ("second", "denied")


def test_the_same_is_not_asked_for_twice(administrator: Person, radiologist: Person, actor_of: ActorOf) -> None:
    ask(actor_of(administrator), radiologist)
    with pytest.raises(Unacceptable):
        ask(actor_of(administrator), radiologist)


def test_one_who_is_disabled_is_not_reset(
    administrator: Person, second: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    request = ask(actor_of(administrator), radiologist)
    people.disable(radiologist)
    with pytest.raises(AgainstRules):
        approvals.approve(actor_of(second), request)
    with pytest.raises(AgainstRules):
        ask(actor_of(administrator), radiologist)


@pytest.mark.parametrize("failing", [acts.find(resetting.NAME)])
def test_an_act_that_fails_leaves_the_request_open_and_nothing_half_done(
    administrator: Person,
    second: Person,
    radiologist: Person,
    actor_of: ActorOf,
    failing: acts.Kind,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    factors.issue(radiologist)
    request = ask(actor_of(administrator), radiologist)

    def broken(*_anything: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(people, "reset_password", broken)
    with pytest.raises(ZeroDivisionError):
        approvals.approve(actor_of(second), request)
    assert factors.enrolled(radiologist)
    assert Approval.objects.get(pk=request).state == "open"


def test_the_withdrawal_is_the_askers_alone(
    administrator: Person, second: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    request = ask(actor_of(administrator), radiologist)
    with pytest.raises(AgainstRules):
        approvals.withdraw(actor_of(second), request)
    assert Approval.objects.get(pk=request).state == "open"


def test_a_kind_that_asks_for_no_fresh_factor_is_not_taken() -> None:
    from dataclasses import replace

    from audit.actions import Action

    kind = acts.find(resetting.NAME)
    assert kind is not None
    with pytest.raises(ValueError, match="fresh"):
        acts.register(replace(kind, name="weak", action=Action.GROUP_CHANGED))
    assert acts.find("weak") is None
