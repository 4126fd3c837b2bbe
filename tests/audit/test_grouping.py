"""Threads that share one write: everybody's item is written once, in the order of coming, and everybody hears of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread

import pytest

from audit.grouping import Group, Waited
from tests import forking

SECONDS = 20.0


class Slow:
    """A write that lasts until it is let go, and keeps what it was given."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.begun, self.go_on = Event(), Event()
        self.refused: set[int] = set()
        self.left = 0.0

    def __call__(self, items: list[int], left: float) -> None:
        self.left = left
        self.groups.append(items)
        self.begun.set()
        assert self.go_on.wait(SECONDS)
        if self.refused & set(items):
            raise OSError("the disk is full")


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.go_on.set()


def waiting(group: Group[int], count: int) -> bool:
    """Wait until so many have joined and stand behind the one who writes."""
    pause = Event()
    return any(len(group._waiting) == count or pause.wait(0.01) for _ in range(int(SECONDS * 100)))


def begin(pool: ThreadPoolExecutor, group: Group[int], slow: Slow, followers: int) -> list[object]:
    """One who writes item 0, and as many as named behind it, each there before the next comes."""
    joined = [pool.submit(group.join, 0, SECONDS)]
    assert slow.begun.wait(SECONDS)
    for item in range(1, followers + 1):
        joined.append(pool.submit(group.join, item, SECONDS))
        assert waiting(group, item)
    return list(joined)


def test_those_who_come_while_one_writes_are_written_together_in_the_order_in_which_they_came(slow: Slow) -> None:
    group = Group(slow)
    with ThreadPoolExecutor(8) as pool:
        joined = begin(pool, group, slow, 6)
        slow.go_on.set()
        assert [one.result(SECONDS) for one in joined] == [None] * 7  # type: ignore[attr-defined]
    assert slow.groups == [[0], [1, 2, 3, 4, 5, 6]]


def test_everybody_of_a_group_that_failed_hears_of_it_and_nobody_of_another(slow: Slow) -> None:
    group = Group(slow)
    slow.refused = {2}
    with ThreadPoolExecutor(8) as pool:
        joined = begin(pool, group, slow, 3)
        slow.go_on.set()
        first, *others = [one.exception(SECONDS) for one in joined]  # type: ignore[attr-defined]
    assert first is None
    assert [str(error) for error in others] == ["the disk is full"] * 3
    group.join(9, SECONDS)
    assert slow.groups[-1] == [9]


def test_who_waited_too_long_behind_a_hung_write_is_told_so_and_never_written(slow: Slow) -> None:
    group = Group(slow)
    with ThreadPoolExecutor(2) as pool:
        begun = pool.submit(group.join, 0, SECONDS)
        assert slow.begun.wait(SECONDS)
        with pytest.raises(Waited):
            group.join(1, 0.05)
        slow.go_on.set()
        begun.result(SECONDS)
    group.join(2, SECONDS)
    assert slow.groups == [[0], [2]]


def test_who_waited_behind_others_writes_with_what_is_left_of_the_patience(slow: Slow) -> None:
    group = Group(slow)
    with ThreadPoolExecutor(2) as pool:
        begun = begin(pool, group, slow, 1)
        assert slow.left > SECONDS - 1
        Event().wait(0.3)
        slow.go_on.set()
        assert [one.result(SECONDS) for one in begun] == [None, None]  # type: ignore[attr-defined]
    assert slow.left <= SECONDS - 0.3


def test_under_a_crowd_every_item_is_written_exactly_once() -> None:
    written: list[int] = []
    group = Group[int](lambda items, _left: written.extend(items))
    barrier = Barrier(16)

    def crowd(number: int) -> None:
        barrier.wait(SECONDS)
        for at in range(500):
            group.join(number * 500 + at, SECONDS)

    threads = [Thread(target=crowd, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(written) == list(range(8000))
    for number in range(16):
        own = [item for item in written if item // 500 == number]
        assert own == sorted(own), "one thread's items change places"


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of Python 3.12 and later
def test_a_child_process_does_not_wait_for_a_thread_that_only_its_parent_has(slow: Slow) -> None:
    group = Group(slow)
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(group.join, 0, SECONDS)
        assert slow.begun.wait(SECONDS)

        def leads() -> bool:
            slow.go_on.set()
            slow.groups.clear()
            group.join(1, 1.0)
            return slow.groups == [[1]]

        status = forking.ended(forking.child(leads))
        slow.go_on.set()
        begun.result(SECONDS)
    assert status == 0
