"""Epochs and installation keys: one of each however many ask at once, bound to root, epoch and purpose."""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.utils import IntegrityError

from keystore import checks, keys, roots
from keystore.errors import KeyGoneError, KeystoreError, RootKeyError
from keystore.memory import Memory
from keystore.models import EpochKey, InstallationKey
from keystore.models import Installation as InstallationRow
from tests.conftest import Installation
from vault.errors import Tampered
from vault.objects import EMPTY_SLOTS
from vault.random import new_secret

both = pytest.mark.both_databases


def at_once(count: int, ask: Callable[[], keys.Key]) -> list[keys.Key]:
    """What ``count`` threads, each with a connection and an empty memory of its own, get when they ask together."""
    gate = Barrier(count)

    def one(_: int) -> keys.Key:
        gate.wait()
        try:
            return ask()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


@both
def test_initialise_makes_everything_once(installation: Installation) -> None:
    before = (keys.installation_uuid(), sorted(InstallationKey.objects.values_list("id", "purpose")))
    keys.initialise()
    keys.forget()
    keys.initialise()
    assert before == (keys.installation_uuid(), sorted(InstallationKey.objects.values_list("id", "purpose")))
    assert {purpose for _, purpose in before[1]} >= set(keys.PURPOSES)
    assert EpochKey.objects.count() == 1


@both
def test_a_second_installation_row_is_refused(installation: Installation) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        InstallationRow.objects.create(id=2)


@both
def test_everybody_who_asks_at_once_gets_the_same_new_key(installation: Installation) -> None:
    found = at_once(8, lambda: keys.installation_key("log", "2031"))
    assert len(set(found)) == 1
    assert InstallationKey.objects.filter(purpose="log", label="2031").count() == 1


@both
def test_everybody_who_asks_at_once_gets_the_same_new_epoch(installation: Installation) -> None:
    EpochKey.objects.update(created_at=datetime.now(UTC) - timedelta(days=40))
    keys.forget()
    found = at_once(8, keys.current_epoch)
    assert len(set(found)) == 1
    assert sorted(EpochKey.objects.values_list("number", flat=True)) == [1, 2]


@both
def test_processes_agree_on_a_new_key(installation: Installation) -> None:
    program = (
        "import django; django.setup(); from keystore import keys; "
        "print(keys.installation_key('log', '2032').id, keys.current_epoch().id)"
    )
    EpochKey.objects.update(created_at=datetime.now(UTC) - timedelta(days=40))
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program], env=installation.environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = {process.communicate(timeout=60)[0] for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    assert len(said) == 1


def undone(ask: Callable[[], keys.Key]) -> keys.Key:
    """What ``ask`` gives inside a transaction that is then rolled back."""
    with transaction.atomic():
        key = ask()
        assert ask() == key
        transaction.set_rollback(True)
    return key


@both
def test_a_key_made_in_a_transaction_that_failed_is_not_remembered(installation: Installation) -> None:
    lost = undone(lambda: keys.installation_key("log", "2033"))
    assert not InstallationKey.objects.filter(label="2033").exists()
    assert keys.installation_key("log", "2033") != lost


@both
def test_an_epoch_made_in_a_transaction_that_failed_is_not_remembered(installation: Installation) -> None:
    EpochKey.objects.update(created_at=datetime.now(UTC) - timedelta(days=40))
    keys.forget()
    gone = undone(keys.current_epoch)
    epoch_id, _ = keys.wrap_under_epoch(uuid4(), new_secret())
    assert epoch_id != gone.id
    assert EpochKey.objects.filter(id=epoch_id).exists()


def test_a_new_month_has_a_new_epoch_and_old_ones_still_open(installation: Installation) -> None:
    secret, key_id = new_secret(), uuid4()
    first, wrapped = keys.wrap_under_epoch(key_id, secret)
    EpochKey.objects.update(created_at=datetime.now(UTC) - timedelta(days=40))
    keys.forget()
    second, _ = keys.wrap_under_epoch(key_id, secret)
    assert first != second
    assert keys.unwrap_under_epoch(first, key_id, wrapped) == secret


def test_an_epoch_of_a_month_ahead_of_this_clock_is_used(installation: Installation) -> None:
    EpochKey.objects.update(created_at=datetime.now(UTC) + timedelta(days=40))
    keys.forget()
    keys.current_epoch()
    assert EpochKey.objects.count() == 1


def test_nothing_new_is_wrapped_under_an_ended_epoch(installation: Installation) -> None:
    ended = keys.current_epoch()
    EpochKey.objects.update(ended_at=datetime.now(UTC))
    keys.forget()
    assert keys.current_epoch().id != ended.id


def test_a_destroyed_epoch_opens_nothing(installation: Installation) -> None:
    key_id = uuid4()
    epoch_id, wrapped = keys.wrap_under_epoch(key_id, new_secret())
    EpochKey.objects.update(ended_at=datetime.now(UTC), wrapped=b"")
    keys.forget()
    with pytest.raises(KeyGoneError):
        keys.unwrap_under_epoch(epoch_id, key_id, wrapped)
    with pytest.raises(KeyGoneError):
        keys.unwrap_under_epoch(uuid4(), key_id, wrapped)


def test_a_wrapped_key_opens_only_under_its_epoch_id_and_slots(installation: Installation) -> None:
    secret, key_id = new_secret(), uuid4()
    first, wrapped = keys.wrap_under_epoch(key_id, secret, (b"1.2.3", b"", b""))
    EpochKey.objects.update(created_at=datetime.now(UTC) - timedelta(days=40))
    keys.forget()
    second, other = keys.wrap_under_epoch(key_id, secret, (b"1.2.3", b"", b""))
    assert keys.unwrap_under_epoch(first, key_id, wrapped, (b"1.2.3", b"", b"")) == secret
    for epoch_id, named, stored, slots in (
        (second, key_id, wrapped, (b"1.2.3", b"", b"")),
        (first, uuid4(), wrapped, (b"1.2.3", b"", b"")),
        (first, key_id, other, (b"1.2.3", b"", b"")),
        (first, key_id, wrapped, (b"1.2.4", b"", b"")),
        (first, key_id, wrapped, EMPTY_SLOTS),
    ):
        with pytest.raises(Tampered):
            keys.unwrap_under_epoch(epoch_id, named, stored, slots)


def test_keys_of_two_purposes_cannot_change_places(installation: Installation) -> None:
    token = InstallationKey.objects.get(purpose="token")
    field = InstallationKey.objects.get(purpose="field")
    token.purpose = "swapping"
    token.save()
    field.purpose = "token"
    field.save()
    keys.forget()
    with pytest.raises(KeystoreError):
        keys.installation_key("token")


def test_another_root_key_is_refused_in_an_operators_words(installation: Installation) -> None:
    other = installation.root / "other.key"
    roots.create_file(other)
    settings.PACS_KEK_URL = f"file:{other}"
    keys.forget()
    with pytest.raises(RootKeyError, match="is not the one that wrapped"):
        checks.start_check()
    with pytest.raises(RootKeyError):
        keys.installation_key("token")
    with pytest.raises(RootKeyError):
        keys.wrap_under_epoch(uuid4(), new_secret())


def test_a_damaged_epoch_row_is_refused(installation: Installation) -> None:
    row = EpochKey.objects.get()
    row.wrapped = bytes(row.wrapped)[:-1] + bytes([bytes(row.wrapped)[-1] ^ 1])
    row.save()
    with pytest.raises(RootKeyError, match="does not open"):
        checks.start_check()


class Forgetful(roots.FileRoot):
    """A provider that gives back another key than it was given, as a failing device may."""

    def unwrap(self, key_id: UUID, wrapped: bytes) -> bytes:
        return new_secret()


def test_a_root_that_does_not_give_back_what_it_wrapped_is_refused(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roots, "from_url", lambda url: Forgetful(installation.root, new_secret()))
    with pytest.raises(RootKeyError, match="does not give back"):
        checks.start_check()


@both
def test_the_start_check_passes_and_makes_the_months_epoch(installation: Installation) -> None:
    checks.start_check()
    EpochKey.objects.update(created_at=datetime.now(UTC) - timedelta(days=40))
    checks.start_check()
    assert EpochKey.objects.count() == 2


def test_keys_stay_in_memory_for_a_minute_at_most(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("keystore.memory.monotonic", lambda: now)
    known = keys.installation_key("token")
    InstallationKey.objects.filter(purpose="token").update(purpose="moved")
    now += 59
    assert keys.installation_key("token") == known
    now += 2
    assert keys.installation_key("token") != known


def test_forgetting_empties_the_memory(installation: Installation) -> None:
    known = keys.installation_key("token")
    InstallationKey.objects.filter(purpose="token").update(purpose="moved")
    assert keys.installation_key("token") == known
    keys.forget()
    assert keys.installation_key("token") != known


def test_the_memory_is_bounded() -> None:
    memory = Memory(60, 3)
    for number in range(10):
        memory.put(number, keys.Key(uuid4(), new_secret()))
    assert [number for number in range(10) if memory.get(number)] == [7, 8, 9]


def test_an_idle_process_gives_its_keys_up() -> None:
    memory = Memory(0.1, 3)
    memory.put("first", keys.Key(uuid4(), new_secret()))
    time.sleep(0.05)
    memory.put("second", keys.Key(uuid4(), new_secret()))
    assert len(memory) == 2
    until = time.monotonic() + 5
    while len(memory) and time.monotonic() < until:
        time.sleep(0.02)
    assert len(memory) == 0


def test_an_unwrapped_key_does_not_show_itself() -> None:
    key = keys.Key(uuid4(), new_secret())
    assert str(key.id) in repr(key)
    assert "secret" not in repr(key)
    assert repr(key.secret)[2:-1] not in f"{key!r} {key}"


def test_columns_have_keys_of_their_own(installation: Installation) -> None:
    one, two = keys.column_key("patient_name"), keys.column_key("patient_id")
    assert len({one, two, keys.installation_key("token").secret}) == 3
    keys.forget()
    assert keys.column_key("patient_name") == one


def test_no_secret_stands_in_the_database(installation: Installation) -> None:
    secrets = [keys.installation_key(purpose).secret for purpose in keys.PURPOSES]
    secrets += [keys.current_epoch().secret]
    connection.close()
    stored = b"".join(path.read_bytes() for path in installation.data.rglob("*") if path.is_file())
    assert len(stored) > 10_000
    assert not [secret for secret in secrets if secret in stored]


def test_before_set_up_the_installation_has_no_name(installation: Installation) -> None:
    InstallationRow.objects.all().delete()
    with pytest.raises(KeystoreError, match="setup"):
        keys.installation_uuid()
