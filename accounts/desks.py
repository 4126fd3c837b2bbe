"""What somebody had laid out to read, kept while the screen is locked and given back once, at whatever workstation.

A desk is a small piece of JSON that the viewer made and the viewer reads: series, images, windows, lines. Nothing of it
is readable at rest, nobody but its person gets it, and only while the study is that person's to see.
"""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import gate, sessions, standing
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.models import Desk, Session
from audit.actions import Action
from keystore import keys
from vault.cells import seal_cell, unseal_cell

CELL: Final = "accounts_desk.sealed"
LARGEST: Final = 64 * 1024
MOST_KEPT: Final = 20
"""Desks of one person; the oldest leave first."""
LONGEST_UID: Final = 64


def keep(row: Session, study_uid: str, laid_out: bytes, now: datetime) -> None:
    """Keep how the session's person has laid out a study, for one shift, in the caller's transaction.

    Raises Unacceptable for what is too large.
    """
    person = row.person
    if not 0 < len(study_uid) <= LONGEST_UID or not 0 < len(laid_out) <= LARGEST:
        raise Unacceptable("desk", "This cannot be kept.")
    session, ends = sessions.name(row.pk), now + sessions.ABSOLUTE
    desk = Desk(person=person, study_uid=study_uid, session=session, expires_at=ends)
    key = keys.installation_key("field")
    desk.sealed = seal_cell(key.secret, key.id, CELL, desk.id, laid_out)
    Desk.objects.filter(expires_at__lte=now).delete()
    Desk.objects.filter(person=person, study_uid=study_uid).delete()
    # A row is never written over, so that no older one opens in its place.
    desk.save(force_insert=True)
    kept = Desk.objects.filter(person=person).order_by("-expires_at").values_list("pk", flat=True)
    Desk.objects.filter(pk__in=list(kept[MOST_KEPT:])).delete()


def waits(actor: Actor, study_uid: str) -> bool:
    """Tell whether something is laid out at this study for whoever acts."""
    return actor.kind == "person" and _of(actor, study_uid).exists()


def take(actor: Actor, study_uid: str) -> bytes | None:
    """Give back what the person had laid out at a study, once; None where there is nothing, or nothing any more.

    Raises Forbidden for who is no person, LogUnavailable.
    """
    gate.permit(actor, Action.OWN_CHANGED, subject=actor.key)
    desk = _of(actor, study_uid).first()
    if desk is None or standing.covers(actor, study_uid) is False:
        return None
    with gate.change(actor, Action.OWN_CHANGED, subject=actor.key, details={"act": "desk taken up again"}):
        taken, _ = Desk.objects.filter(pk=desk.pk).delete()
    if not taken:
        return None
    key = keys.installation_key("field")
    return unseal_cell(key.secret, key.id, CELL, desk.id, bytes(desk.sealed))


def clear(session: str) -> None:
    """Forget what was laid out in the session of this name: it is on the screen again. Joins the transaction."""
    Desk.objects.filter(session=session).delete()


def forget(study_uid: str) -> None:
    """Forget what anybody had laid out at a study, in the transaction that destroys it."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("What is laid out at a study is forgotten in the transaction that destroys it.")
    Desk.objects.filter(study_uid=study_uid).delete()


def _of(actor: Actor, study_uid: str):  # type: ignore[no-untyped-def] # a query set of the caller's own
    return Desk.objects.filter(person_id=actor.id, study_uid=study_uid, expires_at__gt=timezone.now())
