"""Packs are flushed beside the rows: nothing is named, recorded or answered that the disk has not taken."""

import os
from threading import Event
from typing import Any

import pytest

from archive import ingest, packs
from archive.errors import NotDurable
from archive.models import Instance
from audit.actions import Action
from audit.models import AuditEvent
from tests import builders

pytestmark = pytest.mark.both_databases


@pytest.fixture
def sender(modality: Any, actor_of: Any) -> Any:
    return actor_of(modality)


def stored() -> tuple[int, int]:
    return Instance.objects.count(), AuditEvent.objects.filter(action=Action.STORE).count()


def test_what_the_disk_does_not_take_is_refused_at_once_and_named_nowhere(
    sender: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (builders.part10(ds) for ds in builders.study(3))
    assert ingest.store(sender, first).status == "stored"
    failed = list[int]()

    def broken(handle: int) -> None:
        failed.append(handle)
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", broken)
        with pytest.raises(NotDurable, match="Input/output error"):
            ingest.store(sender, second)
    assert len(failed) == 1
    assert stored() == (1, 1)
    assert ingest.store(sender, second).status == "stored"
    assert ingest.store(sender, third).status == "stored"
    assert stored() == (3, 3)


def test_rows_are_not_committed_before_the_flush_has_ended(sender: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    flush, begun, go = packs.flush, Event(), Event()

    def slow(places: Any) -> None:
        begun.set()
        assert go.wait(10)
        flush(places)

    monkeypatch.setattr(packs, "flush", slow)
    ticket = ingest.submit(sender, builders.part10(builders.ct_slice()))
    assert begun.wait(10)
    try:
        assert not ticket._done.wait(0.5)
        assert stored() == (0, 0)
    finally:
        go.set()
    assert ticket.result().status == "stored"
    assert stored() == (1, 1)
