"""A scrub reads what it should, goes on where it was ended, and is disturbed by nothing that happens meanwhile."""

import json
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from accounts import identify
from archive import derive, packs, removal
from archive.errors import Unavailable
from archive.fixity import examining, scrub
from archive.models import Finding, Instance, Pack, Rendition, Scrub
from audit.models import AuditEvent
from tests import builders
from tests.archive.fixity.conftest import Store, file_of, flip, open_alerts, run

pytestmark = pytest.mark.both_databases
ROOT = Path(__file__).resolve().parents[3]


def test_everything_whole_verifies_and_each_image_says_when(two: Any) -> None:
    for one in two:
        derive.preview(str(one.series_id), lambda done, total: None)
        derive.metadata(str(one.series_id), lambda done, total: None)
    out = StringIO()
    call_command("archive", "scrub", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told["objects"], told["damaged"]) == (2 + Rendition.objects.count(), 0)
    assert told["bytes"] > 2 * 2 * 128 * 128
    for one in Instance.objects.all():
        assert one.verified_at is not None
        assert len(one.sha256) == 64
    assert not Finding.objects.exists()
    assert Scrub.objects.get().finished_at is not None


def test_a_pass_is_one_event_of_who_ran_it_and_each_study_one_of_the_job(two: Any, store: Store) -> None:
    store(builders.ct_slice())
    run()
    events = AuditEvent.objects.filter(action="archive:scrubbed", outcome="ok").order_by("seq")
    assert [(one.actor_kind, one.count) for one in events][-1] == ("shell", 3)
    of_studies = [one for one in events if one.actor_kind == "system"]
    assert {one.study_uid for one in of_studies} == set(Instance.objects.values_list("study__uid", flat=True))
    assert sorted(one.count for one in of_studies) == [1, 2]


def test_a_killed_scrub_goes_on_behind_the_last_object_it_has_committed(
    installation: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [store(ds) for _ in range(4) for ds in builders.study(8)]
    flip(file_of(installation, rows[0]), rows[0].offset + 200)
    command = [sys.executable, str(ROOT / "manage.py"), "archive", "scrub", "--rate", "20K"]
    with subprocess.Popen(command, env=installation.environment, stderr=subprocess.DEVNULL) as going:
        until = time.monotonic() + 60
        while not Scrub.objects.filter(objects_read__gt=0).exists() and time.monotonic() < until:
            time.sleep(0.05)
        going.kill()
    before = Scrub.objects.get()
    assert 0 < before.objects_read < len(rows)
    assert before.finished_at is None
    assert Instance.objects.exclude(verified_at=None).count() == before.objects_read - before.damaged
    read: list[Any] = []
    examine = examining.examine

    def noted(opener: Any, item: Any, *rest: Any) -> Any:
        read.append(item.id)
        return examine(opener, item, *rest)

    monkeypatch.setattr(scrub, "examine", noted)
    now = run()
    assert now.id == before.id
    assert len(read) == len(set(read)) == len(rows) - before.objects_read
    assert (now.objects_read, now.damaged) == (len(rows), 1)
    assert Instance.objects.exclude(verified_at=None).count() == len(rows) - 1
    assert open_alerts() == 1


def test_a_pass_that_another_process_goes_on_with_ends_here(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrub, "COMMIT_SECONDS", -1.0)

    def other(now: Scrub, total: int) -> None:
        Scrub.objects.update(offset=F("offset") + 1)

    with pytest.raises(Unavailable):
        scrub.run(identify.shell("tests"), tell=other)


def test_a_scrub_beside_an_ingest_finds_no_damage(store: Store) -> None:
    store(builders.ct_slice())

    def send() -> None:
        for _ in range(6):
            for ds in builders.study(3):
                store(ds)
        connection.close()

    sending = Thread(target=send)
    sending.start()
    passes = 0
    while sending.is_alive():
        assert run().damaged == 0
        passes += 1
    sending.join()
    assert passes > 0
    assert run().objects_read == 19
    assert not Finding.objects.exists()
    assert not Instance.objects.filter(verified_at=None).exists()


def test_an_object_that_is_moved_while_it_is_read_is_not_called_damaged(
    installation: Any, two: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = two
    examine = examining.examine

    def moving(opener: Any, item: Any, heads: Any, pace: Any) -> Any:
        if item.id == one.id and Instance.objects.get(id=one.id).pack_id == one.pack_id:
            sealed = packs.read(one.pack.name, one.offset, one.length)
            ((head, _, _),) = [rec for rec in packs.records(one.pack.name) if rec[1] == one.offset]
            packs.forget()
            place = packs.append(one.study_id, head, sealed)
            packs.flush([place])
            Pack.objects.create(id=place.pack, study=place.study_row, name=place.name)
            Instance.objects.filter(id=one.id).update(pack=place.pack, offset=place.offset)
            flip(file_of(installation, one), one.offset + 200)
        return examine(opener, item, heads, pace)

    monkeypatch.setattr(scrub, "examine", moving)
    assert run().damaged == 0
    assert not Finding.objects.exists()


def test_reading_is_held_to_the_rate(two: Any) -> None:
    size = sum(one.length for one in two)
    began = time.monotonic()
    assert run(rate=size).bytes_read == size
    assert time.monotonic() - began > 0.9


def test_a_sample_reads_about_its_share_and_another_each_time(store: Store) -> None:
    for ds in builders.study(40):
        store(ds)
    first = run(percent=25)
    chosen = set(Instance.objects.exclude(verified_at=None).values_list("id", flat=True))
    assert 0 < first.objects_read == len(chosen) < 30
    Instance.objects.update(verified_at=None)
    run(percent=25)
    assert set(Instance.objects.exclude(verified_at=None).values_list("id", flat=True)) != chosen


@pytest.mark.parametrize(
    "wrong", [["--sample", "0"], ["--sample", "101"], ["--rate", "fast"], ["--full", "--sample=5"]]
)
def test_a_share_or_a_rate_that_is_none_is_refused(installation: Any, wrong: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("archive", "scrub", *wrong)
    assert not Scrub.objects.exists()


def test_what_is_in_the_trash_is_left_alone_and_the_pass_goes_on(
    store: Store, technologist: Any, actor_of: Any
) -> None:
    trashed, other = store(builders.ct_slice()), store(builders.ct_slice())
    removal.trash(actor_of(technologist), trashed.study.uid)
    assert run().objects_read == 1
    trashed.refresh_from_db()
    other.refresh_from_db()
    assert (trashed.verified_at, other.verified_at is None) == (None, False)
    removal.restore(actor_of(technologist), trashed.study.uid)
    assert run().objects_read == 2


def test_a_study_that_goes_into_the_trash_this_moment_ends_nothing(
    store: Store, technologist: Any, actor_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trashed = store(builders.ct_slice())
    store(builders.ct_slice())
    removal.trash(actor_of(technologist), trashed.study.uid)
    monkeypatch.setattr("accounts.scope.withdrawn", lambda uid: False)
    monkeypatch.setattr("accounts.standing.covers", lambda actor, uid: False if uid == trashed.study.uid else None)
    assert run().objects_read == 1
