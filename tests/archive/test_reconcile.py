"""Newer images held back: the original stands, a bounded process compares, a person decides."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from pydicom.uid import ImplicitVRLittleEndian, RLELossless

from accounts.errors import Forbidden, NotVisible
from archive import ingest, jobs, packs, reconcile, tasks
from archive.errors import Unsuitable
from archive.models import Held, Instance, Job, Pack, Study
from audit.actions import Action
from audit.models import AuditEvent
from tests import builders
from tests.archive.test_ingest import opened

pytestmark = pytest.mark.both_databases
Actors = Callable[[Any], Any]


@pytest.fixture
def sender(modality: Any, actor_of: Actors) -> Any:
    return actor_of(modality)


def compare_all() -> None:
    """Do the comparisons that are due, as a worker would."""
    for job in Job.objects.filter(kind="compare", state="due").values_list("id", flat=True):
        assert tasks.run(job)


def sent_twice(sender: Any, **changes: Any) -> tuple[Any, bytes]:
    """Store an object, then another one under its UIDs; return the first data set and the newcomer's bytes."""
    ds = builders.ct_slice()
    assert ingest.store(sender, builders.part10(ds)).status == "stored"
    other = deepcopy(ds)
    for keyword, value in changes.items():
        setattr(other, keyword, value)
    newcomer = builders.part10(other)
    assert ingest.store(sender, newcomer).status == "held"
    return ds, newcomer


def test_the_original_is_never_touched(sender: Any, radiologist: Any, actor_of: Actors) -> None:
    ds = builders.ct_slice()
    first = builders.part10(ds)
    ingest.store(sender, first)
    before = Instance.objects.values().get()
    ds.PixelData = bytes(len(ds.PixelData))
    assert ingest.store(sender, builders.part10(ds)).status == "held"
    assert Instance.objects.values().get() == before
    assert opened(actor_of(radiologist), Instance.objects.get()) == first


def test_another_encoding_of_the_same_content_is_noted_and_released(sender: Any) -> None:
    ds = builders.ct_slice(side=64)
    ingest.store(sender, builders.part10(ds))
    implicit = builders.part10(deepcopy(ds), ImplicitVRLittleEndian)
    assert ingest.store(sender, implicit).status == "held"
    packed = deepcopy(ds)
    packed.compress(RLELossless, generate_instance_uid=False)
    assert ingest.store(sender, builders.part10(packed, RLELossless)).status == "held"
    compare_all()
    assert set(Held.objects.values_list("state", flat=True)) == {"same"}
    study = Study.objects.get()
    assert (study.same_count, study.held_count) == (2, 0)
    assert ingest.store(sender, implicit).status == "same"
    assert Held.objects.count() == 2


def test_other_pixels_are_held_with_the_reason(sender: Any, technologist: Any, actor_of: Actors) -> None:
    ds, _ = sent_twice(sender, PixelData=bytes(2048), StudyDescription="ANOTHER TEXT")
    compare_all()
    assert Study.objects.get().held_count == 1
    actor = actor_of(technologist)
    (row,) = reconcile.held(actor, ds.StudyInstanceUID)
    assert row.reason == "The pixels differ."
    found = reconcile.difference(actor, row.id)
    assert found.comparison.pixels == "differ"
    (attribute,) = found.comparison.attributes
    assert (attribute.keyword, attribute.after) == ("StudyDescription", "ANOTHER TEXT")
    assert attribute.before == ds.StudyDescription


def test_the_same_newcomer_again_is_not_held_twice(sender: Any) -> None:
    _, newcomer = sent_twice(sender, PatientName="OTHER^NAME")
    (pack,) = Pack.objects.values_list("name", flat=True)
    records = len(list(packs.records(pack)))
    assert ingest.store(sender, newcomer).status == "held"
    assert len(list(packs.records(pack))) == records == 2
    assert Held.objects.count() == 1
    assert Job.objects.filter(kind="compare").count() == 1


def test_a_newcomer_of_another_study_is_held_and_can_only_be_rejected(
    sender: Any, technologist: Any, actor_of: Actors
) -> None:
    ds, _ = sent_twice(sender, StudyInstanceUID="1.2.3.4.5", PatientName="SOMEBODY^ELSE")
    compare_all()
    actor = actor_of(technologist)
    (row,) = reconcile.held(actor, ds.StudyInstanceUID)
    assert "another study" in row.reason
    assert reconcile.difference(actor, row.id).comparison.attributes == (), "the other study's patient is not shown"
    with pytest.raises(Unsuitable):
        reconcile.accept(actor, row.id)
    reconcile.reject(actor, row.id)
    assert Study.objects.get().held_count == 0
    assert reconcile.held(actor, ds.StudyInstanceUID) == []


def test_an_accepted_newcomer_becomes_current_and_the_original_stays(
    sender: Any, technologist: Any, radiologist: Any, actor_of: Actors
) -> None:
    ds, newcomer = sent_twice(sender, PixelData=bytes(2048))
    compare_all()
    actor = actor_of(technologist)
    held_id = Held.objects.get().id
    reconcile.accept(actor, held_id)
    new = Instance.objects.get(current=True)
    old = Instance.objects.get(current=False)
    assert (new.uid, new.generation, old.generation) == (old.uid, 1, 0)
    assert opened(actor_of(radiologist), new) == newcomer
    assert opened(actor_of(radiologist), old) == builders.part10(ds)
    study = Study.objects.get()
    assert (study.instance_count, study.held_count) == (1, 0)
    assert AuditEvent.objects.filter(action=Action.HELD_ACCEPTED.value).count() == 1
    # Both are here now: neither comes in again.
    assert ingest.store(sender, newcomer).status == "same"
    assert ingest.store(sender, builders.part10(ds)).status == "same"
    with pytest.raises(Unsuitable):
        reconcile.accept(actor, held_id)


def test_who_may_not_decide_sees_nothing(sender: Any, radiologist: Any, outsider: Any, actor_of: Actors) -> None:
    ds, _ = sent_twice(sender, PixelData=bytes(2048))
    compare_all()
    held_id = Held.objects.get().id
    for person in (radiologist, outsider):
        with pytest.raises(Forbidden):
            reconcile.held(actor_of(person), ds.StudyInstanceUID)
        with pytest.raises(Forbidden):
            reconcile.accept(actor_of(person), held_id)
    assert Held.objects.get().state == "held"


def test_a_technologist_of_another_group_finds_as_much_as_for_an_unknown_one(
    sender: Any, technologist: Any, actor_of: Actors
) -> None:
    from uuid import uuid4

    from accounts.models import Access

    sent_twice(sender, PixelData=bytes(2048))
    compare_all()
    Access.objects.all().delete()
    actor = actor_of(technologist)
    for held_id in (Held.objects.get().id, uuid4()):
        for act in (reconcile.difference, reconcile.accept, reconcile.reject):
            with pytest.raises(NotVisible):
                act(actor, held_id)


def test_what_no_decoder_reads_stays_held(sender: Any) -> None:
    ds = builders.ct_slice()
    ingest.store(sender, builders.part10(ds))
    broken = deepcopy(ds)
    broken.compress(RLELossless, generate_instance_uid=False)
    data = bytearray(builders.part10(broken, RLELossless))
    at = data.rindex(b"\xfe\xff\x00\xe0")
    data[at + 8 : at + 80] = bytes(72)
    assert ingest.store(sender, bytes(data)).status == "held"
    compare_all()
    held = Held.objects.get()
    assert (held.state, "could not be decoded" in held.reason) == ("held", True)


def test_a_comparison_that_crashed_is_done_again(sender: Any) -> None:
    sent_twice(sender, PixelData=bytes(2048))
    job = Job.objects.get(kind="compare")
    assert jobs.claim(job.id, "a worker that died") is not None
    assert not tasks.run(job.id)
    Job.objects.filter(id=job.id).update(claimed_until=job.due_at)
    assert tasks.run(job.id)
    assert Held.objects.get().state == "held"
    assert Job.objects.get(id=job.id).state == "done"
