"""Power where nobody else could confirm: a day, an alert, and no way to come by that unseen."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import approvals, asked, identify, people, power, roles
from accounts.actors import Actor
from accounts.errors import AgainstRules, Unacceptable
from accounts.models import Approval, Person
from audit import alerts
from audit.models import Alert
from tests.accounts.test_power import give, held
from tests.accounts.test_without_four_eyes import a_day_later
from tests.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("installation")
ActorOf = Callable[[Any], Actor]


def test_an_administrator_alone_waits_a_day_and_is_told_of(
    administrator: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    people.edit(radiologist, roles=[], groups=[], full_name="")
    request = give(actor_of(administrator), radiologist, "administrator")
    assert "Nobody else could confirm it" in Alert.objects.get(kind="approval").message
    with pytest.raises(AgainstRules):
        approvals.approve(actor_of(administrator), request)
    a_day_later()
    assert asked.one(actor_of(administrator), request).may == {"withdraw", "approve"}
    approvals.approve(actor_of(administrator), request)
    assert held(radiologist) == {"administrator"}
    assert "alone" in Alert.objects.get(kind="power-given").message


def test_who_disables_the_others_first_is_told_of_and_waits_all_the_same(
    administrator: Person, second: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    people.edit(radiologist, roles=[], groups=[], full_name="")
    actor = actor_of(administrator)
    waiting = give(actor, radiologist, "keeper")
    people.disable(second, by=actor)
    alert = Alert.objects.get(kind="one-left")
    assert (alert.subject, "second" in alert.message) == ("administrator", True)
    assert not alerts.see(alert.id, "administrator"), "whom it names does not put it away"
    Approval.objects.update(lapses_at=timezone.now() + timedelta(days=3))
    with pytest.raises(AgainstRules) as refused:
        approvals.approve(actor_of(administrator), waiting)
    assert refused.value.rule == "asker", "what was asked of two is not done by one because the other went"
    approvals.withdraw(actor_of(administrator), waiting)
    again = give(actor_of(administrator), radiologist, "keeper")
    with pytest.raises(AgainstRules):
        approvals.approve(actor_of(administrator), again)
    assert held(radiologist) == set()
    assert alerts.see(alert.id, "privacy")


@pytest.mark.parametrize("taken", ["role", "permission"])
def test_taking_the_power_of_the_others_is_told_as_well(
    administrator: Person, second: Person, actor_of: ActorOf, taken: str
) -> None:
    other = roles.create("other administrators", ["people.manage"])
    people.edit(second, roles=[other.name], groups=[], full_name="")
    if taken == "role":
        people.edit(second, roles=[], groups=[], full_name="", by=actor_of(administrator))
    else:
        roles.allow(other, [], by=actor_of(administrator))
    assert Alert.objects.get(kind="one-left").subject == "administrator"


def test_whoever_comes_to_manage_people_meanwhile_confirms_and_disabling_them_does_not_bring_the_way_of_one_back(
    administrator: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    people.edit(radiologist, roles=[], groups=[], full_name="")
    request = give(actor_of(administrator), radiologist, "keeper")
    newcomer = people.create("newcomer", password=PASSWORD, roles=["administrator"])
    a_day_later()
    for _with_and_without in range(2):
        with pytest.raises(AgainstRules) as refused:
            approvals.approve(actor_of(administrator), request)
        assert refused.value.rule == "asker"
        people.disable(newcomer)
    assert held(radiologist) == set()


def test_a_lost_factor_and_a_destruction_do_not_lead_on_alone(
    administrator: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    request = approvals.ask(actor_of(administrator), "reset-factors", str(radiologist.id), concerns=radiologist.id)
    assert Approval.objects.get(pk=request).alone_from is None


def test_the_same_person_waits_once_and_nothing_of_the_second_change_is_done(
    administrator: Person, second: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    people.edit(radiologist, roles=[], groups=[], full_name="before")
    give(actor_of(administrator), radiologist, "keeper")
    with pytest.raises(Unacceptable):
        give(actor_of(second), radiologist, "technologist", "administrator")
    assert held(radiologist) == set()


def test_whoever_runs_the_machine_waits_for_nobody_and_is_told_of(radiologist: Person) -> None:
    people.create("nina", password=PASSWORD, roles=["administrator"], by=identify.shell("owner"))
    alert = Alert.objects.get(kind="power-given")
    assert (alert.subject, "owner" in alert.message) == ("nina", True)


def test_lapsed_power_is_not_given(
    administrator: Person, second: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    people.edit(radiologist, roles=[], groups=[], full_name="")
    request = give(actor_of(administrator), radiologist, "keeper")
    row = Approval.objects.get(pk=request)
    assert power.waiting(radiologist) == row
    Approval.objects.update(lapses_at=row.lapses_at - timedelta(days=1, seconds=1))
    with pytest.raises(AgainstRules) as refused:
        approvals.approve(actor_of(second), request)
    assert refused.value.rule == "lapsed"
    assert power.waiting(radiologist) is None
    assert held(radiologist) == set()
