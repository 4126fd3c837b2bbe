"""The present epoch: one a month, wrapped by the root; its key wraps every new study, patient and installation key.

A row is inserted ``ON CONFLICT DO NOTHING`` and read back, so that of several processes that need a new epoch at once
one makes it and all use it. That holds inside a caller's transaction too: the second waits for the first one's end. A
key that was read inside a transaction is remembered only once that transaction has committed, because a row made in it
may still vanish.
"""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from django.db import connection, transaction

from keystore import recipient, recovery
from keystore.memory import Key
from keystore.models import EpochKey
from keystore.opening import epoch, memory, moved, opened, present_root, remember, turn, unwrap_under_epoch
from vault.objects import EMPTY_SLOTS, Slots
from vault.random import new_secret
from vault.wrap import wrap

__all__ = ["current_epoch", "epoch", "make", "memory", "remember", "unwrap_under_epoch", "wrap_under_epoch"]


def current_epoch() -> Key:
    """The epoch key under which new keys are wrapped, made at first need in a month (UTC).

    The newest epoch counts even when its month lies ahead of this machine's clock, so two machines never alternate.
    """
    month = _month()
    known = memory.get(("present epoch", month))
    if known is not None:
        return known
    newest = _newest()
    if newest is None or not _present(newest, month):
        newest = make()
    key = opened(newest)
    remember(("present epoch", month), key)
    return key


def make(*, even_so: bool = False) -> EpochKey:
    """The row of a new epoch, or of the one that somebody else made meanwhile, unless ``even_so``.

    ``RootKeyError`` when other epochs are wrapped by another root: after a rotation the old one wraps nothing more.
    """
    with transaction.atomic():
        turn()
        newest = _newest()
        if newest is not None and _present(newest, _month()) and not even_so:
            return newest
        root = present_root()
        if EpochKey.objects.exclude(wrapped=b"").exclude(root_id=root.id).exists():
            raise moved(root)
        key_id, secret, public = uuid4(), new_secret(), recipient.public()
        row = EpochKey(
            id=key_id,
            number=1 if newest is None else newest.number + 1,
            root_id=root.id,
            wrapped=root.wrap(key_id, secret),
            recovery=None if public is None else recovery.seal(public, key_id, secret),
        )
        EpochKey.objects.bulk_create([row], ignore_conflicts=True)
        return EpochKey.objects.get(number=row.number)


def wrap_under_epoch(key_id: UUID, secret: bytes, slots: Slots = EMPTY_SLOTS) -> tuple[UUID, bytes]:
    """Wrap a 32-byte key under the present epoch: (epoch id, wrapped key), to be stored side by side.

    Stored in the transaction in which this was called, it is not lost even if somebody ends that epoch just now.
    """
    under = current_epoch()
    with transaction.atomic(savepoint=False):
        while not _stays(under.id):
            memory.forget()
            under = current_epoch()
    return under.id, wrap(under.secret, under.id, key_id, secret, slots=slots)


def _stays(epoch_id: UUID) -> bool:
    """Keep an epoch from being ended until the caller's transaction is over; False when it was ended already.

    Asked for every new key, and so in a statement that need not be made each time.
    """
    table, lock = EpochKey._meta.db_table, " FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
    named = EpochKey._meta.pk.get_db_prep_value(epoch_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {table} WHERE id = %s AND ended_at IS NULL{lock}", [named])  # noqa: S608 # nosec B608
        return cursor.fetchone() is not None


def _newest() -> EpochKey | None:
    return EpochKey.objects.order_by("-number").first()


def _present(row: EpochKey, month: datetime) -> bool:
    return row.ended_at is None and row.created_at >= month


def _month() -> datetime:
    return datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
