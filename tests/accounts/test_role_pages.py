"""Roles in the browser: made, copied, renamed, edited and deleted, and read by those who watch."""

import re
from typing import Any

import pytest
from django.http import HttpResponse

from accounts import people, roles
from accounts.models import Person, Role
from audit import log
from audit.models import AuditEvent
from tests.accounts.browsing import Browser
from tests.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("installation")


def text(answer: HttpResponse) -> str:
    return answer.content.decode()


def seal(answer: HttpResponse) -> str:
    found = re.search(r'name="confirmed" value="([0-9a-f]{64})"', text(answer))
    assert found is not None, text(answer)
    return found[1]


@pytest.fixture
def admin(administrator: Person) -> Browser:
    return Browser().sign_in(administrator)


@pytest.fixture
def clinician(installation: Any) -> Role:
    return Role.objects.get(name="clinician")


def test_a_role_is_made_copied_renamed_given_and_deleted(admin: Browser, radiologist: Person) -> None:
    made = admin.send("/roles/new/", name="  Reading  room ", permissions=["study.search", "study.view"])
    assert made.status_code == 302
    role = Role.objects.get(name="Reading room")
    assert admin.send("/roles/new/", name="reading ROOM", permissions=[]).status_code == 422
    assert 'value="Reading room (copy)"' in text(admin.open(f"/roles/{role.id}/clone/"))
    copied = admin.send(f"/roles/{role.id}/clone/", name="Copy", permissions=["study.search"])
    assert copied.status_code == 302
    copy = Role.objects.get(name="Copy")
    asked = admin.send(f"/roles/{copy.id}/", name="Other", permissions=["study.search"])
    assert Role.objects.get(pk=copy.pk).name == "Copy", "nothing is saved before it is confirmed"
    entries: dict[str, Any] = {"name": "Other", "permissions": ["study.search"], "confirmed": seal(asked)}
    assert admin.send(f"/roles/{copy.id}/", **entries).status_code == 302
    assert admin.send(f"/people/{radiologist.id}/", roles=["Other"]).status_code == 302
    assert admin.send(f"/roles/{copy.id}/delete/").status_code == 422
    assert admin.send(f"/people/{radiologist.id}/", roles=["clinician"]).status_code == 302
    assert admin.send(f"/roles/{copy.id}/delete/").status_code == 302
    assert not Role.objects.filter(pk=copy.pk).exists()
    acts = AuditEvent.objects.filter(action="role:changed", outcome="ok").order_by("seq")
    assert [(log.open_details(one) or {})["act"] for one in acts] == ["created", "created", "edited", "deleted"]


def test_before_a_role_changes_the_page_names_who_gains_and_who_loses(
    admin: Browser, clinician: Role, radiologist: Person, outsider: Person
) -> None:
    roles.create("loader", ["study.download"])
    people.edit(outsider, roles=["clinician", "loader"], groups=[], full_name="")
    kept = ["study.search", "study.view", "study.store"]
    page = text(admin.send(f"/roles/{clinician.id}/", name="clinician", permissions=kept))
    rows = dict(re.findall(r'data-person="(\w+)">(.*?)</tr>', page))
    assert "download studies" in rows["radiologist"]
    assert "send images into the archive" in rows["radiologist"]
    assert "download studies" not in rows["outsider"], "another role still allows it"
    assert "study.download" in Role.objects.get(pk=clinician.pk).permissions


def test_a_confirmation_counts_only_for_what_was_shown(
    admin: Browser, clinician: Role, radiologist: Person, outsider: Person
) -> None:
    kept = ["study.search", "study.view"]
    shown = seal(admin.send(f"/roles/{clinician.id}/", name="clinician", permissions=kept))
    for forged in ("", "yes", "0" * 64):
        admin.send(f"/roles/{clinician.id}/", name="clinician", permissions=kept, confirmed=forged)
        assert "study.download" in Role.objects.get(pk=clinician.pk).permissions
    admin.send(f"/roles/{clinician.id}/", name="clinician", permissions=["study.search"], confirmed=shown)
    assert "study.view" in Role.objects.get(pk=clinician.pk).permissions
    people.edit(outsider, roles=[], groups=[], full_name="")
    again = admin.send(f"/roles/{clinician.id}/", name="clinician", permissions=kept, confirmed=shown)
    assert again.status_code == 200, "somebody else would be concerned now"
    assert (
        admin.send(f"/roles/{clinician.id}/", name="clinician", permissions=kept, confirmed=seal(again)).status_code
        == 302
    )
    assert Role.objects.get(pk=clinician.pk).permissions == kept


@pytest.mark.parametrize("permission", ["people.manage", "log.read", "keys.manage", "study.destroy", "groups.manage"])
def test_no_page_makes_a_role_of_what_must_be_apart(admin: Browser, clinician: Role, permission: str) -> None:
    both = ["study.view", permission]
    assert admin.send("/roles/new/", name="both", permissions=both).status_code == 422
    assert admin.send(f"/roles/{clinician.id}/clone/", name="both", permissions=both).status_code == 422
    assert admin.send(f"/roles/{clinician.id}/", name="clinician", permissions=both).status_code == 422
    assert not Role.objects.filter(name="both").exists()
    denied = AuditEvent.objects.filter(action="role:changed", outcome="denied")
    assert [(log.open_details(one) or {})["rule"] for one in denied] == ["duties"] * 3


def test_an_administrator_does_not_give_themselves_more_by_their_own_role(admin: Browser) -> None:
    role = Role.objects.get(name="administrator")
    answer = admin.send(f"/roles/{role.id}/", name="administrator", permissions=[*role.permissions, "backup.manage"])
    assert answer.status_code == 422
    assert "Nobody gives rights to themselves" in text(answer)
    assert AuditEvent.objects.filter(action="role:changed", outcome="denied").exists()


def test_the_privacy_officer_reads_every_role_and_changes_none(privacy_officer: Person, clinician: Role) -> None:
    browser = Browser().sign_in(privacy_officer)
    page = text(browser.open("/roles/"))
    held = set(re.findall(r'data-role="([\w ]+)" data-permission="([\w.-]+)"><span class="holds"', page))
    assert held == {(role.name, one) for role in Role.objects.all() for one in role.permissions}
    assert "/roles/new/" not in page
    shown = text(browser.open(f"/roles/{clinician.id}/"))
    assert "radiologist" in shown
    assert "<button>" not in shown.partition("<main")[2]
    for path in (
        "/roles/new/",
        f"/roles/{clinician.id}/",
        f"/roles/{clinician.id}/clone/",
        f"/roles/{clinician.id}/delete/",
    ):
        assert browser.send(path, name="mine", permissions=["people.manage"]).status_code == 403, path
    assert list(Role.objects.filter(name="mine")) == []
    assert AuditEvent.objects.filter(action="role:changed", outcome="denied", actor_name="privacy").count() == 4


def test_a_clinician_sees_no_roles(radiologist: Person, clinician: Role) -> None:
    browser = Browser().sign_in(radiologist)
    for path in ("/roles/", "/roles/new/", f"/roles/{clinician.id}/", "/roles/999999/"):
        assert browser.open(path).status_code == 403
        assert browser.send(path, permissions=["people.manage"]).status_code in (403, 405)


@pytest.mark.parametrize("number", ["0", "999999", "9" * 30])
def test_a_role_that_is_not_there_is_not_found(admin: Browser, number: str) -> None:
    for path in (f"/roles/{number}/", f"/roles/{number}/clone/", f"/roles/{number}/delete/"):
        assert admin.open(path).status_code == 404
        assert admin.send(path).status_code == 404


@pytest.mark.parametrize("name", ["", " ", "a, b", "x" * 61, "a\x00b", "line\nbreak\u202e"])
def test_a_bad_name_is_said_and_makes_nothing(admin: Browser, name: str) -> None:
    before = Role.objects.count()
    assert admin.send("/roles/new/", name=name, permissions=[]).status_code == 422
    assert Role.objects.count() == before


def test_a_name_that_is_mark_up_is_shown_as_it_is(admin: Browser, administrator: Person) -> None:
    admin.send("/roles/new/", name="<b>bold</b>", permissions=[])
    assert "<b>bold" not in text(admin.open("/roles/"))
    people.create("second", password=PASSWORD, roles=["<b>bold</b>"])
    assert "<b>bold" not in text(admin.open("/people/"))


def test_who_held_together_what_must_be_apart_before_is_named_and_can_be_put_right(
    admin: Browser, radiologist: Person, privacy_officer: Person
) -> None:
    assert "data-unsound" not in text(admin.open("/roles/"))
    radiologist.roles.add(Role.objects.get(name="privacy officer"))  # as an older version would have let it
    for browser in (admin, Browser().sign_in(privacy_officer)):
        assert set(re.findall(r'data-unsound="(\w+)"', text(browser.open("/roles/")))) == {"radiologist"}
    assert admin.send(f"/people/{radiologist.id}/", roles=["clinician"]).status_code == 302
    assert "data-unsound" not in text(admin.open("/roles/"))
