"""The end of what a rebuild leaves restricted: people have said what was decided about the study."""

from accounts import epoch, gate, scope
from accounts.actors import Actor
from accounts.models import Group
from archive.errors import Unsuitable
from archive.models import Study
from audit.actions import Action


def reconcile(actor: Actor, study_uid: str, group: Group | None = None) -> None:
    """Let the groups of a study see it again, and `group` too if one is given. Raises Forbidden, NotVisible, Unsuitable
    where the study is not restricted."""
    pseudonym = Study.objects.filter(uid=study_uid).values_list("patient__pseudonym", flat=True).first()
    with gate.change(
        actor,
        Action.RECONCILED,
        subject=group.name if group is not None else "",
        study_uid=study_uid,
        patient=pseudonym or "",
        found=pseudonym is not None,
    ):
        if not scope.unrestrict(study_uid):
            raise Unsuitable("The study is not restricted.")
        if group is not None:
            scope.give(study_uid, group)
        epoch.raise_()


def waiting(actor: Actor) -> list[str]:
    """The UIDs of the studies that are restricted. Raises Forbidden."""
    gate.permit(actor, Action.RECONCILED)
    return scope.restricted()
