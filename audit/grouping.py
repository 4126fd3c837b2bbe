"""Many threads, one write: whoever comes first writes for everybody who waits, and all hear how it ended.

While one group is being written the next one gathers, so that a slow disk or a long queue of processes makes groups
grow instead of everybody's wait. Who is alone writes at once.
"""

import os
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar
from weakref import WeakSet

Item = TypeVar("Item")


class Waited(Exception):
    """Nobody began to write this item in time; it has not been written and will not be."""


class _Place(Generic[Item]):
    __slots__ = ("done", "error", "item")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.done = False
        self.error: BaseException | None = None


class Group(Generic[Item]):
    """Gathers the items of this process for `write`, which one thread at a time calls with all that wait.

    It is told as well how many seconds the thread that calls it has left of its patience.
    """

    def __init__(self, write: Callable[[list[Item], float], None]) -> None:
        self._write = write
        self._mutex, self._turn = Lock(), Lock()
        self._waiting: list[_Place[Item]] = []
        _groups.add(self)

    def join(self, item: Item, patience_seconds: float) -> None:
        """Return once the item is written, by this thread or another. Raises what `write` raised for its group.

        Raises Waited if the group before it takes longer than that; an item that is being written is waited for.
        """
        place, end = _Place(item), time.monotonic() + patience_seconds
        with self._mutex:
            self._waiting.append(place)
        if not self._turn.acquire(timeout=patience_seconds):
            with self._mutex:
                if place in self._waiting:
                    self._waiting.remove(place)
                    raise Waited
            self._turn.acquire()
        try:
            if not place.done:
                self._lead(max(end - time.monotonic(), 0.0))
        finally:
            self._turn.release()
        if place.error is not None:
            raise place.error

    def _lead(self, left: float) -> None:
        with self._mutex:
            places, self._waiting = self._waiting, []
        try:
            self._write([place.item for place in places], left)
        except BaseException as error:  # noqa: BLE001 - each of those who wait hears it
            for place in places:
                place.error = error
        finally:
            for place in places:
                place.done = True

    def _renew(self) -> None:
        """A child process has none of its parent's threads, so nobody would ever give a turn back."""
        self._mutex, self._turn = Lock(), Lock()
        self._waiting = []


_groups: "WeakSet[Group[Any]]" = WeakSet()


def _renew_all() -> None:
    for group in _groups:
        group._renew()


os.register_at_fork(after_in_child=_renew_all)
