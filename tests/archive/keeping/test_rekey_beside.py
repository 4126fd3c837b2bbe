"""What goes on while a study passes to another key: readers, senders, people, and workers that are killed."""

import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from archive import (
    derive,
    flushing,
    ingest,
    packs,
    reconcile,
    retrieve,
)
from archive.errors import Unavailable
from archive.keeping import resealing
from archive.models import Held, Instance, Job, Rendition, Study, StudyKey
from archive.retrieve import objects, places, reading
from audit.models import Alert
from tests import builders
from tests.archive.keeping.conftest import Actors
from tests.archive.keeping.test_rekey import Rich, opened_by, work
from tests.archive.keeping.test_rekey import rich as rich

pytestmark = pytest.mark.both_databases

# A sender in a process of its own: it has stored one image of a series, and stores the others when it is told to.
SENDER = """
import sys
import django
django.setup()
from accounts import devices, identify
from archive import ingest
from accounts.models import Device
sender = identify.device_actor(Device.objects.get(ae_title=sys.argv[1]), "127.0.0.1", sys.argv[1])
for path in sys.argv[2:]:
    print(ingest.store(sender, open(path, "rb").read()).status, flush=True)
    sys.stdin.readline()
"""


def test_who_looked_up_the_old_places_still_reads(rich: Rich, radiologist: Any, actor_of: Actors) -> None:
    now, found = reading.begin(actor_of(radiologist), rich.uid)
    frames = retrieve.frames(actor_of(radiologist), rich.uid, found[0].series_uid, found[0].uid, [1])
    picture = b"".join(next(iter(frames.parts())).pieces)
    unlocked = now.opener
    call_command("keys", "rekey", rich.uid, "--json")
    work("retire", "discard")
    assert not any((rich.place.data / "packs" / f"{place.pack}.pack").exists() for place in found)
    for opener in (unlocked, reading.Reading(now.actor, rich.uid, now.receipt).opener):
        for place in found:
            assert places.whole(opener, place) == rich.plain[place.id]
            assert b"".join(objects.as_received(opener, place)) == rich.plain[place.id]
            assert places.frame_table(opener, place).count == 1
            with places.ranges(opener, place) as read:
                assert read(132, 200) == rich.plain[place.id][132:332]
    assert b"".join(next(iter(frames.parts())).pieces) == picture
    assert b"".join(next(iter(retrieve.instances(now.actor, rich.uid))).chunks)
    assert not Alert.objects.filter(kind="damaged")
    assert not Instance.objects.exclude(damaged_at=None)


def test_a_sender_with_a_warm_memory_in_another_process_seals_under_the_new_key(rich: Rich, tmp_path: Path) -> None:
    alike = [builders.ct_slice(rich.identity, study_uid=rich.uid, series_uid="1.2.3", number=one) for one in range(3)]
    paths = [tmp_path / f"{number}.dcm" for number in range(3)]
    for path, ds in zip(paths, alike, strict=True):
        path.write_bytes(builders.part10(ds))
    program = [sys.executable, "-c", SENDER, rich.sender.ae_title, *map(str, paths)]
    with subprocess.Popen(
        program, env=rich.place.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as sender:
        assert sender.stdout is not None
        assert sender.stdin is not None
        assert sender.stdout.readline() == "stored\n"
        assert rich.rekey().returncode == 0
        for _ in paths[1:]:
            sender.stdin.write("\n")
            sender.stdin.flush()
            assert sender.stdout.readline() == "stored\n"
        sender.communicate("\n")
    rows = list(Instance.objects.filter(study__uid=rich.uid).select_related("pack"))
    assert {one.key_id for one in rows} == {rich.row.key_id}
    assert len(rows) == 4 + 1 + 3
    work("retire", "discard")
    assert opened_by(rich.secret, rich.key, rich) == []
    reads = rich.reads()
    assert {path.read_bytes() for path in paths} < set(reads.values())
    assert rich.plain.items() <= reads.items()


def test_who_views_and_stores_meanwhile_loses_nothing(
    rich: Rich, radiologist: Any, actor_of: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, sent, passed = actor_of(radiologist), list[bytes](), resealing._moved

    def beside(study: Study, batch: Any) -> int:
        ds = builders.ct_slice(rich.identity, study_uid=rich.uid)
        sent.append(builders.part10(ds))
        assert ingest.store(rich.sender, sent[-1]).status == "stored"
        assert len([b"".join(one.chunks) for one in retrieve.instances(reader, rich.uid)]) == 4 + len(sent)
        moved = passed(study, batch)
        assert len([b"".join(one.chunks) for one in retrieve.instances(reader, rich.uid)]) == 4 + len(sent)
        return moved

    monkeypatch.setattr(resealing, "_moved", beside)
    monkeypatch.setattr(resealing, "MOST", 3)
    call_command("keys", "rekey", rich.uid, "--json")
    assert len(sent) == 4
    assert set(rich.reads().values()) == {*rich.plain.values(), *sent}
    assert {one.key_id for one in Instance.objects.filter(study__uid=rich.uid)} == {rich.row.key_id}


def test_what_was_held_back_is_known_again_during_and_after(rich: Rich) -> None:
    row = Held.objects.get(state="held")
    again = rich.plain[row.id]
    before = Held.objects.exclude(state="same").count()
    rich.archive.killed("archive.keeping.rekeying._begin", "after", 1, "rekey", rich.uid)
    assert ingest.store(rich.sender, again).status == "held"
    assert rich.rekey().returncode == 0
    work("retire", "discard")
    assert ingest.store(rich.sender, again).status == "held"
    assert Held.objects.exclude(state="same").count() == before
    assert rich.reads() == rich.plain
    # What was found the same and released is compared once more, and found the same again.
    original = next(iter(Instance.objects.filter(uid=rich.sent[3].SOPInstanceUID)))
    assert original.current
    assert ingest.store(rich.sender, rich.implicit).status == "held"
    work("compare")
    assert ingest.store(rich.sender, rich.implicit).status == "same"


def test_what_was_sealed_before_the_switch_and_is_committed_after_it_is_refused(
    rich: Rich, technologist: Any, actor_of: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched, flush = list[str](), packs.flush

    def late(places: Any) -> None:
        flush(places)
        if not switched:
            rich.archive.killed("archive.keeping.rekeying._begin", "after", 1, "rekey", rich.uid)
            switched.append("now")

    def before_the_rows(places: Any) -> Any:
        late(places)
        return lambda: None

    monkeypatch.setattr(packs, "flush", late)
    monkeypatch.setattr(flushing, "begin", before_the_rows)
    # An image like others before it, of which this process remembers the key.
    alike = builders.ct_slice(rich.identity, study_uid=rich.uid, series_uid=str(rich.sent[0].SeriesInstanceUID))
    assert ingest.store(rich.sender, builders.part10(alike)).status == "stored"
    assert Instance.objects.get(uid=alike.SOPInstanceUID).key_id == rich.row.key_id
    _ended(rich, switched)
    # A newcomer to be held back.
    other = deepcopy(rich.sent[2])
    other.PixelData = b"\1" * len(other.PixelData)
    assert ingest.store(rich.sender, builders.part10(other)).status == "held"
    assert Held.objects.order_by("-received_at")[0].key_id == rich.row.key_id
    _ended(rich, switched)
    # A person who accepts one: told to try again, and nothing is decided.
    waiting = Held.objects.filter(state__in=("comparing", "held")).order_by("received_at")[0]
    with pytest.raises(Unavailable):
        reconcile.accept(actor_of(technologist), waiting.id)
    assert Held.objects.get(id=waiting.id).state == waiting.state
    _ended(rich, switched)
    # A job that has made a picture: done again with the key of now.
    series = Instance.objects.filter(study__uid=rich.uid)[0].series_id
    Rendition.objects.filter(series=series).delete()
    with pytest.raises(Unavailable):
        derive.metadata(str(series), lambda done, total: None)
    assert not Rendition.objects.filter(series=series)
    _ended(rich, switched)


def _ended(rich: Rich, switched: list[str]) -> None:
    """The study was given another key on the way; end that rekey."""
    assert switched
    done = rich.rekey()
    assert done.returncode == 0, done.stderr
    assert resealing.keys_under(rich.row) == {rich.row.key_id}
    switched.clear()


# A worker that is killed when it calls a function for the first time, before or after that runs.
WORKER = """
import importlib, os, signal, sys
import django
django.setup()
from archive import tasks
from archive.models import Job
place, when = sys.argv[1:]
module, _, name = place.rpartition(".")
module = importlib.import_module(module)
real = getattr(module, name)
def patched(*args, **kwargs):
    if when == "after":
        real(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(module, name, patched)
for job in Job.objects.filter(kind__in=("retire", "discard")).order_by("kind"):
    tasks.run(job.id)
"""


@pytest.mark.parametrize(
    ("place", "when"),
    [
        ("archive.keys.retire", "after"),
        ("archive.keeping.retiring._retire", "before"),
        ("archive.keeping.retiring._retire", "after"),
        ("archive.erasing.journals", "before"),
        ("archive.tending.naming.put_out_of_use", "after"),
        ("archive.stores.store", "before"),
    ],
)
@pytest.mark.one_database
def test_a_worker_killed_while_the_key_before_goes_ends_it_the_next_time(rich: Rich, place: str, when: str) -> None:
    assert rich.rekey().returncode == 0
    Job.objects.filter(kind__in=("retire", "discard")).update(due_at=timezone.now())
    program = [sys.executable, "-c", WORKER, place, when]
    ended = subprocess.run(program, env=rich.place.environment, capture_output=True, text=True, check=False)
    assert ended.returncode == -9, ended.stderr
    assert rich.reads() == rich.plain
    Job.objects.filter(state="claimed").update(state="due")
    work("retire", "discard")
    assert StudyKey.objects.get(id=rich.key).scope == "former"
    assert opened_by(rich.secret, rich.key, rich) == []
    assert rich.reads() == rich.plain
