"""With `PACS_FOUR_EYES=off` a day, a notice and another fresh factor replace the second person, nothing less."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from accounts import approvals, people, resetting
from accounts.errors import AgainstRules, StepUpNeeded
from accounts.models import Approval, Person
from audit.models import Alert
from tests.accounts.test_approvals import ActorOf, actor_of_stale, ask, is_reset

pytestmark = pytest.mark.usefixtures("installation")


def a_day_later() -> None:
    """As if everything had been asked for a day earlier."""
    for row in Approval.objects.all():
        row.asked_at -= timedelta(days=1, minutes=1)
        row.lapses_at -= timedelta(days=1, minutes=1)
        row.alone_from = row.alone_from - timedelta(days=1, minutes=1) if row.alone_from else None
        row.save()


@pytest.fixture(autouse=True)
def off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "PACS_FOUR_EYES", False)


def test_one_person_waits_a_day_and_is_told_of(administrator: Person, radiologist: Person, actor_of: ActorOf) -> None:
    request = ask(actor_of(administrator), radiologist)
    assert "alone" in Alert.objects.get(kind="approval").message
    with pytest.raises(AgainstRules):
        approvals.approve(actor_of(administrator), request)
    a_day_later()
    kind, _subject, password = approvals.approve(actor_of(administrator), request)
    assert kind.name == resetting.NAME
    assert people.knows(Person.objects.get(pk=radiologist.pk), password)


def test_anybody_who_holds_the_permission_stops_it(
    administrator: Person, second: Person, radiologist: Person, actor_of: ActorOf
) -> None:
    request = ask(actor_of(administrator), radiologist)
    approvals.refuse(actor_of(second), request)
    a_day_later()
    with pytest.raises(AgainstRules):
        approvals.approve(actor_of(administrator), request)
    assert not is_reset(radiologist)


def test_the_factor_is_asked_for_again(administrator: Person, radiologist: Person, actor_of: ActorOf) -> None:
    request = ask(actor_of(administrator), radiologist)
    a_day_later()
    with pytest.raises(StepUpNeeded):
        approvals.approve(actor_of_stale(administrator, actor_of), request)


def test_whom_it_concerns_is_out_as_ever(administrator: Person, actor_of: ActorOf) -> None:
    with pytest.raises(AgainstRules):
        ask(actor_of(administrator), administrator)


def test_the_way_of_one_is_shut_once_the_setting_is_back(
    administrator: Person, radiologist: Person, actor_of: ActorOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask(actor_of(administrator), radiologist)
    a_day_later()
    monkeypatch.setattr(settings, "PACS_FOUR_EYES", True)
    with pytest.raises(AgainstRules):
        approvals.approve(actor_of(administrator), request)


def test_what_was_asked_of_two_is_not_done_by_one_because_the_setting_changed(
    administrator: Person, radiologist: Person, actor_of: ActorOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PACS_FOUR_EYES", True)
    request = ask(actor_of(administrator), radiologist)
    monkeypatch.setattr(settings, "PACS_FOUR_EYES", False)
    Approval.objects.update(lapses_at=timezone.now() + timedelta(days=3))
    with pytest.raises(AgainstRules):
        approvals.approve(actor_of(administrator), request)
