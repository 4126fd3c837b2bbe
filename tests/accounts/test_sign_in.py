"""Both factors, in order, every time: what is wrong looks wrong alike, what was used is used."""

import re

import pytest

from accounts import factors, people, sessions
from accounts.models import Attempt, Person, Session, TotpDevice
from audit.models import AuditEvent
from tests.accounts.browsing import Browser, code, fresh_code
from tests.accounts.recorded import events, make_the_log_unwritable
from tests.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("installation")


def test_password_and_code_sign_in_and_stand_in_the_log(radiologist: Person) -> None:
    browser = Browser()
    factors.issue(radiologist)
    assert browser.give_password(radiologist)["Location"] == "/sign-in/code/"
    assert browser.open("/me/").status_code == 302
    assert browser.send("/sign-in/code/", code=fresh_code(radiologist))["Location"] == "/"
    assert browser.open("/me/").status_code == 200
    assert events("person:sign-in")[-1] == ("radiologist", "ok")
    event = AuditEvent.objects.filter(action="person:sign-in").latest("seq")
    assert event.actor_session == sessions.row_key(browser.session_key)[:16]
    assert event.actor_address == "127.0.0.1"


def test_the_session_key_changes_at_each_step_and_the_old_one_is_dead(radiologist: Person) -> None:
    factors.issue(radiologist)
    browser = Browser()
    browser.cookies["__Host-session"] = planted = "a" * 32
    browser.give_password(radiologist)
    after_password = browser.session_key
    browser.send("/sign-in/code/", code=fresh_code(radiologist))
    after_code = browser.session_key
    assert len({planted, after_password, after_code}) == 3
    for old in (planted, after_password):
        thief = Browser()
        thief.cookies["__Host-session"] = old
        assert thief.open("/me/").status_code == 302
        assert not Session.objects.filter(pk=sessions.row_key(old)).exists()


def test_the_table_of_sessions_opens_no_session(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    row = Session.objects.get(person=radiologist)
    assert browser.session_key not in (row.pk, row.session_data)
    thief = Browser()
    thief.cookies["__Host-session"] = row.pk
    assert thief.open("/me/").status_code == 302


def test_the_first_sign_in_forces_enrolment_and_shows_recovery_codes_once(radiologist: Person) -> None:
    browser = Browser()
    assert browser.give_password(radiologist)["Location"] == "/sign-in/enrol/"
    assert browser.open("/sign-in/code/")["Location"] == "/sign-in/enrol/"
    shown = browser.open("/sign-in/enrol/").content.decode()
    assert "data:image/svg+xml" in shown
    device = TotpDevice.objects.get(user=radiologist, confirmed=False)
    assert factors.secret(device)[:4] in shown
    assert browser.send("/sign-in/enrol/", code="000000").status_code == 422
    assert browser.open("/me/").status_code == 302
    TotpDevice.objects.update(throttling_failure_count=0)
    answer = browser.send("/sign-in/enrol/", code=code(factors.uri(device)))
    codes = re.findall(r"<li>([a-z2-7-]{29})</li>", answer.content.decode())
    assert len(codes) == 10
    assert browser.open("/me/").status_code == 200
    assert browser.open("/sign-in/enrol/").status_code == 302
    assert events("person:enrolled") == [("radiologist", "ok")]


def test_an_initial_password_is_replaced_before_anything_else(radiologist: Person) -> None:
    given = people.reset_password(radiologist)
    browser = Browser()
    assert browser.give_password(radiologist, given)["Location"] == "/sign-in/password/"
    for step in ("/sign-in/code/", "/sign-in/enrol/"):
        assert browser.open(step)["Location"] == "/sign-in/password/"
    assert browser.send("/sign-in/password/", new=given).status_code == 422
    assert browser.send("/sign-in/password/", new="short").status_code == 422
    assert browser.send("/sign-in/password/", new="another horse battery staple")["Location"] == "/sign-in/enrol/"
    assert Browser().give_password(radiologist, given).status_code == 422


def test_wrong_name_wrong_password_and_disabled_person_look_alike(radiologist: Person, outsider: Person) -> None:
    people.disable(outsider)
    bodies = []
    for name, password in (("nobody.here", PASSWORD), ("radiologist", "wrong password!"), ("outsider", PASSWORD)):
        answer = Browser().send("/sign-in/", username=name, password=password)
        assert answer.status_code == 422
        text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"|content="\w{64}"', "", answer.content.decode())
        bodies.append(text.replace(name, "NAME"))
    assert bodies[0] == bodies[1] == bodies[2]


def test_what_was_typed_as_a_name_is_kept_nowhere(radiologist: Person) -> None:
    typed = "my-secret-password-typed-too-early"
    Browser().send("/sign-in/", username=typed, password="x")
    for event in AuditEvent.objects.all():
        assert typed not in event.actor_name
    assert not Attempt.objects.filter(key__contains=typed).exists()
    assert events("person:sign-in") == [("-", "denied")]


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/studies/", "/studies/"),
        ("https://evil.test/", "/"),
        ("//evil.test/", "/"),
        ("/\\evil.test", "/"),
        ("javascript:alert(1)", "/"),
        ("studies/", "/"),
    ],
)
def test_signing_in_leads_only_to_paths_of_ours(radiologist: Person, wanted: str, path: str) -> None:
    factors.issue(radiologist)
    browser = Browser()
    browser.give_password(radiologist)
    assert browser.send("/sign-in/code/", code=fresh_code(radiologist), next=wanted)["Location"] == path


def test_sign_out_ends_the_session_and_clears_the_browser(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    key = browser.session_key
    answer = browser.send("/sign-out/")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert not Session.objects.filter(pk=sessions.row_key(key)).exists()
    browser.cookies["__Host-session"] = key
    assert browser.open("/me/").status_code == 302
    assert events("person:sign-out") == [("radiologist", "ok")]


def test_nobody_signs_in_while_the_log_cannot_be_written(radiologist: Person) -> None:
    factors.issue(radiologist)
    browser = Browser()
    browser.give_password(radiologist)
    make_the_log_unwritable()
    assert browser.send("/sign-in/code/", code=fresh_code(radiologist)).status_code == 503
    assert not Session.objects.filter(verified_at__isnull=False).exists()
