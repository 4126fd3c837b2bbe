"""The public half of the recovery key, as the installation keeps it: a cell that only the installation can have sealed.

Were it stored bare, whoever can write into the database could put a key of their own there, and next month's epoch key
would be sealed to them.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from keystore import recovery
from keystore.errors import KeystoreError, RecoveryError
from keystore.memory import Key
from keystore.models import EpochKey, Installation, InstallationKey
from keystore.opening import opened, slots, unwrap_under_epoch
from vault.cells import seal_cell, unseal_cell
from vault.errors import Tampered

CELL = "installation.recovery"


class Sharing(NamedTuple):
    """When the recovery key was handed out, and how: ``threshold`` of ``shares`` give it back."""

    at: datetime
    threshold: int
    shares: int


def sharing() -> Sharing | None:
    """How the present recovery key was shared; None where none was ever made."""
    row = Installation.objects.filter(id=1).first()
    if row is None or row.recovery is None or row.recovery_at is None:
        return None
    return Sharing(row.recovery_at, row.recovery_threshold or 0, row.recovery_count or 0)


def public() -> bytes | None:
    """The recovery key's public half; None where there is none. ``RecoveryError`` when somebody changed it."""
    row = Installation.objects.filter(id=1).first()
    if row is None or row.recovery is None:
        return None
    key = _field()
    try:
        return unseal_cell(key.secret, key.id, CELL, row.uuid, bytes(row.recovery))
    except Tampered:
        raise RecoveryError(
            "The recovery key in the database was changed by somebody else; export its shares anew."
        ) from None


def replace(public_half: bytes, threshold: int, count: int) -> int:
    """Put another recovery key in the old one's place and seal every living epoch key to it; return how many.

    In the caller's transaction, with its turn taken. ``RootKeyError`` when an epoch does not open.
    """
    living = list(EpochKey.objects.select_for_update().exclude(wrapped=b""))
    for row in living:
        row.recovery = recovery.seal(public_half, row.id, opened(row).secret)
        row.save(update_fields=["recovery"])
    key, place = _field(), Installation.objects.get(id=1)
    Installation.objects.filter(id=1).update(
        recovery=seal_cell(key.secret, key.id, CELL, place.uuid, public_half),
        recovery_at=datetime.now(UTC),
        recovery_threshold=threshold,
        recovery_count=count,
    )
    return len(living)


def _field() -> Key:
    row = InstallationKey.objects.filter(purpose="field", label="").first()
    if row is None:
        raise KeystoreError("This database is not set up yet; run manage.py setup.")
    try:
        secret = unwrap_under_epoch(row.epoch_id, row.id, bytes(row.wrapped), slots("field", ""))
    except Tampered:
        raise KeystoreError("The installation's key for 'field' was changed and does not open.") from None
    return Key(row.id, secret)
