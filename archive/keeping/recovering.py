"""The recovery key: made and shared while all is well, put together again on the day the root is lost."""

from accounts import gate
from accounts.actors import Actor
from archive.keeping.rotating import Rotated
from audit.actions import Action
from keystore import keys as keystore
from keystore import recipient, recovery, roots, rotation
from keystore.opening import turn, using
from vault.random import new_secret


def export(actor: Actor, threshold: int, count: int) -> list[str]:
    """Make a new recovery key, seal every living epoch key to it, and return its shares: the only time they are seen.

    The recovery key before it opens nothing any more once `cleaning` is done. Raises Forbidden, StepUpNeeded,
    RecoveryError for a sharing that cannot be, RootKeyError.
    """
    seed = new_secret()
    shares = recovery.shares(seed, threshold, count)
    with gate.change(actor, Action.SHARES_EXPORTED) as told:
        turn()
        sealed = recipient.replace(recovery.public_of(seed), threshold, count)
        told |= {"shares": count, "threshold": threshold, "epochs": sealed}
    return shares


def recover(actor: Actor, url: str, shares: list[str]) -> Rotated:
    """Wrap every living epoch key by the root that `url` names, opened with enough shares and not with the old root.

    The event is sealed under a key that opens only by then, in the same transaction. Raises Forbidden, RecoveryError or
    RootKeyError with nothing changed.
    """
    gate.permit(actor, Action.KEYS_RECOVERED, subject="recover")
    seed = recovery.seed_from(shares)
    root = roots.from_url(url)
    with using(root), gate.change(actor, Action.KEYS_RECOVERED, subject=str(root.id)) as told:
        count = rotation.recover(seed, root)
        told |= {"place": root.describe(), "epochs": count}
    keystore.drop()
    return Rotated(root.describe(), root.id, count)
