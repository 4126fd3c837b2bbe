"""The installation's own keys, and the door to all of the keystore.

``initialise()`` makes what a running archive needs, and set-up calls it ahead of everything; whatever is missing later
(a new month's epoch, a new year's log key) is made at first need, in the same race-safe way (``keystore.epochs``).
"""

from uuid import UUID, uuid4

from django.db import transaction

from keystore import roots
from keystore.epochs import current_epoch, memory, remember, unwrap_under_epoch, wrap_under_epoch
from keystore.errors import KeyGoneError, KeystoreError
from keystore.memory import Key
from keystore.models import Installation, InstallationKey
from keystore.opening import slots
from vault.errors import Tampered
from vault.random import new_secret, subkey

__all__ = [
    "PURPOSES",
    "Key",
    "column_key",
    "current_epoch",
    "drop",
    "find_installation_key",
    "forget",
    "initialise",
    "installation_key",
    "installation_uuid",
    "unwrap_under_epoch",
    "unwrapped",
    "wrap_under_epoch",
]

PURPOSES = ("field", "token", "signing", "journal", "pseudonym", "backup")


def initialise() -> None:
    """Make the installation row, the present epoch and the installation keys, each only where it is missing."""
    Installation.objects.bulk_create([Installation(id=1)], ignore_conflicts=True)
    current_epoch()
    for purpose in PURPOSES:
        installation_key(purpose)


def installation_uuid() -> UUID:
    """Which installation this is; ``KeystoreError`` before ``initialise()``."""
    row = Installation.objects.filter(id=1).first()
    if row is None:
        raise KeystoreError("This database is not set up yet; run manage.py setup.")
    return row.uuid


def installation_key(purpose: str, label: str = "") -> Key:
    """The installation's key for a purpose, made at first need.

    It is bound to purpose and label: a row whose purpose was changed does not open (``KeystoreError``).
    """
    name = (purpose, label)
    known = memory.get(name)
    if known is not None:
        return known
    row = InstallationKey.objects.filter(purpose=purpose, label=label).first() or _make(purpose, label)
    try:
        key = unwrapped(row)
    except KeyGoneError:
        # Its epoch may have been ended since the row was read; then the row tells another one by now.
        key = unwrapped(InstallationKey.objects.get(purpose=purpose, label=label))
    remember(name, key)
    return key


def unwrapped(row: InstallationKey) -> Key:
    """The key of a row, opened now; ``KeystoreError`` when it was changed, ``KeyGoneError`` when its epoch is gone."""
    try:
        secret = unwrap_under_epoch(row.epoch_id, row.id, bytes(row.wrapped), slots(row.purpose, row.label))
    except Tampered:
        raise KeystoreError(f"The installation's key for {row.purpose!r} was changed and does not open.") from None
    return Key(row.id, secret)


def find_installation_key(key_id: UUID, purpose: str) -> Key | None:
    """The installation's key with this id, if it has that purpose; None where there is none. Makes nothing."""
    label = InstallationKey.objects.filter(id=key_id, purpose=purpose).values_list("label", flat=True).first()
    return None if label is None else installation_key(purpose, label)


def column_key(column: str) -> bytes:
    """The 32-byte search-token key of one column; equal values in two columns have tokens that nobody can compare."""
    return subkey(installation_key("token").secret, f"custos/column/v1/{column}")


def drop() -> None:
    """Drop every unwrapped key from this process's memory; the opened root stays."""
    memory.forget()


def forget() -> None:
    """Drop every unwrapped key and the opened root from this process's memory."""
    drop()
    roots.forget()


def _make(purpose: str, label: str) -> InstallationKey:
    key_id = uuid4()
    with transaction.atomic():
        epoch_id, wrapped = wrap_under_epoch(key_id, new_secret(), slots(purpose, label))
        row = InstallationKey(id=key_id, purpose=purpose, label=label, epoch_id=epoch_id, wrapped=wrapped)
        InstallationKey.objects.bulk_create([row], ignore_conflicts=True)
    return InstallationKey.objects.get(purpose=purpose, label=label)
