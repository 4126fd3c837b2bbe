"""Guessing is slowed wherever it comes from, and holds nobody up where they signed in before."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from django.utils import timezone

from accounts import attempts, factors, places
from accounts.models import Attempt, KnownPlace, Person
from audit.models import Alert
from tests.accounts.browsing import Browser
from tests.accounts.recorded import events

pytestmark = pytest.mark.usefixtures("installation")
WRONG = "wrong password!"


def at(address: str, browser: Browser | None = None) -> Browser:
    found = browser or Browser()
    found.defaults["REMOTE_ADDR"] = address
    return found


def gets_in(browser: Browser, person: Person) -> bool:
    return browser.give_password(person).status_code == HTTPStatus.FOUND


def guess_everywhere(person: Person, times: int = attempts.NAME.free) -> None:
    """Slow guessing of one name from many addresses, none of which is held up by itself."""
    for number in range(times):
        assert attempts.begin(person.username, f"10.1.{number // 250}.{number % 250 + 1}", person).may


def test_guessing_from_many_addresses_is_slowed_for_strange_places_alone(radiologist: Person) -> None:
    own = at("192.0.2.7").sign_in(radiologist)
    guess_everywhere(radiologist, attempts.NAME.free - 1)
    at("10.2.0.1").give_password(radiologist, WRONG)
    assert not gets_in(at("198.51.100.9"), radiologist)
    assert events("person:locked") == [("radiologist", "denied")]
    assert "never was" in Alert.objects.get(kind="sign-in-locked").message
    # The known browser gets in from anywhere, the known address with any browser.
    assert gets_in(at("198.51.100.9", own), radiologist)
    assert gets_in(at("192.0.2.7"), radiologist)
    Attempt.objects.update(last_at=timezone.now() - attempts.FIRST_WAIT)
    assert gets_in(at("198.51.100.9"), radiologist)


def test_what_strangers_do_goes_on_being_slowed_while_the_doctor_comes_and_goes(radiologist: Person) -> None:
    own = at("192.0.2.7").sign_in(radiologist)
    guess_everywhere(radiologist)
    for _time in range(3):
        assert gets_in(own, radiologist)
    assert not attempts.begin("radiologist", "10.9.9.9", radiologist).may


def test_a_known_browser_is_held_up_by_its_own_guesses(radiologist: Person) -> None:
    own = at("192.0.2.7").sign_in(radiologist)
    for _try in range(attempts.FREE):
        own.give_password(radiologist, WRONG)
    assert not gets_in(own, radiologist)
    assert gets_in(at("192.0.2.7"), radiologist)


def test_a_browser_known_for_one_person_is_strange_for_another(radiologist: Person, outsider: Person) -> None:
    own = at("192.0.2.7").sign_in(radiologist)
    guess_everywhere(outsider)
    assert not gets_in(own, outsider)
    forged = at("10.4.4.4")
    forged.cookies[places.COOKIE] = "x" * 500
    assert not gets_in(forged, outsider)


def test_many_names_from_one_address_are_slowed_and_told_and_known_browsers_get_in(
    radiologist: Person, outsider: Person
) -> None:
    own = at("192.0.2.7").sign_in(radiologist)
    for number in range(attempts.ADDRESS.free - 1):
        attempts.begin(f"name{number}", "192.0.2.7")
    sprayer = at("192.0.2.7")
    sprayer.give_password(outsider, WRONG)
    assert not gets_in(sprayer, outsider)
    assert Alert.objects.get(kind="sign-in-spraying").subject == "192.0.2.7"
    assert gets_in(own, radiologist)
    assert gets_in(at("192.0.2.8"), outsider)


def test_signing_in_with_an_account_of_ones_own_buys_no_guesses(radiologist: Person, outsider: Person) -> None:
    for number in range(attempts.ADDRESS.free - 1):
        attempts.begin(f"name{number}", "192.0.2.7")
    assert gets_in(at("192.0.2.7"), outsider)
    at("192.0.2.7").give_password(radiologist, WRONG)
    assert not gets_in(at("192.0.2.7"), outsider)


def test_a_subscriber_of_ipv6_is_one_address() -> None:
    assert attempts.network("2001:db8:1:2::1") == attempts.network("2001:db8:1:2:ffff::9")
    assert attempts.network("2001:db8:1:2::1") != attempts.network("2001:db8:1:3::1")


@pytest.mark.timeout(300)
def test_a_flood_of_names_does_not_fill_the_table(radiologist: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1000):
        attempts.begin(f"name{number}", "192.0.2.7")
    assert Attempt.objects.count() <= attempts.ADDRESS.free + 1 + attempts.DECOYS
    guess_everywhere(radiologist)
    monkeypatch.setattr(attempts, "MOST_KEPT", 300)
    now = timezone.now()
    Attempt.objects.bulk_create(
        Attempt(key=f"{number:064d}", kind="place", last_at=now - timedelta(minutes=1)) for number in range(100_000)
    )
    for number in range(200):
        attempts.begin(f"name{number}", f"10.{number}.0.1")
    assert Attempt.objects.exclude(kind="decoy").count() <= 300 + 2 + Person.objects.count()
    # The oldest went; how often the name itself was tried is not forgotten.
    assert not attempts.begin("radiologist", "10.9.9.9", radiologist).may


def test_who_reads_alerts_sees_whose_sign_in_waits_and_lets_them_in(
    radiologist: Person, privacy_officer: Person, administrator: Person
) -> None:
    guess_everywhere(radiologist)
    assert not attempts.begin("radiologist", "10.9.9.9", radiologist).may
    officer = at("192.0.2.1").sign_in(privacy_officer)
    assert "radiologist" in officer.open("/people/locked/").content.decode()
    assert officer.send(f"/people/{radiologist.id}/unlock/").status_code == HTTPStatus.FOUND
    assert "radiologist" not in officer.open("/people/locked/").content.decode()
    assert events("person:unlocked") == [("privacy", "ok")]
    assert gets_in(at("198.51.100.9"), radiologist)
    assert at("192.0.2.2").sign_in(administrator).open("/people/locked/").status_code == HTTPStatus.OK


def test_places_are_few_digests_learnt_by_both_factors_and_gone_with_a_reset(radiologist: Person) -> None:
    browser = at("192.0.2.7")
    browser.give_password(radiologist)
    assert not KnownPlace.objects.exists()
    browser.sign_in(radiologist)
    cookie = browser.cookies[places.COOKIE]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, True, "Lax", "/")
    assert cookie.value not in KnownPlace.objects.values_list("digest", flat=True)
    for number in range(places.MOST * 2):
        places.learn(radiologist, f"10.0.0.{number}", cookie.value)
    assert KnownPlace.objects.count() == places.MOST
    assert places.known(radiologist, "192.0.2.7", cookie.value) == "browser"
    factors.reset(radiologist)
    assert not KnownPlace.objects.exists()
