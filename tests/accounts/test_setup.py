"""The first administrator, and nobody else, comes through the one-time link."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import factors, setup_links
from accounts.errors import Unacceptable
from accounts.models import Person, SetupLink, TotpDevice
from audit.models import AuditEvent
from tests.accounts.browsing import Browser, code

pytestmark = pytest.mark.usefixtures("empty")
PASSWORD = "four grey donkeys walk"


@pytest.fixture
def empty(installation: object) -> None:
    """An installation in which nobody is yet."""
    Person.objects.all().delete()


def redeem(token: str, username: str = "ada") -> Person:
    return setup_links.redeem(token, username=username, full_name="Ada", password=PASSWORD, address="127.0.0.1")


def test_the_link_makes_one_administrator_who_enrols_at_once() -> None:
    browser, token = Browser(), setup_links.issue()
    assert token not in browser.open("/setup/").content.decode()
    answer = browser.send("/setup/", token=token, username="Ada", full_name="Ada K", password=PASSWORD)
    assert answer["Location"] == "/sign-in/enrol/"
    assert browser.open("/people/").status_code == 302
    browser.open("/sign-in/enrol/")
    uri = factors.uri(TotpDevice.objects.get())
    assert browser.send("/sign-in/enrol/", code=code(uri)).status_code == 200
    assert browser.open("/people/").status_code == 200
    assert browser.open("/studies/").status_code == 403
    person = Person.objects.get()
    assert (person.username, [role.name for role in person.roles.all()]) == ("ada", ["administrator"])
    acts = AuditEvent.objects.filter(action="setup:link", outcome="ok").values_list("actor_kind", flat=True)
    assert list(acts) == ["shell", "person"]


def test_the_link_is_dead_once_used_and_once_there_is_a_person() -> None:
    token = setup_links.issue()
    redeem(token)
    with pytest.raises(Unacceptable):
        redeem(token, "eve")
    with pytest.raises(Unacceptable):
        setup_links.issue()
    assert Browser().send("/setup/", token=token, username="eve", password=PASSWORD).status_code == 422
    assert Person.objects.count() == 1


def test_the_link_lasts_an_hour() -> None:
    token = setup_links.issue()
    SetupLink.objects.update(expires_at=timezone.now() + timedelta(minutes=59) - timedelta(hours=1))
    assert not setup_links.waiting()
    with pytest.raises(Unacceptable):
        redeem(token)


def test_only_the_newest_link_works() -> None:
    first, second = setup_links.issue(), setup_links.issue()
    with pytest.raises(Unacceptable):
        redeem(first)
    redeem(second)


@pytest.mark.parametrize("token", ["", "x", "é" * 40, "0" * 10_000])
def test_a_guessed_token_is_refused_and_on_record(token: str) -> None:
    setup_links.issue()
    with pytest.raises(Unacceptable):
        redeem(token)
    assert AuditEvent.objects.filter(action="setup:link", outcome="denied").exists()
    assert not Person.objects.exists()


def test_a_bad_password_leaves_the_link_usable() -> None:
    token = setup_links.issue()
    browser = Browser()
    answer = browser.send("/setup/", token=token, username="ada", password="short")
    assert answer.status_code == 422
    assert not Person.objects.exists()
    redeem(token)


@pytest.mark.both_databases
def test_of_ten_at_once_one_becomes_administrator() -> None:
    token = setup_links.issue()

    def come(number: int) -> bool:
        try:
            redeem(token, f"ada{number}")
        except Unacceptable:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(come, range(10))).count(True) == 1
    assert Person.objects.count() == 1


def test_the_token_is_kept_as_a_digest() -> None:
    token = setup_links.issue()
    assert token not in str(SetupLink.objects.values()[0])
