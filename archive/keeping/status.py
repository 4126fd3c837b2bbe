"""What keys there are, and what they hang from. Opens nothing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count

from accounts import gate
from accounts.actors import Actor
from archive import keys
from archive.models import StudyKey
from audit.actions import Action
from keystore import recipient, states
from keystore.recipient import Sharing
from keystore.states import RootState


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch: `state` is present, living, ending (its keys are on their way to the present one) or ended."""

    id: UUID
    number: int
    began_at: datetime
    state: str
    root: UUID
    recoverable: bool
    study_keys: int
    leaving_keys: int
    former_keys: int
    patient_keys: int
    installation_keys: int


@dataclass(frozen=True, slots=True)
class Status:
    """The root in use, every epoch there ever was, and how the recovery key was shared (None: never)."""

    root: RootState
    epochs: tuple[Epoch, ...]
    sharing: Sharing | None


def look(actor: Actor) -> Status:
    """The keys of the installation, without any key. Raises Forbidden."""
    gate.permit(actor, Action.ROOT_ROTATED, subject="status")
    counted = StudyKey.objects.order_by().values_list("epoch", "scope").annotate(count=Count("id"))
    wrapped = {(epoch, scope): count for epoch, scope, count in counted}
    found = states.epochs()
    present = max((one.number for one in found if one.ended_at is None), default=0)
    epochs = tuple(
        Epoch(
            one.id,
            one.number,
            one.created_at,
            _state(one, present),
            one.root_id,
            one.recoverable,
            wrapped.get((one.id, keys.STUDY), 0),
            wrapped.get((one.id, keys.LEAVING), 0),
            wrapped.get((one.id, keys.FORMER), 0),
            wrapped.get((one.id, keys.PATIENT), 0),
            one.installation_keys,
        )
        for one in found
    )
    return Status(states.root(), epochs, recipient.sharing())


def _state(one: states.Epoch, present: int) -> str:
    if one.gone:
        return "ended"
    if one.ended_at is not None:
        return "ending"
    return "present" if one.number == present else "living"
