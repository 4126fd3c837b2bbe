"""From one root to another: every epoch key is wrapped anew, in one transaction with its event.

Until that commits the old root opens everything, after it the new one, and never a part. What the database files still
hold of the old wrapping is for `cleaning` to overwrite.
"""

from dataclasses import dataclass
from uuid import UUID

from accounts import gate
from accounts.actors import Actor
from audit.actions import Action
from keystore import keys as keystore
from keystore import roots, rotation
from keystore.opening import using


@dataclass(frozen=True, slots=True)
class Rotated:
    """The new root, in words and by id, and how many epochs passed to it now."""

    place: str
    root: UUID
    epochs: int


def rotate(actor: Actor, url: str) -> Rotated:
    """Wrap every living epoch key by the root that `url` names.

    May be repeated. Raises Forbidden, or RootKeyError with nothing changed.
    """
    gate.permit(actor, Action.ROOT_ROTATED, subject="rotate")
    root = roots.from_url(url)
    count = 0
    if former := rotation.outside(root):
        with using(root), gate.change(actor, Action.ROOT_ROTATED, subject=str(root.id)) as told:
            count = rotation.rewrap(root)
            told |= {"place": root.describe(), "from": sorted({str(row.root_id) for row in former}), "epochs": count}
    keystore.drop()
    return Rotated(root.describe(), root.id, count)
