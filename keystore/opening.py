"""How an epoch's row becomes its key: by the root that wrapped it, remembered for a minute.

Everything new is wrapped by the root of ``PACS_KEK_URL``. While the installation moves to another root, or is recovered
with one, `using` names that root for the block that does so; each row then opens with whichever of the two wrapped it.
"""

import logging
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.conf import settings
from django.db import transaction

from keystore import roots
from keystore.errors import KeyGoneError, RootKeyError
from keystore.memory import Key, Memory
from keystore.models import EpochKey, Installation
from keystore.roots import Root
from vault.objects import EMPTY_SLOTS, Slots
from vault.wrap import unwrap

SECONDS_IN_MEMORY = 60.0
MOST_IN_MEMORY = 64

logger = logging.getLogger("keystore")
memory = Memory(SECONDS_IN_MEMORY, MOST_IN_MEMORY)
_told: set[UUID] = set()
_using: ContextVar[Root | None] = ContextVar("root", default=None)


@contextmanager
def using(root: Root) -> Iterator[None]:
    """Within the block, wrap with ``root`` and open what it wrapped, beside what the root of ``PACS_KEK_URL`` did."""
    token = _using.set(root)
    try:
        yield
    finally:
        _using.reset(token)


def present_root() -> Root:
    """The root that wraps new epoch keys; ``RootKeyError`` says what is wrong with it."""
    return _using.get() or roots.from_url(settings.PACS_KEK_URL)


def moved(root: Root) -> RootKeyError:
    """What to tell whoever comes with a root that does not hold the installation's keys (any more).

    A process that was running while the root was rotated says it in its own log as well, once.
    """
    words = (
        f"The root key ({root.describe()}) is not the one that wrapped this installation's keys; restore that one, or "
        "name its place in PACS_KEK_URL. After a rotation that is the place of the new root: set it and start again."
    )
    if root.id not in _told:
        _told.add(root.id)
        logger.error("%s", words)
    return RootKeyError(words)


def turn() -> None:
    """Take the turn to change root, recovery key or epochs inside the caller's transaction; it ends with that.

    Whoever makes an epoch takes it too, so that none is missed by who goes through all of them.
    """
    Installation.objects.select_for_update().filter(id=1).first()


def epoch(epoch_id: UUID) -> Key:
    """One epoch key; ``KeyGoneError`` when it was destroyed, ``RootKeyError`` when the root does not open it."""
    known = memory.get(epoch_id)
    if known is not None:
        return known
    row = EpochKey.objects.filter(id=epoch_id).first()
    if row is None:
        raise KeyGoneError("This epoch's key is not in the database.")
    key = opened(row)
    remember(epoch_id, key)
    return key


def opened(row: EpochKey) -> Key:
    """The key of an epoch's row, unwrapped now; raises as `epoch` does."""
    if not row.wrapped:
        raise KeyGoneError("This epoch was ended and its key destroyed.")
    root = _using.get()
    if root is None or root.id != row.root_id:
        root = roots.from_url(settings.PACS_KEK_URL)
    if root.id != row.root_id:
        raise moved(root)
    return Key(row.id, root.unwrap(row.id, bytes(row.wrapped)))


def unwrap_under_epoch(epoch_id: UUID, key_id: UUID, wrapped: bytes, slots: Slots = EMPTY_SLOTS) -> bytes:
    """The 32-byte key inside; ``Tampered`` when it is not that key under that epoch in those slots."""
    under = epoch(epoch_id)
    return unwrap(under.secret, under.id, key_id, wrapped, slots=slots)


def slots(purpose: str, label: str) -> Slots:
    """What an installation key is bound to besides its ids (docs/FORMAT.md, section 3)."""
    return (purpose.encode(), label.encode(), b"")


def remember(name: Hashable, key: Key) -> None:
    """Keep a key in memory once the caller's transaction (if there is one) has committed."""
    transaction.on_commit(lambda: memory.put(name, key))
