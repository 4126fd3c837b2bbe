"""Senders that wait for their answers share transactions; nobody waits for those who do not come."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from pydicom import Dataset

from archive import ingest, rounds, writer
from archive.models import Instance
from archive.tickets import Ticket
from tests import builders
from tests.e2e.running import wait_for

pytestmark = pytest.mark.both_databases


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many objects each transaction held."""
    true, found = rounds._round, list[int]()

    def counted(batch: list[Ticket]) -> list[Ticket]:
        found.append(len(batch))
        return true(batch)

    monkeypatch.setattr(rounds, "_round", counted)
    return found


@pytest.fixture
def sending(modality: Any, actor_of: Any) -> Callable[[int], Thread]:
    """A thread that has begun to store so many images, one after the answer to the one before."""
    actor = actor_of(modality)

    def begin(images: int) -> Thread:
        objects = [builders.part10(dataset) for dataset in builders.study(images)]

        def send() -> None:
            for one in objects:
                ingest.submit(actor, one).result(60)

        thread = Thread(target=send)
        thread.start()
        return thread

    return begin


def test_senders_that_wait_for_answers_share_their_transactions(
    sending: Callable[[int], Thread], sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LINGER", 2.0)
    for sender in [sending(10) for _ in range(4)]:
        sender.join()
    assert (sum(sizes), max(sizes), Instance.objects.count()) == (40, 4, 40)
    assert len(sizes) <= 16  # in a step of one, three, one, three it were twenty


def test_who_sends_alone_waits_for_nobody(
    sending: Callable[[int], Thread], sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LINGER", 20.0)
    began = monotonic()
    sending(8).join()
    assert sizes == [1] * 8
    assert monotonic() - began < 20


def test_who_sends_alone_by_another_thread_each_time_waits_for_nobody(
    modality: Any, actor_of: Any, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LINGER", 20.0)
    actor, began = actor_of(modality), monotonic()
    with ThreadPoolExecutor(3) as free:
        turns = Barrier(3)

        def send(dataset: Dataset, number: int) -> None:
            for turn in range(3):
                turns.wait(60)  # all three threads live, and one of them stores
                if turn == number:
                    ingest.submit(actor, builders.part10(dataset)).result(60)

        list(free.map(send, builders.study(3), range(3)))
    assert sizes == [1] * 3
    assert monotonic() - began < 20


def test_who_does_not_come_again_is_waited_for_once(
    sending: Callable[[int], Thread], sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LINGER", 3.0)
    began = monotonic()
    for sender in (sending(13), sending(3)):
        sender.join()
    assert sum(sizes) == 16
    assert 2 in sizes
    assert monotonic() - began < 15  # each of the ten would have waited three seconds


def test_who_ends_the_writer_waits_for_nobody_and_what_waits_is_stored(
    sending: Callable[[int], Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LINGER", 60.0)
    ours = ingest._current()
    gone: Any = [SimpleNamespace(thread=number, settled=True) for number in (-1, -2)]  # two who do not come again
    ours._batch = gone
    sender, began = sending(1), monotonic()
    wait_for(lambda: ours._waiting, what="an object that waits for company")
    ingest.stop()
    sender.join()
    assert Instance.objects.count() == 1
    assert monotonic() - began < 30
