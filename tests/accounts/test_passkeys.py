"""Passkeys are a factor equal to codes: made and used under a host of ours, by their person, there and then."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts import factors, people, sessions
from accounts.factors import passkeys
from accounts.models import Challenge, Passkey, Person, RecoveryCode, Session
from audit.models import Alert
from tests.accounts.authenticator import Authenticator, Named
from tests.accounts.browsing import Browser, fresh_code
from tests.accounts.recorded import events
from tests.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("installation")


@pytest.fixture
def key(radiologist: Person) -> Authenticator:
    """The radiologist's only factor."""
    key, browser = Authenticator(), Named()
    browser.give_password(radiologist)
    assert browser.make(key, "/sign-in/enrol/").status_code == 200
    return key


def half(person: Person) -> Named:
    browser = Named()
    browser.give_password(person)
    return browser


def test_a_first_passkey_enrols_signs_in_and_brings_recovery_codes(radiologist: Person) -> None:
    browser = Named()
    assert browser.give_password(radiologist)["Location"] == "/sign-in/enrol/"
    page = browser.open("/sign-in/enrol/").content.decode()
    assert 'data-passkey="create"' in page
    answer = browser.make(Authenticator(), "/sign-in/enrol/")
    assert 'id="recovery-codes"' in answer.content.decode()
    assert RecoveryCode.objects.filter(person=radiologist).count() == 10
    assert factors.enrolled(radiologist)
    assert not factors.has_app(radiologist)
    assert browser.open("/me/").status_code == 200
    assert events("person:enrolled") == [("radiologist", "ok")]
    assert half(radiologist).open("/sign-in/enrol/")["Location"] == "/sign-in/code/"


def test_a_passkey_signs_in_after_the_password_and_the_session_key_changes(
    radiologist: Person, key: Authenticator
) -> None:
    browser = half(radiologist)
    before = browser.session_key
    assert 'data-passkey="get"' in browser.open("/sign-in/code/").content.decode()
    assert browser.open("/me/").status_code == 302
    assert browser.use(key)["Location"] == "/"
    assert browser.open("/me/").status_code == 200
    assert browser.session_key != before
    assert not Session.objects.filter(pk=sessions.row_key(before)).exists()
    assert events("person:sign-in")[-1] == ("radiologist", "ok")


def test_a_passkey_is_a_fresh_factor_for_five_minutes(radiologist: Person, key: Authenticator) -> None:
    browser = half(radiologist)
    browser.use(key)
    Session.objects.update(stepped_up_at=timezone.now() - timedelta(seconds=301))
    assert browser.open("/me/passkeys/")["Location"] == "/step-up/?next=%2Fme%2Fpasskeys%2F"
    assert browser.use(key, "/step-up/", tampered=True).status_code == 422
    assert browser.open("/me/passkeys/").status_code == 302
    assert browser.use(key, "/step-up/")["Location"] == "/"
    assert browser.open("/me/passkeys/").status_code == 200
    assert events("person:step-up") == [("radiologist", "denied"), ("radiologist", "ok")]


def test_who_lost_the_passkey_gets_in_by_a_recovery_code_once(radiologist: Person) -> None:
    browser = half(radiologist)
    codes = browser.make(Authenticator(), "/sign-in/enrol/").context["codes"]
    again = half(radiologist)
    assert again.send("/sign-in/code/", code="123456").status_code == 422
    assert again.send("/sign-in/code/", code=codes[0])["Location"] == "/"
    assert half(radiologist).send("/sign-in/code/", code=codes[0]).status_code == 422
    assert Alert.objects.filter(kind="recovery-code-used").exists()


def test_adding_another_needs_a_fresh_factor_ends_other_sessions_where_asked_and_raises_an_alert(
    radiologist: Person, key: Authenticator
) -> None:
    browser, other = half(radiologist), half(radiologist)
    browser.use(key), other.use(key)
    Session.objects.update(stepped_up_at=timezone.now() - timedelta(seconds=301))
    assert browser.send("/passkeys/offer/").status_code in (302, 403)
    browser.use(key, "/step-up/")
    answer = Authenticator().make(browser.wishes("/passkeys/offer/"))
    assert browser.send("/me/passkeys/", credential=answer, name="a second", others="")["Location"] == "/me/passkeys/"
    assert other.open("/me/").status_code == 200
    answer = Authenticator().make(browser.wishes("/passkeys/offer/"))
    browser.send("/me/passkeys/", credential=answer, name="a third", others="yes")
    assert other.open("/me/").status_code == 302
    assert [one.name for one in passkeys.of(radiologist)] == ["", "a second", "a third"]
    assert Alert.objects.get(kind="passkeys-changed").times == 2
    assert events("person:own-passkey") == [("radiologist", "denied"), ("radiologist", "ok"), ("radiologist", "ok")]


def test_renaming_and_removing_but_never_the_last_factor(radiologist: Person, key: Authenticator) -> None:
    browser, other = half(radiologist), half(radiologist)
    browser.use(key), other.use(key)
    (first,) = passkeys.of(radiologist)
    browser.send(f"/me/passkeys/{first.id}/", name="  my\n telephone ")
    assert [one.name for one in passkeys.of(radiologist)] == ["my telephone"]
    assert browser.send(f"/me/passkeys/{first.id}/remove/").status_code == 422
    assert other.open("/me/").status_code == 200
    second = Authenticator()
    browser.send("/me/passkeys/", credential=second.make(browser.wishes("/passkeys/offer/")), others="")
    assert browser.send(f"/me/passkeys/{first.id}/remove/").status_code == 302
    assert other.open("/me/").status_code == 302
    assert half(radiologist).use(key).status_code == 422
    assert half(radiologist).use(second).status_code == 302


def test_a_passkey_of_somebody_else_is_as_if_there_were_none(
    outsider: Person, radiologist: Person, key: object
) -> None:
    (theirs,) = passkeys.of(radiologist)
    browser = Browser().sign_in(outsider)
    for path in (f"/me/passkeys/{theirs.id}/", f"/me/passkeys/{theirs.id}/remove/"):
        assert browser.send(path, name="mine").status_code == 404
    assert passkeys.of(radiologist) == [theirs]
    assert events("person:own-passkey") == [("outsider", "not-found")] * 2


def test_a_reset_takes_passkeys_away_too(radiologist: Person, key: Authenticator) -> None:
    browser = half(radiologist)
    browser.use(key)
    call_command("person", "reset-factors", "radiologist", stdout=StringIO())
    assert not Passkey.objects.exists()
    assert browser.open("/me/").status_code == 302
    people.change_password(radiologist, PASSWORD)
    assert half(radiologist).open("/sign-in/code/")["Location"] == "/sign-in/enrol/"


def test_the_password_alone_makes_no_passkey_for_who_has_a_factor(radiologist: Person) -> None:
    factors.issue(radiologist)
    browser = half(radiologist)
    assert browser.send("/passkeys/offer/").status_code == 404
    assert browser.send("/passkeys/ask/").status_code == 404
    assert browser.send("/sign-in/enrol/", credential=Authenticator().make({"challenge": "x", "user": {"id": ""}}))[
        "Location"
    ] == ("/sign-in/code/")
    assert not Passkey.objects.exists()
    assert browser.send("/sign-in/code/", code=fresh_code(radiologist)).status_code == 302


def test_under_an_address_or_a_strange_host_there_are_no_passkeys(radiologist: Person, key: Authenticator) -> None:
    for host in ("127.0.0.1", "[::1]:8443"):
        browser = half(radiologist)
        browser.defaults["HTTP_HOST"] = host
        browser.defaults["HTTP_REFERER"] = f"https://{host}/"
        assert "data-passkey" not in browser.open("/sign-in/code/").content.decode()
        assert browser.send("/passkeys/ask/").status_code == 404
    for host in ("evil.test", "localhost.evil.test", "xlocalhost", ".localhost"):
        assert not passkeys.usable(host)


def test_challenges_do_not_pile_up(radiologist: Person, key: Authenticator) -> None:
    browser = half(radiologist)
    for _time in range(3):
        browser.wishes("/passkeys/ask/")
    assert Challenge.objects.count() == 1
    Challenge.objects.update(expires_at=timezone.now())
    half(radiologist).wishes("/passkeys/ask/")
    assert Challenge.objects.count() == 1


def test_nobody_keeps_more_than_ten(radiologist: Person, key: Authenticator) -> None:
    browser = half(radiologist)
    browser.use(key)
    for number in range(passkeys.MOST - 1):
        assert browser.make(Authenticator()).status_code == 302, number
    assert browser.send("/passkeys/offer/").status_code == 404
    assert len(passkeys.of(radiologist)) == passkeys.MOST
