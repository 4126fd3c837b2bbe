"""The end of an epoch: what its key wraps passes to the present epoch, then that key is destroyed.

Nothing new comes under it once `ending.begin` has committed; its keys pass in batches, each a transaction; the last
transaction makes sure that none is left, empties the row and writes the event. Cut off anywhere, it is taken up where
it was by giving it again; what the database files still hold of the old wrapping is for `cleaning` to overwrite.
"""

from dataclasses import dataclass
from datetime import date

from accounts import epoch, gate
from accounts.actors import Actor
from archive import keys
from archive.errors import Unsuitable
from archive.models import StudyKey
from audit.actions import Action
from keystore import ending, states

BATCH = 200


@dataclass(frozen=True, slots=True)
class Ended:
    """An epoch that has ended, and how many keys passed from it to the present one now."""

    number: int
    keys: int


def before(day: date) -> list[int]:
    """The numbers of the living epochs that began before a day (UTC)."""
    return [one.number for one in states.epochs() if not one.gone and one.created_at.date() < day]


def end(actor: Actor, number: int) -> Ended:
    """End one epoch; a new one is made first if it is the present one.

    Raises Forbidden, KeystoreError when there is no such living epoch, Damaged when a key under it does not open: then
    the epoch stays until that key is restored, or its study destroyed.
    """
    gate.permit(actor, Action.EPOCH_ENDED, subject=str(number))
    if not any(one.number == number and not one.gone for one in states.epochs()):
        gate.missed(actor, Action.EPOCH_ENDED, subject=str(number))
    identifier = ending.begin(number)
    count = ending.rewrap(identifier)
    while batch := keys.rewrap(identifier, BATCH):
        count += batch
    with gate.change(actor, Action.EPOCH_ENDED, subject=str(number), count=count) as told:
        ending.destroy(identifier)
        if StudyKey.objects.filter(epoch=identifier).exists():
            raise Unsuitable(f"Epoch {number} still wraps keys of studies; end it again.")
        epoch.raise_()
        told["epoch"] = str(identifier)
    return Ended(number, count)
