"""Epoch keys pass from one root to another: both are there (`rewrap`), or enough shares are (`recover`).

Both run in the caller's transaction, so that all epochs pass or none, inside `opening.using` the new root.
"""

from keystore import keys, recipient, recovery
from keystore.epochs import make
from keystore.errors import RecoveryError, RootKeyError
from keystore.models import EpochKey, InstallationKey
from keystore.opening import opened, turn
from keystore.roots import Root


def outside(root: Root) -> list[EpochKey]:
    """The living epochs that another root than this one wrapped."""
    return list(EpochKey.objects.exclude(wrapped=b"").exclude(root_id=root.id).order_by("number"))


def rewrap(to: Root) -> int:
    """Wrap every living epoch key by ``to``; return how many were wrapped by another root before.

    ``RootKeyError`` when one of them opens with neither root, or ``to`` does not give back what it wrapped.
    """
    turn()
    keys.drop()
    found = list(EpochKey.objects.select_for_update().exclude(wrapped=b"").exclude(root_id=to.id).order_by("number"))
    for row in found:
        _pass(row, opened(row).secret, to)
    return len(found)


def recover(seed: bytes, to: Root) -> int:
    """Open every living epoch key with the recovery key's seed, wrap it by ``to``, and begin a new epoch.

    The old root is not asked. ``RecoveryError`` when the seed is that of another recovery key, when an epoch was never
    sealed to it, or when what it opens is not the key that the epoch had. Whoever can write into the database could
    plant an epoch of their own, sealed to the public half: so nothing new is wrapped under what was recovered.
    """
    turn()
    keys.drop()
    living = list(EpochKey.objects.select_for_update().exclude(wrapped=b"").order_by("number"))
    if not any(row.recovery for row in living):
        raise RecoveryError("No shares were ever exported here: nothing is sealed to a recovery key.")
    for row in living:
        if not row.recovery:
            raise RecoveryError(f"Epoch {row.number} was never sealed to the recovery key.")
        try:
            secret = recovery.open_(seed, row.id, bytes(row.recovery))
        except RecoveryError:
            raise RecoveryError(
                f"These shares do not open epoch {row.number}: they are of another recovery key."
            ) from None
        _pass(row, secret, to)
    for key in InstallationKey.objects.all():
        keys.unwrapped(key)
    if recipient.public() != recovery.public_of(seed):
        raise RecoveryError("The recovery key in the database is another one; nothing was changed.")
    make(even_so=True)
    return len(living)


def _pass(row: EpochKey, secret: bytes, to: Root) -> None:
    row.wrapped, row.root_id = to.wrap(row.id, secret), to.id
    if to.unwrap(row.id, row.wrapped) != secret:
        raise RootKeyError(f"The root key ({to.describe()}) does not give back what it wrapped.")
    row.save(update_fields=["wrapped", "root_id"])
