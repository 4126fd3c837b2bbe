"""Sharing: one study, shown by a link to somebody without an account, for a reason and a while; and its end.

Who shares must see the study otherwise than in an emergency, and shares it no longer than they see it themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from django.utils.translation import gettext as _

from accounts import epoch, gate, links, refusals, scope
from accounts.actors import Actor
from accounts.errors import NotVisible, Unacceptable
from accounts.links import Secrets
from accounts.models import Person
from accounts.policy import LINK_KEEPERS, Permission
from archive.models import Study
from audit import clock
from audit.actions import Action, Outcome

LONGEST: Final = timedelta(days=30)
USUAL_DAYS: Final = 7
MOST_WORDS: Final = 500
LONGEST_NAME: Final = 120
MOST_SHOWN: Final = 500
UNITS: Final = {"hours": timedelta(hours=1), "days": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to share: for whom, how long, why, and whether it may be carried away."""

    recipient: str
    lasts: timedelta
    reason: str
    may_download: bool = False


@dataclass(frozen=True, slots=True)
class Shared:
    """A link just made: until when it lasts, and its two halves, which are shown once."""

    until: datetime
    secrets: Secrets


@dataclass(frozen=True, slots=True)
class Link:
    """A link as lists show it. `sees` says whether the study is its reader's to see, too; `recipient` is empty for
    those who look after grants, and have nothing to do with whom the study is shown."""

    id: UUID
    study_uid: str
    sees: bool
    recipient: str
    by: str
    until: datetime
    may_download: bool
    times_opened: int
    opened_at: datetime | None


def lasts(number: str, unit: str) -> timedelta:
    """How long a link shall last, as somebody typed it. Raises Unacceptable."""
    typed = number.strip()
    if typed.isascii() and typed.isdigit() and len(typed) < 4 and unit in UNITS:
        wanted = int(typed) * UNITS[unit]
        if timedelta(0) < wanted <= LONGEST:
            return wanted
    raise Unacceptable("lasts", _("A link lasts from 1 hour to 30 days."))


def share(actor: Actor, study_uid: str, wish: Wish) -> Shared:
    """Share a study by a link. Raises Forbidden, StepUpNeeded, NotVisible, or Unacceptable: for a bad entry, and, on
    record, for what the actor sees in an emergency only or may not do themselves."""
    gate.permit(actor, Action.LINK_MADE)
    recipient, reason = wish.recipient.strip(), wish.reason.strip()
    if not 0 < len(recipient) <= LONGEST_NAME or not recipient.isprintable():
        raise Unacceptable("recipient", _("Say for whom the link is, in at most 120 characters."))
    if not 0 < len(reason) <= MOST_WORDS:
        raise Unacceptable("reason", _("A link has a reason of at most 500 characters."))
    if wish.may_download and Permission.STUDY_DOWNLOAD not in actor.permissions:
        raise _refused(actor, study_uid, "download", _("You may not download studies yourself."))
    until = _until(actor, study_uid, clock.moment() + wish.lasts)
    pseudonym = Study.objects.filter(uid=study_uid).values_list("patient__pseudonym", flat=True).first()
    event, download = uuid4(), wish.may_download
    told = {"for": recipient, "reason": reason, "until": until.isoformat(), "download": download}
    with gate.change(
        actor,
        Action.LINK_MADE,
        study_uid=study_uid,
        patient=pseudonym or "",
        found=pseudonym is not None,
        details=told,
        event_id=event,
    ) as written:
        maker = Person.objects.get(pk=actor.id)
        link, halves = links.make(maker, study_uid, recipient, until, may_download=download, event=event)
        written["subject"] = f"link:{link.id}"
        epoch.raise_()
    return Shared(until, halves)


def end(actor: Actor, identifier: UUID) -> None:
    """End a link now: what runs by it ends within two seconds. Raises Forbidden or NotVisible."""
    subject = f"link:{identifier}"
    gate.permit(actor, Action.LINK_ENDED, subject=subject)
    row = links.kept(actor).filter(pk=identifier).first()
    if row is None:
        raise gate.missed(actor, Action.LINK_ENDED, subject=subject)
    with gate.change(actor, Action.LINK_ENDED, subject=subject, study_uid=row.study_uid):
        links.end(links.kept(actor).filter(pk=identifier))


def listed(actor: Actor) -> tuple[Link, ...]:
    """The links that last: one's own, or everybody's for whoever looks after them; those that end first in front.

    Raises Forbidden.
    """
    gate.permit(actor, Action.LINKS_READ)
    rows = list(links.kept(actor).order_by("until", "id")[:MOST_SHOWN])
    reads = Permission.LOG_READ in actor.permissions
    names = links.recipients(row for row in rows if reads or str(row.person_id) == actor.id)
    sees = _seeing(actor)
    return tuple(
        Link(
            row.id,
            row.study_uid,
            sees(row.study_uid),
            names.get(row.id, ""),
            row.person.username,
            row.until,
            row.may_download,
            row.times_opened,
            row.opened_at,
        )
        for row in rows
    )


def may_list(actor: Actor) -> bool:
    """Tell whether the page of links is of use to somebody."""
    return bool(actor.permissions & (LINK_KEEPERS | {Permission.STUDY_SHARE}))


def _seeing(actor: Actor) -> Callable[[str], bool]:
    if Permission.STUDY_VIEW not in actor.permissions:
        return lambda _uid: False
    return lambda uid: scope.covers(actor, uid) is not False


def _until(actor: Actor, study_uid: str, wanted: datetime) -> datetime:
    """When the link ends: as wanted, or when its maker's own right does. An unknown study is left to the gate."""
    own = scope.lasting(actor, study_uid)
    if own is False and scope.covers(actor, study_uid) is not False:
        words = _("You see this study in an emergency only; somebody whose it is has to share it.")
        raise _refused(actor, study_uid, "emergency", words)
    return min(wanted, own) if own else wanted


def _refused(actor: Actor, study_uid: str, why: str, words: str) -> Unacceptable:
    asked = refusals.Asked(Action.LINK_MADE, study_uid, details={"why": why})
    refusals.recorded(actor, asked, Outcome.DENIED, NotVisible())
    return Unacceptable("share", words)
