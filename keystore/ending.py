"""The end of an epoch, as far as the rows of the keystore go; the caller does the same for the keys of studies.

First nothing new is wrapped under it (`begin`), then what it wraps passes to the present epoch (`rewrap`), then its
key is destroyed (`destroy`). Who inserts a key holds the epoch's row until that is committed
(`epochs.wrap_under_epoch`), so that after `begin` has committed nobody brings another one.
"""

from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction

from keystore import keys
from keystore.epochs import current_epoch, make, wrap_under_epoch
from keystore.errors import KeystoreError
from keystore.models import EpochKey, InstallationKey
from keystore.opening import slots, turn


def begin(number: int) -> UUID:
    """Let nothing new be wrapped under an epoch from now on, durably; make a new one first if it is the present one.

    Returns its id. May be repeated. ``KeystoreError`` when there is no such epoch or its key is destroyed already.
    """
    with transaction.atomic(durable=True):
        turn()
        row = EpochKey.objects.select_for_update().filter(number=number).first()
        if row is None:
            raise KeystoreError(f"There is no epoch {number}.")
        if not row.wrapped:
            raise KeystoreError(f"Epoch {number} has ended already.")
        if not EpochKey.objects.filter(number__gt=number, ended_at=None).exists():
            make(even_so=True)
        if row.ended_at is None:
            row.ended_at = datetime.now(UTC)
            row.save(update_fields=["ended_at"])
    keys.drop()
    current_epoch()
    return row.id


def rewrap(epoch_id: UUID) -> int:
    """Wrap the installation keys of an epoch under the present one, in one transaction; return how many they were."""
    with transaction.atomic():
        found = list(InstallationKey.objects.select_for_update().filter(epoch_id=epoch_id))
        for row in found:
            secret = keys.unwrapped(row).secret
            row.epoch_id, row.wrapped = wrap_under_epoch(row.id, secret, slots(row.purpose, row.label))
            row.save(update_fields=["epoch", "wrapped"])
    return len(found)


def destroy(epoch_id: UUID) -> None:
    """Destroy an epoch's key, in the caller's transaction; ``KeystoreError`` where it still wraps one of ours."""
    row = EpochKey.objects.select_for_update().get(id=epoch_id)
    if row.ended_at is None or InstallationKey.objects.filter(epoch_id=epoch_id).exists():
        raise KeystoreError(f"Epoch {row.number} still wraps keys.")
    EpochKey.objects.filter(id=epoch_id).update(wrapped=b"", recovery=None)
    transaction.on_commit(keys.drop)
