"""What was looked up a moment ago: kept for a second at most, and not a moment longer than the rights it came of.

It is for a process that serves, whose thread reads the access epoch; every other process looks things up each time.
Nothing that is kept permits anything: whoever takes it has asked the gate before.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

from accounts import epoch

SECONDS = 1.0

Name = TypeVar("Name", bound=Hashable)
Thing = TypeVar("Thing")


class _Kept(NamedTuple, Generic[Thing]):
    thing: Thing
    number: int
    until: float


class Recent(Generic[Name, Thing]):
    """Things by name: so many at most, the oldest going first, all of them gone when the access epoch rises."""

    def __init__(self, most: int, seconds: float = SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._lock = Lock()
        self._kept: OrderedDict[Name, _Kept[Thing]] = OrderedDict()
        epoch.listen(self.forget)
        epoch.sweep(self._sweep)

    def get(self, name: Name) -> Thing | None:
        """The thing of this name, if it may still be relied on. Raises RightsUnknown."""
        found = self._kept.get(name)
        if found is None or found.until <= time.monotonic():
            return None
        return found.thing if found.number == epoch.watched() else None

    def keep(self, name: Name, thing: Thing, number: int, began: float) -> None:
        """Keep a thing that was looked up from `began` on, when the epoch had this number, if it still has that."""
        with self._lock:
            # Whoever learns of a later one drops everything, and waits here if it comes to that now.
            if not epoch.stands(number):
                return
            self._kept.pop(name, None)
            self._kept[name] = _Kept(thing, number, began + self._seconds)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def find(self, name: Name, look: Callable[[], Thing]) -> Thing:
        """The thing of this name, looked up where it is not kept."""
        found = self.get(name)
        if found is None:
            number, began = epoch.number(), time.monotonic()
            found = look()
            self.keep(name, found, number, began)
        return found

    def _sweep(self) -> None:
        """Drop what is too old, also where nobody asks for anything any more. The oldest were kept first."""
        now = time.monotonic()
        with self._lock:
            while self._kept and next(iter(self._kept.values())).until <= now:
                self._kept.popitem(last=False)

    def forget(self) -> None:
        """Drop everything."""
        with self._lock:
            self._kept.clear()
