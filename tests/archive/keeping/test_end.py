"""The end of an epoch: everything under it passes to another, whoever stores or dies meanwhile, and its key is gone."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from accounts import epoch as access_epoch
from accounts import identify
from accounts.errors import Forbidden
from archive import ingest, keys
from archive.keeping import ending
from archive.models import StudyKey
from audit import log
from audit.models import AuditEvent
from keystore import keys as keystore
from keystore.ending import begin
from keystore.models import EpochKey, InstallationKey
from keystore.opening import memory
from tests import builders
from tests.accounts.recorded import events
from tests.archive.keeping.conftest import Actors, Held, on_disk
from tests.archive.keeping.test_rotate import another_month

pytestmark = pytest.mark.both_databases
TABLES = ("keystore_epochkey", "keystore_installationkey", "archive_studykey")


def wrapped_now() -> list[bytes]:
    tables = (EpochKey.objects, InstallationKey.objects, StudyKey.objects)
    return [bytes(wrapped) for table in tables for wrapped in table.values_list("wrapped", flat=True)]


def test_everything_passes_to_the_present_epoch_and_no_file_holds_the_old_keys(held: Held) -> None:
    before = wrapped_now()
    another_month()
    assert all(one in on_disk(held.place, *TABLES) for one in before)
    done = held.command("end-epoch", "1", "--json")
    assert done.returncode == 0, done.stderr
    (ended,) = json.loads(done.stdout)["ended"]
    assert ended["number"] == 1
    assert not any(one in on_disk(held.place, *TABLES) for one in before)
    row = EpochKey.objects.get(number=1)
    assert (bytes(row.wrapped), row.recovery) == (b"", None)
    assert row.ended_at is not None
    assert held.opens()
    event = AuditEvent.objects.get(action="key:epoch-ended", outcome="ok")
    assert event.count == ended["keys"]
    assert (log.open_details(event) or {})["epoch"] == str(row.id)


def test_the_present_epoch_ends_only_after_a_new_one_is_made(held: Held) -> None:
    call_command("keys", "end-epoch", "1")
    assert list(EpochKey.objects.order_by("number").values_list("number", "ended_at"))[1] == (2, None)
    assert held.opens()


@pytest.mark.parametrize(
    ("place", "when", "nth"),
    [
        ("keystore.ending.begin", "before", 1),
        ("keystore.ending.begin", "after", 1),
        ("keystore.epochs._stays", "after", 3),
        ("archive.keys.rewrap", "before", 1),
        ("archive.keys.rewrap", "after", 1),
        ("keystore.ending.destroy", "after", 1),
        ("audit.log.append", "after", 1),
        ("archive.keeping.cleaning.clean", "before", 1),
    ],
)
@pytest.mark.one_database
def test_killed_at_any_instant_everything_opens_and_given_again_it_ends(
    held: Held, place: str, when: str, nth: int
) -> None:
    before = wrapped_now()
    another_month()
    held.killed(place, when, nth, "end-epoch", "1")
    assert held.opens()
    if EpochKey.objects.get(number=1).wrapped:
        call_command("keys", "end-epoch", "1")
    else:
        call_command("keys", "clean")
    assert not EpochKey.objects.get(number=1).wrapped
    assert not any(one in on_disk(held.place, *TABLES) for one in before)
    assert held.opens()
    assert len(events("key:epoch-ended")) == 1


def test_who_stores_at_the_same_moment_loses_nothing(held: Held, modality: Any, actor_of: Actors) -> None:
    ended, sender = Event(), actor_of(modality)

    def store() -> dict[str, bytes]:
        sent: dict[str, bytes] = {}
        try:
            while not ended.is_set() or len(sent) < 5:
                ds = builders.ct_slice(builders.Identity())
                sent[str(ds.SOPInstanceUID)] = builders.part10(ds)
                assert ingest.store(sender, sent[str(ds.SOPInstanceUID)]).status == "stored"
            return sent
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as beside:
        storing = beside.submit(store)
        try:
            for number in (1, 2, 3):
                time.sleep(0.3)
                # A process of its own, so that the one that stores keeps the ended epoch in its memory.
                done = held.command("end-epoch", str(number))
                assert done.returncode == 0 or "It is done" in done.stderr, done.stderr
        finally:
            ended.set()
        held.sent.update(storing.result(timeout=60))
    living = set(EpochKey.objects.exclude(wrapped=b"").values_list("id", flat=True))
    assert set(StudyKey.objects.values_list("epoch", flat=True)) <= living
    assert held.opens()


def test_a_process_that_remembers_an_ended_epoch_wraps_nothing_under_it(held: Held) -> None:
    remembered = keystore.current_epoch()
    program = "import django; django.setup(); from keystore import ending; ending.begin(1)"
    subprocess.run([sys.executable, "-c", program], env=held.place.environment, check=True, capture_output=True)
    assert keystore.current_epoch().id == remembered.id
    keys.ensure("study", ["1.2.3"])
    assert StudyKey.objects.get(subject="1.2.3").epoch != remembered.id


def test_a_serving_process_drops_the_ended_key_from_its_memory(held: Held) -> None:
    old = keystore.current_epoch()
    access_epoch.start()
    time.sleep(0.2)
    keystore.unwrap_under_epoch(old.id, *_some(old.id))
    assert memory.get(old.id) is not None
    assert held.command("end-epoch", "1").returncode == 0
    time.sleep(2)
    assert memory.get(old.id) is None


def _some(epoch_id: Any) -> Any:
    row = StudyKey.objects.filter(epoch=epoch_id, scope="study").first()
    assert row is not None
    return row.id, bytes(row.wrapped), (b"study", row.subject.encode(), b"")


def test_a_key_that_does_not_open_keeps_its_epoch_from_being_destroyed(held: Held) -> None:
    row = StudyKey.objects.filter(scope="study").first()
    assert row is not None
    good = bytes(row.wrapped)
    StudyKey.objects.filter(id=row.id).update(wrapped=good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(CommandError, match=str(row.id)):
        call_command("keys", "end-epoch", "1")
    assert EpochKey.objects.get(number=1).wrapped
    StudyKey.objects.filter(id=row.id).update(wrapped=good)
    call_command("keys", "end-epoch", "1")
    assert held.opens()


def test_epochs_before_a_day_end_together(held: Held) -> None:
    another_month()
    EpochKey.objects.filter(number=1).update(created_at=datetime.now(UTC) - timedelta(days=80))
    day = (datetime.now(UTC) - timedelta(days=50)).date()
    done = held.command("end-epoch", "--before", day.isoformat(), "--json")
    assert [one["number"] for one in json.loads(done.stdout)["ended"]] == [1]
    assert [one["number"] for one in json.loads(done.stdout)["ended"]] != [2]
    for wrong in ("2999-01-01", "yesterday"):
        assert held.command("end-epoch", "--before", wrong).returncode != 0
    for number in ("1", "7"):
        assert "epoch" in held.command("end-epoch", number).stderr.lower()
    assert held.opens()


def test_who_may_not_manage_keys_ends_nothing(
    held: Held, radiologist: Any, administrator: Any, actor_of: Actors
) -> None:
    for actor in (actor_of(radiologist), actor_of(administrator), identify.system("derive")):
        with pytest.raises(Forbidden):
            ending.end(actor, 1)
    assert EpochKey.objects.get().ended_at is None
    assert begin(1)
