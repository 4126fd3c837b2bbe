"""An authenticator app is added beside a passkey and taken away by its person, freshly proved, never as the last."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import factors, own_app
from accounts.actors import Actor
from accounts.errors import Refused, Unacceptable
from accounts.factors import passkeys
from accounts.models import Person, Session, TotpDevice
from audit.models import Alert
from tests import people
from tests.accounts.authenticator import Authenticator, Named
from tests.accounts.browsing import Browser, code, fresh_code
from tests.accounts.recorded import events
from tests.accounts.test_rights import at_once

pytestmark = pytest.mark.usefixtures("installation")
APP = "/me/app/"


@pytest.fixture
def key(radiologist: Person) -> Authenticator:
    """The radiologist's only factor."""
    key, browser = Authenticator(), Named()
    browser.give_password(radiologist)
    assert browser.make(key, "/sign-in/enrol/").status_code == 200
    return key


def signed_in(person: Person, key: Authenticator) -> Named:
    browser = Named()
    browser.give_password(person)
    assert browser.use(key).status_code == 302
    return browser


def shown(person: Person) -> str:
    """The code that the app shows which was scanned last."""
    return code(factors.uri(TotpDevice.objects.get(user=person, confirmed=False)))


def test_who_began_with_a_passkey_adds_an_app_and_signs_in_with_either(radiologist: Person, key: Authenticator) -> None:
    browser, other = signed_in(radiologist, key), signed_in(radiologist, key)
    page = browser.open(APP).content.decode()
    device = TotpDevice.objects.get(user=radiologist)
    assert factors.secret(device)[:4] in page
    assert not factors.has_app(radiologist), "looking adds nothing"
    assert browser.send(APP, code="000000").status_code == 422
    assert not factors.has_app(radiologist)
    TotpDevice.objects.update(throttling_failure_count=0)
    assert browser.send(APP, code=shown(radiologist), others="yes")["Location"] == "/me/"
    assert factors.has_app(radiologist)
    assert other.open("/me/").status_code == 302
    assert factors.secret(device)[:4] not in browser.open(APP).content.decode(), "the key is shown no more"
    Browser().sign_in(radiologist)
    signed_in(radiologist, key)
    assert events("person:own-app") == [("radiologist", "ok")]
    assert Alert.objects.filter(kind="app-changed", subject="radiologist").exists()


def test_a_stale_factor_sees_no_key_and_changes_nothing(radiologist: Person, key: Authenticator) -> None:
    browser = signed_in(radiologist, key)
    browser.open(APP)
    right = shown(radiologist)
    Session.objects.update(stepped_up_at=timezone.now() - timedelta(seconds=301))
    assert browser.open(APP)["Location"].startswith("/step-up/")
    assert browser.send(APP, code=right)["Location"].startswith("/step-up/")
    assert not factors.has_app(radiologist)
    factors.offer_anew(radiologist)
    TotpDevice.objects.update(confirmed=True)
    assert browser.send(f"{APP}remove/")["Location"].startswith("/step-up/")
    assert factors.has_app(radiologist)


def test_each_look_shows_another_key_and_the_one_before_is_dead(radiologist: Person, key: Authenticator) -> None:
    browser = signed_in(radiologist, key)
    browser.open(APP)
    seen_by_somebody = shown(radiologist)
    browser.open(APP)
    assert browser.send(APP, code=seen_by_somebody).status_code == 422
    assert not factors.has_app(radiologist)


def test_a_second_app_does_not_come_in_place_of_the_first(radiologist: Person, key: Authenticator) -> None:
    factors.issue(radiologist)
    browser = Browser().sign_in(radiologist)
    kept = TotpDevice.objects.get(user=radiologist)
    waiting = factors.offer_anew(radiologist)
    assert browser.send(APP, code=code(factors.uri(waiting))).status_code == 422
    assert b'id="secret"' not in browser.open(APP).content
    assert TotpDevice.objects.get(user=radiologist, confirmed=True).pk == kept.pk


def test_the_last_factor_stays_and_another_may_go(radiologist: Person) -> None:
    browser, other = Named(), Named()
    for one in (browser, other):
        one.sign_in(radiologist)
    assert browser.send(f"{APP}remove/").status_code == 422
    assert factors.has_app(radiologist)
    assert other.open("/me/").status_code == 200
    key = Authenticator()
    assert browser.make(key).status_code == 302
    other.sign_in(radiologist)
    assert browser.send(f"{APP}remove/")["Location"] == "/me/"
    assert not TotpDevice.objects.filter(user=radiologist).exists()
    assert other.open("/me/").status_code == 302
    (passkey,) = passkeys.of(radiologist)
    assert browser.send(f"/me/passkeys/{passkey.id}/remove/").status_code == 422
    assert events("person:own-app")[-1] == ("radiologist", "ok")
    assert browser.send(f"{APP}remove/").status_code == 404


def test_nobody_comes_to_the_app_of_another(radiologist: Person, outsider: Person, key: Authenticator) -> None:
    signed_in(radiologist, key).open(APP)
    theirs = shown(radiologist)
    Browser().sign_in(outsider).send(APP, code=theirs)
    assert not factors.has_app(radiologist)
    half = Named()
    half.give_password(radiologist)
    for answer in (half.open(APP), half.send(APP, code=theirs), half.send(f"{APP}remove/")):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in/")
    assert not factors.has_app(radiologist)


@pytest.mark.both_databases
def test_of_two_who_add_at_the_same_moment_one_does(radiologist: Person, key: Authenticator) -> None:
    actor = people.actor(radiologist)
    own_app.offer(actor)
    right = shown(radiologist)
    raised = at_once(*(lambda: own_app.add(actor, right, end_others=False) for _one in range(2)))
    assert raised == ["Unacceptable"]
    assert TotpDevice.objects.filter(user=radiologist, confirmed=True).count() == 1


@pytest.mark.both_databases
def test_app_and_passkey_taken_away_at_the_same_moment_leave_one(radiologist: Person, key: Authenticator) -> None:
    from accounts import own_passkeys

    device = factors.offer_anew(radiologist)
    TotpDevice.objects.filter(pk=device.pk).update(confirmed=True)
    (passkey,) = passkeys.of(radiologist)
    actor = people.actor(radiologist)
    raised = at_once(lambda: own_app.remove(actor), lambda: own_passkeys.remove(actor, passkey.id))
    assert len(raised) == 1
    assert factors.enrolled(radiologist)


def test_a_code_that_added_the_app_is_used_up(radiologist: Person, key: Authenticator) -> None:
    actor: Actor = people.actor(radiologist)
    own_app.offer(actor)
    right = shown(radiologist)
    own_app.add(actor, right, end_others=False)
    browser = Named()
    browser.give_password(radiologist)
    assert browser.send("/sign-in/code/", code=right).status_code == 422
    assert browser.send("/sign-in/code/", code=fresh_code(radiologist)).status_code == 302
    with pytest.raises((Refused, Unacceptable)):
        own_app.add(actor, right, end_others=False)
