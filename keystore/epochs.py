"""Epoch keys: one a month, wrapped by the root; they wrap every study, patient and installation key.

A row is inserted ``ON CONFLICT DO NOTHING`` and read back, so that of several processes that need a new epoch at once
one makes it and all use it. That holds inside a caller's transaction too: the second waits for the first one's end. A
key that was read inside a transaction is remembered only once that transaction has committed, because a row made in it
may still vanish.
"""

from collections.abc import Hashable
from datetime import UTC, datetime
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from keystore import roots
from keystore.errors import KeyGoneError, RootKeyError
from keystore.memory import Key, Memory
from keystore.models import EpochKey
from vault.objects import EMPTY_SLOTS, Slots
from vault.random import new_secret
from vault.wrap import unwrap, wrap

SECONDS_IN_MEMORY = 60.0
MOST_IN_MEMORY = 64

memory = Memory(SECONDS_IN_MEMORY, MOST_IN_MEMORY)


def current_epoch() -> Key:
    """The epoch key under which new keys are wrapped, made at first need in a month (UTC).

    The newest epoch counts even when its month lies ahead of this machine's clock, so two machines never alternate.
    """
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    name = ("present epoch", month)
    known = memory.get(name)
    if known is not None:
        return known
    newest = EpochKey.objects.order_by("-number").first()
    if newest is None or newest.ended_at is not None or newest.created_at < month:
        newest = _make(1 if newest is None else newest.number + 1)
    key = _opened(newest)
    remember(name, key)
    return key


def epoch(epoch_id: UUID) -> Key:
    """One epoch key; ``KeyGoneError`` when it was destroyed, ``RootKeyError`` when the root does not open it."""
    known = memory.get(epoch_id)
    if known is not None:
        return known
    row = EpochKey.objects.filter(id=epoch_id).first()
    if row is None:
        raise KeyGoneError("This epoch's key is not in the database.")
    key = _opened(row)
    remember(epoch_id, key)
    return key


def wrap_under_epoch(key_id: UUID, secret: bytes, slots: Slots = EMPTY_SLOTS) -> tuple[UUID, bytes]:
    """Wrap a 32-byte key under the present epoch: (epoch id, wrapped key), to be stored side by side."""
    under = current_epoch()
    return under.id, wrap(under.secret, under.id, key_id, secret, slots=slots)


def unwrap_under_epoch(epoch_id: UUID, key_id: UUID, wrapped: bytes, slots: Slots = EMPTY_SLOTS) -> bytes:
    """The 32-byte key inside; ``Tampered`` when it is not that key under that epoch in those slots."""
    under = epoch(epoch_id)
    return unwrap(under.secret, under.id, key_id, wrapped, slots=slots)


def remember(name: Hashable, key: Key) -> None:
    """Keep a key in memory once the caller's transaction (if there is one) has committed."""
    transaction.on_commit(lambda: memory.put(name, key))


def _make(number: int) -> EpochKey:
    root = roots.from_url(settings.PACS_KEK_URL)
    key_id = uuid4()
    row = EpochKey(id=key_id, number=number, root_id=root.id, wrapped=root.wrap(key_id, new_secret()))
    EpochKey.objects.bulk_create([row], ignore_conflicts=True)
    return EpochKey.objects.get(number=number)


def _opened(row: EpochKey) -> Key:
    if not row.wrapped:
        raise KeyGoneError("This epoch was ended and its key destroyed.")
    root = roots.from_url(settings.PACS_KEK_URL)
    if root.id != row.root_id:
        raise RootKeyError(
            f"The root key ({root.describe()}) is not the one that wrapped this installation's keys; "
            "restore that one, or name its place in PACS_KEK_URL."
        )
    return Key(row.id, root.unwrap(row.id, bytes(row.wrapped)))
