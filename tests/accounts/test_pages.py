"""The pages of people, groups, devices and oneself, as their readers use them."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse

from accounts import factors, identify, people, roles
from accounts.models import Device, Group, Person, Role, Token, TotpDevice
from audit import log
from audit.models import AuditEvent
from tests.accounts.browsing import Browser, code, fresh_code
from tests.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("installation")


def text(answer: HttpResponse) -> str:
    return answer.content.decode()


def details(action: str) -> dict[str, object]:
    return log.open_details(AuditEvent.objects.filter(action=action).latest("seq")) or {}


@pytest.fixture
def admin(administrator: Person) -> Browser:
    return Browser().sign_in(administrator)


def test_an_administrator_makes_a_group_and_a_clinician_who_signs_in(admin: Browser) -> None:
    assert admin.send("/groups/", name="  Neurology  ward ").status_code == 302
    assert Group.objects.filter(name="Neurology ward").exists()
    assert admin.send("/groups/", name="neurology WARD").status_code == 422
    answer = admin.send(
        "/people/new/", username="Nina", full_name="Nina Roth", roles=["clinician"], groups=["Neurology ward"]
    )
    given = re.search(r'id="initial-password">([^<]+)<', text(answer))
    assert given is not None
    nina = Person.objects.get(username="nina")
    assert [group.name for group in nina.groups.all()] == ["Neurology ward"]
    assert details("person:changed")["roles"] == ["clinician"]
    assert given[1] not in text(admin.open("/people/"))

    browser = Browser()
    browser.give_password(nina, given[1])
    browser.send("/sign-in/password/", new="four grey donkeys walk")
    browser.open("/sign-in/enrol/")
    uri = factors.uri(TotpDevice.objects.get(user=nina))
    assert browser.send("/sign-in/enrol/", code=code(uri)).status_code == 200
    assert browser.open("/me/").status_code == 200


@pytest.mark.parametrize("path", ["/people/", "/people/new/", "/groups/", "/devices/", "/devices/new/"])
def test_a_clinician_manages_nothing(radiologist: Person, path: str) -> None:
    browser = Browser().sign_in(radiologist)
    for answer in (browser.open(path), browser.send(path, name="x", username="x")):
        assert answer.status_code in (403, 405)
    assert AuditEvent.objects.filter(actor_name="radiologist", outcome="denied").exists()


def test_nobody_raises_their_own_rights(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    assert browser.send(f"/people/{radiologist.id}/", roles=["administrator"]).status_code == 403
    assert browser.send("/me/", language="en", theme="dark", roles="administrator").status_code == 302
    assert [role.name for role in radiologist.roles.all()] == ["clinician"]


def test_the_last_administrator_stays(admin: Browser, administrator: Person, radiologist: Person) -> None:
    assert admin.send(f"/people/{administrator.id}/disable/").status_code == 422
    assert admin.send(f"/people/{administrator.id}/", roles=["clinician"]).status_code == 422
    assert admin.open("/people/").status_code == 200
    people.edit(radiologist, roles=["administrator"], groups=[], full_name="")
    assert admin.send(f"/people/{administrator.id}/disable/").status_code == 302
    assert admin.open("/people/").status_code == 302


def test_a_person_is_disabled_and_enabled(admin: Browser, radiologist: Person) -> None:
    reader = Browser().sign_in(radiologist)
    assert admin.send(f"/people/{radiologist.id}/disable/").status_code == 302
    assert reader.open("/me/").status_code == 302
    assert "disabled" in text(admin.open("/people/"))
    assert admin.send(f"/people/{radiologist.id}/enable/").status_code == 302
    assert Browser().give_password(radiologist)["Location"] == "/sign-in/code/"


def test_unknown_people_and_devices_are_not_found(admin: Browser) -> None:
    nowhere = "00000000-0000-4000-8000-00000000dead"
    for path in (f"/people/{nowhere}/", f"/people/{nowhere}/disable/", f"/devices/{nowhere}/"):
        assert admin.open(path).status_code == 404
        assert admin.send(path).status_code == 404


def test_a_device_is_made_edited_and_disabled(admin: Browser) -> None:
    entries: dict[str, Any] = {
        "address": "10.1.2.0/24",
        "port": "104",
        "may": ["store", "find"],
        "groups": ["Radiology"],
    }
    assert admin.send("/devices/new/", ae_title="MR_1", **entries).status_code == 302
    device = Device.objects.get(ae_title="MR_1")
    assert (device.address, device.port, device.may) == ("10.1.2.0/24", 104, ["find", "store"])
    wrong = admin.send("/devices/new/", ae_title="MR_2", **{**entries, "address": "somewhere", "port": "x"})
    assert wrong.status_code == 422
    assert 'value="somewhere"' in text(wrong)
    assert admin.send(f"/devices/{device.id}/", **{**entries, "address": "10.1.2.9", "port": ""}).status_code == 302
    device.refresh_from_db()
    assert (device.address, device.port) == ("10.1.2.9/32", None)
    assert admin.send(f"/devices/{device.id}/active/").status_code == 302
    device.refresh_from_db()
    assert not device.is_active
    assert details("device:changed") == {"subject": "MR_1", "act": "disabled"}
    assert "disabled" in text(admin.open("/devices/"))


def test_language_and_theme_follow_the_person(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    page = text(browser.open("/me/"))
    assert 'lang="en"' in page
    assert 'data-theme="dark"' in page
    assert browser.send("/me/", language="fr", theme="light").status_code == 302
    page = text(browser.open("/me/"))
    assert 'lang="fr"' in page
    assert 'data-theme="light"' in page
    assert browser.send("/me/", language="xx", theme="light").status_code == 422
    assert browser.send("/me/", language="fr", theme="pink").status_code == 422


def test_a_person_makes_and_revokes_a_token(radiologist: Person, outsider: Person) -> None:
    browser = Browser().sign_in(radiologist)
    answer = browser.send("/me/tokens/", name="Script", scopes=["study.search"], days="30")
    secret = re.search(r'id="token">([^<]+)<', text(answer))
    assert secret is not None
    assert identify.token_actor(secret[1], "").verified
    page = text(browser.open("/me/"))
    assert "Script" in page
    assert secret[1] not in page
    token = Token.objects.get()
    assert Browser().sign_in(outsider).send(f"/me/tokens/{token.id}/revoke/").status_code == 404
    assert identify.token_actor(secret[1], "").verified
    assert browser.send(f"/me/tokens/{token.id}/revoke/").status_code == 302
    assert not identify.token_actor(secret[1], "").verified
    assert browser.send("/me/tokens/", name="Too much", scopes=["people.manage"], days="30").status_code == 422
    assert browser.send("/me/tokens/", name="Too long", scopes=["study.search"], days="4000").status_code == 422


def test_recovery_codes_are_replaced(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    _uri, old = factors.issue(radiologist)
    answer = text(browser.send("/me/recovery-codes/"))
    new = re.findall(r"<li>([a-z2-7-]{29})</li>", answer)
    assert len(new) == 10
    assert factors.prove(radiologist, old[0]) is None
    TotpDevice.objects.update(throttling_failure_count=0)
    assert factors.prove(radiologist, new[0]) == "recovery code"


def test_signing_in_by_recovery_code_raises_an_alert(radiologist: Person) -> None:
    from audit.models import Alert

    _uri, codes = factors.issue(radiologist)
    browser = Browser()
    browser.give_password(radiologist)
    assert browser.send("/sign-in/code/", code=codes[0]).status_code == 302
    assert Alert.objects.filter(kind="recovery-code-used", subject="radiologist").exists()


def test_a_role_that_lost_a_permission_loses_it_at_once(admin: Browser) -> None:
    assert admin.open("/devices/new/").status_code == 200
    role = Role.objects.get(name="administrator")
    roles.allow(role, [value for value in role.permissions if value != "devices.manage"])
    assert admin.open("/devices/new/").status_code == 403


def test_pages_carry_no_inline_script_or_style() -> None:
    for template in sorted(Path(settings.BASE_DIR, "templates", "accounts").glob("*.html")):
        source = template.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|javascript:", source), template.name


def test_what_a_person_typed_is_escaped(admin: Browser) -> None:
    admin.send("/people/new/", username="mallory", full_name="<script>alert(1)</script>", roles=["clinician"])
    assert "<script>alert(1)" not in text(admin.open("/people/"))


def test_a_step_up_is_asked_before_a_form_is_filled_in(administrator: Person) -> None:
    from accounts.models import Session

    browser = Browser().sign_in(administrator)
    Session.objects.update(stepped_up_at=None)
    assert browser.open("/people/new/")["Location"].startswith("/step-up/")
    answer = browser.send(f"/people/{administrator.id}/disable/")
    assert answer.status_code in (302, 303)
    assert answer["Location"].startswith("/step-up/")
    browser.send("/step-up/", code=fresh_code(administrator), next="/people/")
    assert browser.open("/people/new/").status_code == 200


def test_built_in_roles_are_named_in_the_readers_language_and_own_ones_as_they_are(
    admin: Browser, administrator: Person, privacy_officer: Person
) -> None:
    Role.objects.create(name="keeper of films", permissions=[])
    nina = people.create("nina", password=PASSWORD, roles=["privacy officer", "keeper of films"])
    for reader in (administrator, privacy_officer):
        people.prefer(reader, language="fr", theme="dark")
    listed, form = text(admin.open("/people/")), text(admin.open(f"/people/{nina.id}/"))
    shown = {frozenset(cell.split(", ")) for cell in re.findall(r"<td>([^<]+)</td>", listed)}
    assert frozenset({"keeper of films", "délégué à la protection des données"}) in shown
    for name, french in (("clinician", "clinicien"), ("keeper", "gardien des clés")):
        assert re.search(rf'value="{name}"> {french}<', form), name
    assert admin.send(f"/people/{nina.id}/", full_name="", roles=["keeper"], groups=[]).status_code == 302
    assert details("person:changed")["roles"] == ["keeper"], "the record keeps the one name"
    record = text(Browser().sign_in(privacy_officer).open("/record/"))
    assert '<span class="muted small">administrateur</span>' in record
