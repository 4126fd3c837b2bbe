"""The access epoch: one number that every change of rights raises, so that every process notices within a second.

A serving process calls `start()` once; from then on a thread reads the number once a second, and `check()` refuses
when the last good read is older than two. A process without that thread (a command, a test) reads in place.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from django.db import Error as DatabaseFault
from django.db import connection, transaction
from django.db.models import F

from accounts.errors import RightsUnknown
from accounts.models import AccessEpoch

logger = logging.getLogger("accounts.epoch")

EVERY_SECONDS = 1.0
STALE_SECONDS = 2.0


class _Seen(NamedTuple):
    number: int
    at: float  # the monotonic clock, taken before the read began


_lock = threading.Lock()
_seen: _Seen | None = None
_watcher: threading.Thread | None = None
_watching = False
"""Whether that thread runs: asked a thousand times for a page, more often than a thread should be."""

_ending = threading.Event()
_listeners: list[Callable[[], None]] = []
_sweepers: list[Callable[[], None]] = []


def listen(act: Callable[[], None]) -> None:
    """Let `act` run in this process whenever it learns that the epoch has risen: within two seconds where it serves."""
    if act not in _listeners:
        _listeners.append(act)


def sweep(act: Callable[[], None]) -> None:
    """Let `act` run once a second in a process that serves, to drop what is too old."""
    _sweepers.append(act)


def raise_() -> None:
    """Raise the epoch inside the caller's transaction, which must be the one that changes the rights."""
    if not connection.in_atomic_block:
        raise RuntimeError("The access epoch rises in the transaction of the change that raises it.")
    AccessEpoch.objects.filter(pk=1).update(number=F("number") + 1)
    transaction.on_commit(_read_or_forget)


def number() -> int:
    """Return the epoch as known to this process. Raises RightsUnknown when that knowledge is too old."""
    seen = _seen
    if seen is None or not watching():
        seen = _read()
    return _fresh(seen)


def watched() -> int | None:
    """The same where this process learns by itself that the epoch has risen; None where it does not."""
    return _fresh(_seen or _read()) if watching() else None


def _fresh(seen: _Seen) -> int:
    if time.monotonic() - seen.at > STALE_SECONDS:
        raise RightsUnknown("The access epoch was not read in the last two seconds.")
    return seen.number


def check() -> None:
    """Raise RightsUnknown unless this process knows of every change of rights older than two seconds."""
    number()


def watching() -> bool:
    """Tell whether this process learns by itself, within two seconds, that the epoch has risen."""
    return _watching


def stands(number: int) -> bool:
    """Tell whether this process learns of changes by itself, and has learnt of none since the epoch had this number."""
    return _watching and _seen is not None and _seen.number == number


def start() -> None:
    """Begin to read once a second in a thread of this process. May be called again; also after a fork."""
    global _watcher, _ending, _watching
    with _lock:
        if _watcher is not None and _watcher.is_alive():
            return
        _ending, _watching = threading.Event(), True
        _watcher = threading.Thread(target=_watch, args=(_ending,), name="access-epoch", daemon=True)
        _watcher.start()


def stop() -> None:
    """End the thread and forget what was read."""
    global _watcher, _seen, _watching
    _ending.set()
    if _watcher is not None and _watcher.is_alive():
        _watcher.join(timeout=5)
    _watcher, _seen, _watching = None, None, False


def _watch(ending: threading.Event) -> None:
    global _watching
    try:
        while not ending.is_set():
            try:
                _read()
            except RightsUnknown:
                logger.warning("the access epoch could not be read")
            for act in _sweepers:
                act()
            ending.wait(EVERY_SECONDS)
    finally:
        # One that was told to end may do so after another has begun.
        if ending is _ending:
            _watching = False
        connection.close()


def _read() -> _Seen:
    """Read the number. It never falls, so the greater of two reads that race is the later one."""
    global _seen
    began = time.monotonic()
    try:
        found = AccessEpoch.objects.values_list("number", flat=True).get(pk=1)
    except (DatabaseFault, AccessEpoch.DoesNotExist) as error:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        raise RightsUnknown("The access epoch cannot be read.") from error
    with _lock:
        risen = _seen is None or found > _seen.number
        if _seen is None or found >= _seen.number:
            _seen = _Seen(found, began)
        seen = _seen
    for act in _listeners if risen else ():
        act()
    return seen


def _read_or_forget() -> None:
    """After a change of our own: know it at once, or know nothing until the next good read."""
    global _seen
    try:
        _read()
    except RightsUnknown:
        with _lock:
            _seen = None


def _disown() -> None:
    """The thread that reads the number is its parent's, not a forked child's."""
    global _watching
    _watching = False


os.register_at_fork(after_in_child=_disown)
