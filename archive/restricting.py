"""Restricted studies: of somebody known to all, say. Groups and physicians do not open them, only what names them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from accounts import epoch, gate, scope
from accounts.actors import Actor
from archive.errors import Unsuitable
from archive.models import Study
from audit.actions import Action

LONGEST_REASON: Final = 500


def restrict(actor: Actor, study_uid: str, reason: str) -> None:
    """Let grants, emergency access and shared links alone open a study; the reason goes on record, sealed.

    Raises Forbidden, NotVisible, or Unsuitable without a reason and for one that is restricted already.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= LONGEST_REASON:
        raise Unsuitable(f"A restriction has a reason of at most {LONGEST_REASON} letters.")
    with _change(actor, study_uid, {"act": "restricted", "reason": reason}):
        if scope.is_restricted(study_uid):
            raise Unsuitable("The study is restricted already.")
        scope.restrict([study_uid])


def unrestrict(actor: Actor, study_uid: str) -> None:
    """Let those see a study again whose it is. Raises Forbidden, NotVisible, or Unsuitable for one not restricted."""
    with _change(actor, study_uid, {"act": "unrestricted"}):
        if not scope.unrestrict(study_uid):
            raise Unsuitable("The study is not restricted.")


def listed(actor: Actor) -> list[str]:
    """The UIDs of the restricted studies. Raises Forbidden."""
    gate.permit(actor, Action.RESTRICTED)
    return scope.restricted()


def is_restricted(study_uid: str) -> bool:
    """Tell of a study that somebody sees whether it is restricted."""
    return scope.is_restricted(study_uid)


@contextmanager
def _change(actor: Actor, study_uid: str, told: dict[str, str]) -> Iterator[None]:
    pseudonym = Study.objects.filter(uid=study_uid).values_list("patient__pseudonym", flat=True).first()
    with gate.change(
        actor,
        Action.RESTRICTED,
        study_uid=study_uid,
        patient=pseudonym or "",
        found=pseudonym is not None,
        details=told,
    ):
        yield
        epoch.raise_()
