"""Unwrapped study and patient keys in this process's memory: for at most a minute. Used by `archive.keys` alone."""

import os
import time
from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock, Timer
from typing import Protocol
from uuid import UUID

from accounts import epoch
from archive.errors import Damaged
from archive.models import StudyKey
from audit import alerts
from keystore import keys as keystore
from keystore.errors import KeyGoneError
from vault.errors import Tampered
from vault.objects import Slots

SECONDS = 60.0
MOST = 4096


class Wrapped(Protocol):
    """What opening a key needs of its row."""

    @property
    def id(self) -> UUID: ...
    @property
    def scope(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def epoch(self) -> UUID: ...
    @property
    def wrapped(self) -> bytes | memoryview: ...


_lock = Lock()
_held: OrderedDict[UUID, tuple[float, bytes]] = OrderedDict()  # oldest first
_sweeper: Timer | None = None


def slots(scope: str, subject: str) -> Slots:
    """What a wrapped key is bound to besides its ids: whose it is (docs/FORMAT.md, kind 6)."""
    return (scope.encode(), subject.encode(), b"")


def forget() -> None:
    """Drop all of them, and the timer that would."""
    global _sweeper
    with _lock:
        _held.clear()
        if _sweeper is not None:
            _sweeper.cancel()
            _sweeper = None


def _disown() -> None:
    """A forked child may have inherited the lock from a thread that it has not, and has no timer of its own yet."""
    global _lock, _sweeper
    _lock, _sweeper = Lock(), None
    _held.clear()


os.register_at_fork(after_in_child=_disown)
# A study destroyed or a key epoch ended elsewhere raises the access epoch: no process keeps their keys for longer.
epoch.listen(forget)
epoch.listen(keystore.drop)


def held(key_id: UUID) -> bool:
    """Tell whether a key is in memory and young enough."""
    with _lock:
        return _young(key_id) is not None


def get(key_id: UUID) -> bytes | None:
    """The key, read from its row where it is not in memory; None when there is no such row."""
    with _lock:
        found = _young(key_id)
    if found is not None:
        return found
    row = StudyKey.objects.filter(id=key_id).first()
    return None if row is None else hold(row)


def many(key_ids: Iterable[UUID], rows: Iterable[Wrapped] = ()) -> dict[UUID, bytes]:
    """Those of the keys that exist, with one query for all that are neither in memory nor among `rows`."""
    wanted = set(key_ids)
    with _lock:
        found = {key_id: secret for key_id in wanted if (secret := _young(key_id)) is not None}
    missing = wanted - found.keys()
    read: list[Wrapped] = [row for row in rows if row.id in missing] if missing else []
    missing -= {row.id for row in read}
    for row in (*read, *(StudyKey.objects.filter(id__in=missing) if missing else ())):
        found[row.id] = hold(row)
    return found


def hold(row: Wrapped) -> bytes:
    """Unwrap a key row and keep it for a minute. Raises Damaged where the row does not open."""
    with _lock:
        found = _young(row.id)
    if found is not None:
        return found
    try:
        secret = unwrapped(row)
    except KeyGoneError:
        # Its epoch may have been ended since the row was read; then the row tells another one by now.
        later = StudyKey.objects.filter(id=row.id).exclude(epoch=row.epoch).first()
        if later is None:
            raise
        secret = unwrapped(later)
    with _lock:
        _held[row.id] = (time.monotonic(), secret)
        _held.move_to_end(row.id)
        while len(_held) > MOST:
            _held.popitem(last=False)
        _sweep_later()
    return secret


def unwrapped(row: Wrapped) -> bytes:
    """The key of a row, opened now. Raises Damaged where it does not open, KeyGoneError when its epoch is gone."""
    try:
        return keystore.unwrap_under_epoch(row.epoch, row.id, bytes(row.wrapped), slots(row.scope, row.subject))
    except Tampered:
        # The wrapped key was changed in the database: nothing of the study opens, and nothing else would tell why.
        alerts.raise_("damaged", str(row.id), f"The key of a {row.scope} does not open.")
        raise Damaged("The key of this study does not open.") from None


def _young(key_id: UUID) -> bytes | None:
    """The key in memory, unless its minute is over. Under the lock."""
    found = _held.get(key_id)
    if found is None or time.monotonic() - found[0] > SECONDS:
        return None
    return found[1]


def _sweep_later() -> None:
    """An idle process, too, gives its keys up after their minute. Under the lock."""
    global _sweeper
    if _sweeper is None:
        _sweeper = Timer(SECONDS, _sweep)
        _sweeper.daemon = True
        _sweeper.start()


def _sweep() -> None:
    global _sweeper
    with _lock:
        oldest = time.monotonic() - SECONDS
        while _held and next(iter(_held.values()))[0] <= oldest:
            _held.popitem(last=False)
        _sweeper = None
        if _held:
            _sweep_later()
