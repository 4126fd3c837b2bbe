"""Unwrapped keys in this process's memory: for a short time, few at once, and never printed."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from threading import Lock, Timer
from time import monotonic
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Key:
    """An unwrapped key: its id and its 32 bytes, which no representation shows."""

    id: UUID
    secret: bytes = field(repr=False)


class Memory:
    """Remembers keys for ``seconds``, the newest ``most`` of them; safe for threads.

    A timer drops what is too old, so that a process with nothing to do gives its keys up as well.
    """

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._keys: OrderedDict[Hashable, tuple[float, Key]] = OrderedDict()  # the oldest first
        self._lock = Lock()
        self._sweeper: Timer | None = None

    def __len__(self) -> int:
        """How many keys are in memory now."""
        return len(self._keys)

    def get(self, name: Hashable) -> Key | None:
        """The key remembered under ``name``, unless its time is over."""
        with self._lock:
            self._sweep()
            found = self._keys.get(name)
            return None if found is None else found[1]

    def put(self, name: Hashable, key: Key) -> None:
        """Remember ``key``; its time runs from now and is not prolonged by use."""
        with self._lock:
            self._keys.pop(name, None)
            self._keys[name] = (monotonic() + self._seconds, key)
            while len(self._keys) > self._most:
                self._keys.popitem(last=False)
            self._wait()

    def forget(self) -> None:
        """Drop everything, and the timer that would."""
        with self._lock:
            self._keys.clear()
            if self._sweeper is not None:
                self._sweeper.cancel()
                self._sweeper = None

    def _sweep(self) -> None:
        now = monotonic()
        while self._keys and next(iter(self._keys.values()))[0] <= now:
            self._keys.popitem(last=False)

    def _wait(self) -> None:
        if self._sweeper is None and self._keys:
            self._sweeper = Timer(self._seconds, self._timed)
            self._sweeper.daemon = True
            self._sweeper.start()

    def _timed(self) -> None:
        with self._lock:
            self._sweep()
            self._sweeper = None
            self._wait()
