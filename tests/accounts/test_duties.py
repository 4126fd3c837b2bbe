"""What one person must not hold together is refused by whatever way it would come about."""

from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts import duties, people, roles
from accounts.duties import APART
from accounts.errors import AgainstRules, Unacceptable
from accounts.models import Person, Role
from accounts.permission_words import KEPT_BACK, offered
from accounts.policy import ROLES, Permission
from audit import log
from audit.models import AuditEvent
from tests.accounts.browsing import Browser
from tests.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("installation")

# Written by hand beside the table of the program: whoever takes one of these out of it must take it out here, too.
MUST_BE_APART = [
    *product(["people.manage"], ["study.search", "study.view", "study.download", "study.reconcile", "log.read"]),
    *product(["groups.manage", "log.read"], ["study.search", "study.view", "study.download", "study.reconcile"]),
    *product(["keys.manage", "keys.export"], ["study.search", "study.view", "study.download", "study.reconcile"]),
    *product(["study.destroy"], ["study.trash", "study.hold", "study.view", "study.search"]),
    ("break-glass.review", "study.break-glass"),
]


@pytest.mark.parametrize(("one", "other"), MUST_BE_APART)
def test_two_roles_of_one_person_do_not_bring_together_what_must_be_apart(one: str, other: str) -> None:
    for name, permission in (("one", one), ("other", other)):
        roles.create(name, [permission])
    people.create("nina", password=PASSWORD, roles=["one"])
    people.create("noah", password=PASSWORD, roles=["other"])
    for username in ("nina", "noah"):
        person = Person.objects.get(username=username)
        before = list(person.roles.values_list("name", flat=True))
        with pytest.raises(AgainstRules):
            people.edit(person, roles=["one", "other"], groups=[], full_name="")
        assert list(person.roles.values_list("name", flat=True)) == before
    with pytest.raises(AgainstRules):
        roles.create("both", [one, other])
    with pytest.raises(AgainstRules):
        people.create("both", password=PASSWORD, roles=["one", "other"])
    assert not Person.objects.filter(username="both").exists()


def test_a_role_that_is_edited_is_checked_for_everybody_who_holds_it_the_disabled_too(radiologist: Person) -> None:
    helper = roles.create("helper", ["system.see"])
    people.edit(radiologist, roles=["clinician", "helper"], groups=[], full_name="")
    people.disable(radiologist)
    with pytest.raises(AgainstRules) as refused:
        roles.allow(helper, ["log.read"])
    assert "radiologist" in str(refused.value)
    assert Role.objects.get(pk=helper.pk).permissions == ["system.see"]


def test_the_starting_roles_are_sound_and_three_people_suffice() -> None:
    for name, permissions in ROLES.items():
        duties.require(name, permissions)
    reading = ROLES["clinician"] | ROLES["technologist"]
    managing = ROLES["administrator"] | ROLES["keeper"]
    watching = ROLES["privacy officer"]
    for name, permissions in (("reading", reading), ("managing", managing), ("watching", watching)):
        duties.require(name, permissions)
    # Who of a study's own people may let others in is for each house to say.
    assert reading | managing | watching == set(offered()) - {Permission.STUDY_GRANT, Permission.STUDY_SHARE}


def test_no_setting_loosens_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "PACS_FOUR_EYES", False)
    with pytest.raises(AgainstRules):
        people.create("all", password=PASSWORD, roles=["administrator", "clinician"])


def test_the_shell_is_refused_as_a_page_is() -> None:
    with pytest.raises(CommandError):
        call_command("person", "add", "all", "--role", "administrator", "--role", "clinician")
    assert not Person.objects.filter(username="all").exists()
    event = AuditEvent.objects.filter(action="person:changed").latest("seq")
    assert (event.outcome, event.actor_kind) == ("denied", "shell")


def test_a_refusal_names_the_reason_and_is_on_record(administrator: Person, radiologist: Person) -> None:
    browser = Browser().sign_in(administrator)
    answer = browser.send(f"/people/{radiologist.id}/", roles=["clinician", "administrator"])
    assert answer.status_code == 422
    assert "an administrator sees no images by being one" in answer.content.decode()
    event = AuditEvent.objects.filter(action="person:changed").latest("seq")
    assert event.outcome == "denied"
    assert (log.open_details(event) or {})["rule"] == "duties"


@given(held=st.sets(st.sampled_from(sorted(Permission))))
def test_what_is_found_sound_stays_sound_with_less(held: set[Permission]) -> None:
    try:
        duties.require("x", held)
    except Unacceptable:
        return
    for one in held:
        duties.require("x", held - {one})


def test_every_permission_has_words_or_is_kept_back() -> None:
    assert set(offered()) | KEPT_BACK == set(Permission)
    assert not set(offered()) & KEPT_BACK
    assert all(pair.one and pair.other and str(pair.reason) for pair in APART)


@pytest.mark.parametrize("hostile", ["own", "study.derive", "almighty", "", "x" * 5000, "study.view "])
def test_a_role_holds_nothing_that_is_not_offered(hostile: str, administrator: Any) -> None:
    with pytest.raises(Unacceptable):
        roles.create("strange", [hostile])
    assert not Role.objects.filter(name="strange").exists()
