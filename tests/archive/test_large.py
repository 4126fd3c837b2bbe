"""Large objects are sealed as they arrive, and every promise of the small ones holds for them."""

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pytest
from django.core.management import call_command
from pydicom.dataset import Dataset

from accounts.errors import Forbidden
from archive import arriving, growing, ingest, keys, packs, stores
from archive.arriving import Arrival
from archive.dataset import facts, outline
from archive.disk import DiskSink
from archive.errors import Malformed, Mismatch, Unavailable, Unwanted
from archive.models import Held, Instance, Pack, Study
from archive.rebuilding.walking import walk
from archive.room import Room, Share
from archive.tickets import Stored
from audit.models import AuditEvent
from tests import builders
from tests.archive.test_ingest import opened
from tests.conftest import Installation

pytestmark = pytest.mark.both_databases
Actors = Callable[[Any], Any]
PIECE = 50_000


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large here is small, so that all of it is tried quickly."""
    monkeypatch.setattr(arriving, "BEYOND", 100_000)
    monkeypatch.setattr(outline, "LEAST", 50_000)
    monkeypatch.setattr(growing, "AT_ONCE", 70_000)


@pytest.fixture
def sender(modality: Any, actor_of: Actors) -> Any:
    return actor_of(modality)


def image(**attributes: Any) -> Dataset:
    """A multi-frame image of about 400 kB."""
    ds = builders.ct_slice(side=100, NumberOfFrames=20, **attributes)
    ds.PixelData = token_bytes(20 * 20_000)
    return ds


def arrives(actor: Any, data: bytes, *, until: int = 1 << 40, **more: Any) -> Arrival:
    arrival = Arrival(actor, Share(), largest=1 << 30, **more)
    for at in range(0, min(len(data), until), PIECE):
        arrival.add(memoryview(data)[at : min(at + PIECE, until)])
    return arrival


def stored(actor: Any, data: bytes, **more: Any) -> Stored:
    arrival = arrives(actor, data, **more)
    try:
        return arrival.end(actor).result()
    finally:
        arrival.drop()


def lying(place: Installation) -> list[Path]:
    return sorted((place.data / "packs").rglob("*.pack"))


def test_it_is_kept_bit_for_bit_in_a_pack_of_its_own_with_its_frames(
    sender: Any, radiologist: Any, actor_of: Actors, installation: Installation
) -> None:
    sent = builders.part10(image())
    beside = ingest.store(sender, builders.part10(builders.ct_slice(study_uid=facts(sent).study_uid)))
    assert stored(sender, sent).status == "stored"
    row = Instance.objects.get(uid=facts(sent).sop_uid)
    assert opened(actor_of(radiologist), row) == sent
    assert row.pack_id != Instance.objects.get(uid=beside.sop_uid).pack_id
    assert (row.frames, row.size) == (20, len(sent))
    assert len(lying(installation)) == 2
    ((_, offset, length),) = packs.records(row.pack.name)
    assert (offset, length) == (row.offset, row.length)
    assert AuditEvent.objects.filter(action="study:store").count() == 2
    assert not AuditEvent.objects.filter(purpose="duplicate").exists()


def test_it_is_on_no_disk_in_the_clear_at_any_time(sender: Any, installation: Installation) -> None:
    who = builders.Identity()
    sent = builders.part10(image(identity=who))
    arrival = arrives(sender, sent, until=300_000)
    half = b"".join(path.read_bytes() for path in installation.root.rglob("*") if path.is_file())
    arrival.drop()
    assert stored(sender, sent).status == "stored"
    ingest.stop()
    whole = b"".join(path.read_bytes() for path in installation.root.rglob("*") if path.is_file())
    for content in (half, whole):
        assert all(word.encode() not in content for word in who.words())
        assert sent[200_000:200_048] not in content


def test_half_of_one_is_passed_over_by_all_who_read_packs_and_swept(
    sender: Any, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = stored(sender, builders.part10(image()))
    arrives(sender, builders.part10(image(study_uid=kept.study_uid)), until=300_000)  # Whoever sent it died.
    (left,) = {str(path) for path in lying(installation)} - {
        str(installation.data / "packs" / f"{Pack.objects.get().name}.pack")
    }
    name = left.removeprefix(f"{installation.data / 'packs'}/").removesuffix(".pack")
    assert list(packs.records(name)) == []
    assert list(walk(name, Path(left).stat().st_size)) == []
    call_command("archive", "check", "--rebuild", "--json")
    assert set(Instance.objects.values_list("uid", flat=True)) == {kept.sop_uid}
    os.utime(left, (0, 0))
    call_command("archive", "sweep", "--json")
    assert [path for path in lying(installation) if str(path) == left] == []
    assert len(lying(installation)) == 1


def test_what_is_dropped_leaves_nothing(sender: Any, installation: Installation) -> None:
    shared, data = Room(1 << 30), builders.part10(image())
    arrival = Arrival(sender, Share(shared), largest=1 << 30)
    arrival.add(memoryview(data)[:300_000])
    assert len(lying(installation)) == 1
    arrival.drop()
    assert lying(installation) == []
    assert Instance.objects.count() == 0


@pytest.mark.parametrize("name", ["write", "amend", "flush"])
def test_a_disk_that_is_full_half_way_is_told_and_leaves_nothing(
    sender: Any, installation: Installation, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    true, calls = getattr(DiskSink, name), []

    def full(self: DiskSink, *arguments: Any) -> None:
        calls.append(self)
        if len(calls) > (4 if name == "write" else 1):
            raise OSError(errno.ENOSPC, "no space")
        true(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(DiskSink, name, full)
        with pytest.raises(Unavailable):
            stored(sender, builders.part10(image()))
    assert (lying(installation), Instance.objects.count()) == ([], 0)
    assert stored(sender, builders.part10(image())).status == "stored"


def test_nothing_more_is_written_where_only_the_log_has_room(
    sender: Any, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = iter([True, True, False])
    monkeypatch.setattr(stores.Disk, "has_room", lambda self, wanted: next(asked))
    with pytest.raises(Unavailable, match="nearly full"):
        stored(sender, builders.part10(image()))
    assert lying(installation) == []


def test_the_same_again_is_known_and_leaves_no_second_copy(sender: Any, installation: Installation) -> None:
    sent = builders.part10(image())
    assert [stored(sender, sent).status for _ in range(3)] == ["stored", "same", "same"]
    assert ingest.store(sender, sent).status == "same"
    assert (Instance.objects.count(), len(lying(installation))) == (1, 1)


def test_other_bytes_under_its_uid_are_held_back_once(
    sender: Any, radiologist: Any, actor_of: Actors, installation: Installation
) -> None:
    first = image()
    other = image(study_uid=first.StudyInstanceUID, series_uid=first.SeriesInstanceUID, sop_uid=first.SOPInstanceUID)
    sent, changed = builders.part10(first), builders.part10(other)
    assert [stored(sender, data).status for data in (sent, changed, changed)] == ["stored", "held", "held"]
    held = Held.objects.get()
    assert held.size == len(changed)
    # By whichever way it comes, it is the same newcomer.
    assert ingest.store(sender, changed).status == "held"
    assert Held.objects.count() == 1
    assert len(lying(installation)) == 2
    assert opened(actor_of(radiologist), Instance.objects.get()) == sent


def test_in_another_study_it_is_held_back_under_the_originals_key(sender: Any) -> None:
    first = image()
    sent = builders.part10(first)
    moved = builders.part10(image(sop_uid=first.SOPInstanceUID))
    assert [stored(sender, data).status for data in (sent, moved)] == ["stored", "held"]
    assert Held.objects.get().key_id == Instance.objects.get().key_id


def test_two_that_send_one_uid_at_once_are_stored_and_recognised(sender: Any, installation: Installation) -> None:
    sent = builders.part10(image())
    arrivals = [arrives(sender, sent) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda one: one.end(sender).result().status, arrivals))
    assert sorted(statuses) == ["same", "same", "same", "stored"]
    assert (Instance.objects.count(), len(lying(installation))) == (1, 1)


def test_two_different_ones_under_one_uid_at_once_are_both_safe(
    sender: Any, radiologist: Any, actor_of: Actors, installation: Installation
) -> None:
    first = image()
    other = image(sop_uid=first.SOPInstanceUID)
    sent = [builders.part10(first), builders.part10(other)]
    arrivals = [arrives(sender, data) for data in sent]  # Both began as instances, each under its study's key.
    assert [one.end(sender).result().status for one in arrivals] == ["stored", "held"]
    row, held = Instance.objects.get(), Held.objects.get()
    assert opened(actor_of(radiologist), row) == sent[0]
    assert held.key_id == row.key_id
    from accounts import gate
    from archive import newcomers
    from audit.actions import Action

    receipt = gate.disclose(actor_of(radiologist), Action.VIEW, first.StudyInstanceUID, found=True)
    assert newcomers.newcomer(keys.unlock(receipt, first.StudyInstanceUID), held) == sent[1]
    assert len(lying(installation)) == 2


def test_a_study_that_is_given_another_key_meanwhile_gets_it_under_that(
    sender: Any, radiologist: Any, actor_of: Actors
) -> None:
    kept = ingest.store(sender, builders.part10(builders.ct_slice()))
    sent = builders.part10(image(study_uid=kept.study_uid))
    arrival = arrives(sender, sent)
    call_command("keys", "rekey", kept.study_uid, "--json")
    assert arrival.end(sender).result().status == "stored"
    row = Instance.objects.select_related("study").get(uid=facts(sent).sop_uid)
    assert row.key_id == row.study.key_id
    assert opened(actor_of(radiologist), row) == sent


def test_a_rebuild_finds_it_by_its_head(sender: Any, installation: Installation) -> None:
    kept = stored(sender, builders.part10(image()))
    size = Instance.objects.get().size
    Study.objects.all().delete()
    Pack.objects.all().delete()
    call_command("archive", "check", "--rebuild", "--json")
    row = Instance.objects.get()
    assert (row.uid, row.size, row.sender) == (kept.sop_uid, size, "CT_ONE")


@pytest.mark.parametrize("cut", [1, 3, 5000, 390_000])
def test_one_that_ends_early_is_refused_on_record_and_leaves_nothing(
    sender: Any, installation: Installation, cut: int
) -> None:
    with pytest.raises(Malformed):
        stored(sender, builders.part10(image())[:-cut])
    assert (lying(installation), Instance.objects.count()) == ([], 0)
    assert AuditEvent.objects.filter(action="study:rejected").count() == 1


def test_one_that_goes_on_behind_its_pixels_is_refused(sender: Any, installation: Installation) -> None:
    with pytest.raises(Malformed):
        stored(sender, builders.part10(image()) + token_bytes(200_000))
    assert lying(installation) == []


def test_of_another_study_or_class_it_is_refused_before_a_byte_is_written(
    sender: Any, installation: Installation
) -> None:
    with pytest.raises(Mismatch):
        stored(sender, builders.part10(image()), expected_study_uid="1.2.3")
    with pytest.raises(Unwanted):
        stored(sender, builders.part10(image(SOPClassUID="1.2.840.10008.1.1")))
    assert list((installation.data / "packs").rglob("*.pack")) == []
    assert AuditEvent.objects.filter(action="study:rejected").count() == 2


def test_a_sender_that_lost_its_right_half_way_is_refused_on_record_and_leaves_nothing(
    modality: Any, actor_of: Actors, installation: Installation
) -> None:
    arrival = arrives(actor_of(modality), builders.part10(image()))
    modality.may = []
    modality.save()
    with pytest.raises(Forbidden):
        arrival.end(actor_of(modality))
    arrival.drop()
    assert (lying(installation), Instance.objects.count()) == ([], 0)
    assert AuditEvent.objects.get(action="study:store").outcome == "denied"


def test_what_cannot_pass_is_gathered(sender: Any, radiologist: Any, actor_of: Actors) -> None:
    deflated = builders.part10(image(), "1.2.840.10008.1.2.1.99")
    turned = builders.ct_slice(side=300)
    turned.private_block(0x0009, "CUSTOS TEST", create=True).add_new(0x01, "UN", token_bytes(150_000))
    for sent in (deflated, builders.part10(turned)):
        assert stored(sender, sent).status == "stored"
        assert opened(actor_of(radiologist), Instance.objects.get(uid=facts(sent).sop_uid)) == sent


def test_what_is_gathered_is_bounded(sender: Any) -> None:
    arrival = Arrival(sender, Share(), largest=200_000)
    arrival.add(memoryview(builders.part10(image(), "1.2.840.10008.1.2.1.99")))
    with pytest.raises(Unavailable):
        arrival.end(sender)
