"""Another root: all epochs pass to it or none, wherever the command is killed; then the old one is worth nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.errors import Forbidden
from archive.keeping import cleaning, rotating, status
from audit import log
from audit.models import AuditEvent
from keystore import checks, epochs, keys, roots
from keystore.errors import RootKeyError
from keystore.models import EpochKey
from tests.accounts.recorded import events
from tests.archive.keeping.conftest import Actors, Held, on_disk

pytestmark = pytest.mark.both_databases


def another_month() -> None:
    """Let the present epoch be of an earlier month, and a new one be made."""
    EpochKey.objects.update(created_at=datetime.now(UTC) - timedelta(days=40))
    keys.forget()
    keys.current_epoch()


def test_after_a_rotation_everything_opens_with_the_new_root_and_nothing_with_the_old(held: Held) -> None:
    another_month()
    old, before = settings.PACS_KEK_URL, [bytes(row.wrapped) for row in EpochKey.objects.all()]
    assert all(wrapped in on_disk(held.place, "keystore_epochkey") for wrapped in before)
    done = held.command("rotate", "--to", held.new_root, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["epochs"] == 2
    assert not any(wrapped in on_disk(held.place, "keystore_epochkey") for wrapped in before)
    held.use(held.new_root)
    checks.start_check()
    assert held.opens()
    held.use(old)
    with pytest.raises(RootKeyError, match="PACS_KEK_URL") as refused:
        checks.start_check()
    assert "new root" in str(refused.value)
    served = held.command("status", url=old)
    assert held.new_root.removeprefix("file:") not in served.stdout


@pytest.mark.parametrize(
    ("place", "when", "passed"),
    [
        ("keystore.rotation.rewrap", "before", False),
        ("keystore.rotation._pass", "after", False),
        ("keystore.rotation.rewrap", "after", False),
        ("audit.log.append", "after", False),
        ("archive.keeping.cleaning.clean", "before", True),
        ("archive.erasing._checkpointed", "before", True),
    ],
)
@pytest.mark.one_database
def test_killed_at_any_instant_either_root_opens_everything_and_given_again_it_ends_well(
    held: Held, place: str, when: str, passed: bool
) -> None:
    if place.endswith("_checkpointed") and "postgres" in held.place.database_url:
        place = "archive.erasing._anew"
    another_month()
    old, wrapped = settings.PACS_KEK_URL, [bytes(row.wrapped) for row in EpochKey.objects.all()]
    held.killed(place, when, 1, "rotate", "--to", held.new_root)
    held.use(held.new_root if passed else old)
    checks.start_check()
    assert held.opens()
    held.use(old)
    again = held.command("rotate", "--to", held.new_root, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["epochs"] == (0 if passed else 2)
    held.use(held.new_root)
    assert held.opens()
    assert events("key:rotated")[-1][1] == "ok"
    assert len(events("key:rotated")) == 1
    assert not any(one in on_disk(held.place, "keystore_epochkey") for one in wrapped)


def test_a_process_with_the_old_root_makes_no_epoch_after_the_rotation(held: Held) -> None:
    old = settings.PACS_KEK_URL
    call_command("keys", "rotate", "--to", held.new_root)
    held.use(old)
    EpochKey.objects.update(created_at=datetime.now(UTC) - timedelta(days=40))
    for act in (keys.current_epoch, epochs.make, lambda: keys.wrap_under_epoch(uuid4(), bytes(32))):
        with pytest.raises(RootKeyError, match="new root"):
            act()
    assert EpochKey.objects.count() == 1
    held.use(held.new_root)
    keys.current_epoch()
    assert EpochKey.objects.count() == 2


def test_a_root_that_holds_some_of_the_epochs_passes_the_others(held: Held) -> None:
    old = settings.PACS_KEK_URL
    another_month()
    first = EpochKey.objects.get(number=1)
    call_command("keys", "rotate", "--to", held.new_root)
    # A copy of one row from before, as a careless restore may leave it.
    EpochKey.objects.filter(number=1).update(wrapped=first.wrapped, root_id=first.root_id)
    held.use(old)
    call_command("keys", "rotate", "--to", held.new_root)
    held.use(held.new_root)
    assert held.opens()


def test_with_neither_root_right_nothing_changes(held: Held) -> None:
    stranger = held.place.root / "stranger.key"
    roots.create_file(stranger)
    held.use(f"file:{stranger}")
    before = list(EpochKey.objects.values_list("root_id", flat=True))
    with pytest.raises(CommandError, match="restore that one"):
        call_command("keys", "rotate", "--to", held.new_root)
    assert list(EpochKey.objects.values_list("root_id", flat=True)) == before
    assert not AuditEvent.objects.filter(action="key:rotated", outcome="ok").exists()


@pytest.mark.parametrize("url", ["file:relative.key", "file:/nowhere/root.key", "nonsense", "file:"])
def test_a_root_that_is_not_there_is_refused_in_words(held: Held, url: str) -> None:
    with pytest.raises(CommandError):
        call_command("keys", "rotate", "--to", url)
    assert held.opens()


def test_who_may_not_manage_keys_neither_looks_nor_rotates(
    held: Held, radiologist: Any, administrator: Any, privacy_officer: Any, actor_of: Actors
) -> None:
    for person in (radiologist, administrator, privacy_officer):
        for act in (status.look, cleaning.clean, lambda actor: rotating.rotate(actor, held.new_root)):
            with pytest.raises(Forbidden):
                act(actor_of(person))
    assert {outcome for _, outcome in events("key:rotated")} == {"denied"}
    assert held.opens()


def test_the_event_names_both_roots_and_nothing_that_is_secret(held: Held) -> None:
    old = roots.from_url(settings.PACS_KEK_URL)
    secrets = [keys.current_epoch().secret, old.secret, roots.from_url(held.new_root).secret]  # type: ignore[attr-defined]
    done = held.command("rotate", "--to", held.new_root, "--json")
    held.use(held.new_root)
    event = AuditEvent.objects.get(action="key:rotated")
    told = log.open_details(event)
    assert told is not None
    assert told["from"] == [str(old.id)]
    assert told["subject"] == json.loads(done.stdout)["root_id"]
    for secret in secrets:
        for spelt in (secret.hex(), secret.decode("latin-1")):
            assert spelt not in done.stdout + done.stderr + json.dumps(told)


def test_the_status_tells_of_root_and_epochs_and_of_no_key(held: Held) -> None:
    another_month()
    done = held.command("status", "--json")
    told = json.loads(done.stdout)
    assert told["root"] == f"file {held.place.root / 'root.key'}"
    assert told["recovery"] == "none"
    first, second = told["epochs"]
    assert (first["number"], first["state"], first["study_keys"], first["patient_keys"]) == (1, "living", 3, 3)
    assert first["installation_keys"] > 5
    assert (second["number"], second["state"], second["study_keys"]) == (2, "present", 0)
    assert "present" in held.command("status").stdout


def test_a_new_root_file_is_made_once_and_never_over_another(held: Held) -> None:
    path = held.place.root / "keys" / "third.key"
    told = json.loads(held.command("create-root", str(path), "--json").stdout)
    assert told["url"] == f"file:{path}"
    assert path.stat().st_mode & 0o777 == 0o400
    assert "never overwritten" in held.command("create-root", str(path)).stderr
    assert held.command("create-root", str(held.place.data / "root.key")).returncode != 0
