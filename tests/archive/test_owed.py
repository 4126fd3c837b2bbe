"""Objects that are answered ahead of their rows: durable first, found a moment later, and whatever happens, once."""

import os
import time
from copy import deepcopy
from threading import Event, Thread
from typing import Any

import pytest
from pydicom.dataset import Dataset

from archive import contexts, ingest, owed, packs
from archive.errors import NotDurable
from archive.models import Held, Instance, Pack, Study
from audit.actions import Action
from audit.errors import LogUnavailable
from audit.models import AuditEvent
from tests import builders
from tests.archive.owing import ahead, named, told, uids

pytestmark = pytest.mark.both_databases


@pytest.fixture
def sender(modality: Any, actor_of: Any) -> Any:
    return actor_of(modality)


def test_like_others_it_is_answered_when_it_is_durable_and_found_when_that_is_settled(
    sender: Any, series: list[Dataset]
) -> None:
    assert ahead(sender, series[1]).result(5).status == "stored"
    assert ahead(sender, series[2]).result(5).status == "stored"
    assert named() == uids(series[0])
    assert ingest.settle()
    assert named() == uids(*series[:3])
    assert told() == Study.objects.get().instance_count == 3


def test_rows_follow_by_themselves(sender: Any, series: list[Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owed, "SECONDS", 0.01)
    ahead(sender, series[1]).result(5)
    end = time.monotonic() + 5
    while time.monotonic() < end and len(named()) < 2:
        time.sleep(0.01)
    assert named() == uids(*series[:2])


def test_many_share_one_transaction_and_one_event(sender: Any, series: list[Dataset]) -> None:
    before = AuditEvent.objects.filter(action=Action.STORE).count()
    for one in series[1:]:
        ahead(sender, one).result(5)
    ingest.settle()
    assert AuditEvent.objects.filter(action=Action.STORE).count() == before + 1
    assert told() == len(series)


def test_no_more_are_owed_than_may_be(sender: Any, series: list[Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owed, "MOST", 2)
    for one in series[1:4]:
        ahead(sender, one).result(5)
    end = time.monotonic() + 5
    while time.monotonic() < end and len(named()) < 3:
        time.sleep(0.01)
    assert len(named()) in (3, 4)


def test_the_first_of_a_series_and_whoever_does_not_ask_are_answered_with_their_rows(
    sender: Any, series: list[Dataset]
) -> None:
    ingest.submit(sender, builders.part10(series[1])).result(5)
    assert uids(series[1]) < named()
    other = builders.ct_slice(study_uid=str(series[0].StudyInstanceUID))
    ahead(sender, other).result(5)
    assert uids(other) < named()


def test_nothing_is_answered_before_its_pack_is_flushed(
    sender: Any, series: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    flush, begun, go = packs.flush, Event(), Event()

    def slow(places: Any) -> None:
        begun.set()
        assert go.wait(10)
        flush(places)

    monkeypatch.setattr(packs, "flush", slow)
    answered = list[str]()
    sending = Thread(target=lambda: answered.append(ahead(sender, series[1]).result(10).status))
    sending.start()
    assert begun.wait(10)
    time.sleep(0.05)
    assert not answered
    go.set()
    sending.join(10)
    assert answered == ["stored"]


def test_what_the_disk_does_not_take_is_refused_and_owed_by_nobody(
    sender: Any, series: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", broken)
        with pytest.raises(NotDurable):
            ahead(sender, series[1]).result(10)
    ingest.settle()
    assert named() == uids(series[0])


def test_a_copy_of_what_is_owed_is_judged_as_a_copy(sender: Any, series: list[Dataset]) -> None:
    ahead(sender, series[1]).result(5)
    assert ahead(sender, series[1]).result(5).status == "same"
    other = builders.ct_slice(
        study_uid=str(series[1].StudyInstanceUID),
        series_uid=str(series[1].SeriesInstanceUID),
        sop_uid=str(series[1].SOPInstanceUID),
        number=2,
    )
    assert ahead(sender, other).result(5).status == "held"
    assert named() == uids(*series[:2])
    assert Held.objects.count() == 1


def test_who_was_acknowledged_behind_somebody_else_is_kept_aside_and_not_lost(
    sender: Any, series: list[Dataset]
) -> None:
    """Two processes were sent different images under one UID at the same moment, and both said yes."""
    ingest.submit(sender, builders.part10(series[1])).result(5)
    for context in contexts._known.values():
        contexts.unclaim(context, str(series[1].SOPInstanceUID))
    other = deepcopy(series[1])
    other.PixelData = bytes(reversed(other.PixelData))
    assert ahead(sender, other).result(5).status == "stored"
    assert ahead(sender, series[2]).result(5).status == "stored"
    assert ingest.settle()
    assert named() == uids(*series[:3])
    assert Held.objects.get().instance.uid == str(series[1].SOPInstanceUID)


def test_while_the_record_cannot_be_written_nothing_more_is_acknowledged_and_nothing_is_lost(
    sender: Any, series: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead(sender, series[1]).result(5)
    with monkeypatch.context() as patch:
        patch.setattr("archive.rounds.log.append", lambda _events: (_ for _ in ()).throw(LogUnavailable("away")))
        ingest.settle()
        with pytest.raises(LogUnavailable):
            ahead(sender, series[2]).result(5)
        assert named() == uids(series[0])
    ahead(sender, series[2]).result(5)
    ingest.settle()
    assert named() == uids(*series[:3])
    assert told() == 3


def test_what_is_owed_when_the_study_gets_another_key_lies_under_that_one(
    sender: Any, series: list[Dataset], modality: Any
) -> None:
    from accounts import identify
    from archive.keeping import rekeying

    ahead(sender, series[1]).result(5)
    before = Study.objects.get().key_id
    rekeying.rekey(identify.shell("root"), str(series[0].StudyInstanceUID))
    assert named() == uids(*series[:2])
    assert set(Instance.objects.values_list("key_id", flat=True)) == {Study.objects.get().key_id}
    assert Study.objects.get().key_id != before


def test_a_pack_at_rest_loses_its_mark_while_others_are_written(
    sender: Any, series: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owed, "REST_SECONDS", 0.2)
    (resting,) = Pack.objects.filter(owed=True).values_list("id", flat=True)
    other = builders.study(60)
    end = time.monotonic() + 10
    while time.monotonic() < end and Pack.objects.filter(id=resting, owed=True).exists() and other:
        ahead(sender, other.pop()).result(5)
        time.sleep(0.02)
    assert not Pack.objects.filter(id=resting, owed=True).exists()
    assert Pack.objects.filter(owed=True).exists()


def test_when_nothing_more_comes_the_packs_lose_their_mark(
    sender: Any, series: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead(sender, series[1]).result(5)
    assert Pack.objects.filter(owed=True).exists()
    ingest.settle()
    assert not Pack.objects.filter(owed=True).exists()
    monkeypatch.setattr(owed, "REST_SECONDS", 0.1)
    ahead(sender, series[2]).result(5)
    end = time.monotonic() + 5
    while time.monotonic() < end and Pack.objects.filter(owed=True).exists():
        time.sleep(0.02)
    assert not Pack.objects.filter(owed=True).exists()
    assert uids(series[2]) < named()


def test_a_bucket_owes_nothing(sender: Any, series: list[Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.stores.on_disk", lambda: False)
    ahead(sender, series[1]).result(5)
    assert uids(series[1]) < named()
