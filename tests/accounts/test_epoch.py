"""The access epoch: every change raises it, every process knows within a second or says nothing."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from accounts import devices, epoch, groups, people, roles, sessions, tokens
from accounts.errors import RightsUnknown
from accounts.models import AccessEpoch, Device, Person, Role
from audit.errors import LogUnavailable

pytestmark = pytest.mark.usefixtures("installation")


def stored() -> int:
    return AccessEpoch.objects.get(pk=1).number


def lose_the_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {AccessEpoch._meta.db_table} RENAME TO gone")


def find_the_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE gone RENAME TO {AccessEpoch._meta.db_table}")


def test_it_rises_only_inside_the_transaction_of_a_change() -> None:
    with pytest.raises(RuntimeError):
        epoch.raise_()
    before = stored()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        _raise_and_fail()
    assert stored() == before
    with transaction.atomic():
        epoch.raise_()
    assert stored() == epoch.number() == before + 1


def _raise_and_fail() -> None:
    epoch.raise_()
    raise ZeroDivisionError


CHANGES: dict[str, Callable[[Person, Device], object]] = {
    "a person is made": lambda _p, _d: people.create("new.person", password="four grey donkeys walk"),
    "a person is edited": lambda p, _d: people.edit(p, roles=["clinician"], groups=[], full_name=""),
    "a person is disabled": lambda p, _d: people.disable(p),
    "a person is enabled": lambda p, _d: people.enable(p),
    "a password is changed": lambda p, _d: people.change_password(p, "four grey donkeys walk"),
    "a password is reset": lambda p, _d: people.reset_password(p),
    "a role is edited": lambda _p, _d: roles.allow(Role.objects.get(name="clinician"), []),
    "a group is made": lambda _p, _d: groups.create("New"),
    "a device is made": lambda _p, _d: devices.create("NEW", "10.0.0.1"),
    "a device is edited": lambda _p, d: devices.edit(d, "10.0.0.1", [], [], None),
    "a device is disabled": lambda _p, d: devices.set_active(d, active=False),
    "a token is made": lambda p, _d: tokens.create(p),
    "a token is revoked": lambda p, _d: tokens.revoke(tokens.create(p)[0]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_rises_when(radiologist: Person, modality: Device, change: str) -> None:
    before = stored()
    CHANGES[change](radiologist, modality)
    assert stored() > before


def test_it_rises_when_sessions_end(radiologist: Person) -> None:
    for end in (sessions.end_all, lambda person: sessions.end_named(person, "0" * 16)):
        before = stored()
        with transaction.atomic():
            end(radiologist)
        assert stored() > before


@pytest.mark.both_databases
def test_a_watching_process_learns_within_a_second_of_a_change_made_elsewhere() -> None:
    epoch.start()
    before = epoch.number()

    def elsewhere() -> None:
        try:
            AccessEpoch.objects.filter(pk=1).update(number=before + 1)
        finally:
            connection.close()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    ends = time.monotonic() + 2.0
    while epoch.number() == before and time.monotonic() < ends:
        time.sleep(0.05)
    assert epoch.number() == before + 1


def test_after_two_seconds_without_a_good_read_nothing_is_served_and_it_recovers() -> None:
    epoch.start()
    epoch.check()
    lose_the_table()
    began = time.monotonic()

    def serve_on() -> None:
        while time.monotonic() - began < 4:
            epoch.check()
            time.sleep(0.05)

    with pytest.raises(RightsUnknown):
        serve_on()
    assert time.monotonic() - began <= 2.3
    find_the_table()
    time.sleep(1.5)
    epoch.check()


def test_without_a_thread_it_is_read_in_place() -> None:
    before = epoch.number()
    AccessEpoch.objects.filter(pk=1).update(number=before + 5)
    assert epoch.number() == before + 5
    lose_the_table()
    with pytest.raises(LogUnavailable):
        epoch.check()
    find_the_table()


def test_the_thread_may_be_started_twice_and_ends() -> None:
    epoch.start()
    epoch.start()
    assert [thread.name for thread in threading.enumerate()].count("access-epoch") == 1
    epoch.stop()
    assert "access-epoch" not in [thread.name for thread in threading.enumerate()]


def test_a_known_number_never_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow read that began before a change must not hide what a faster one has seen since."""
    epoch.start()
    with transaction.atomic():
        epoch.raise_()
    known = epoch.number()
    AccessEpoch.objects.filter(pk=1).update(number=known - 1)
    epoch._read()
    assert epoch.number() == known
    AccessEpoch.objects.filter(pk=1).update(number=known)
