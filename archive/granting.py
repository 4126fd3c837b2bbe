"""Grants: one study, shown to a person or group until a day, for a reason; and their end.

Who grants must see the study for good, and never grants to themselves or to a group of theirs: so nobody comes to see a
study by being allowed to grant. Whoever gives commands on this machine sees nothing, and may grant any study.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import epoch, gate, refusals, scope
from accounts.actors import Actor
from accounts.errors import NotVisible, Unacceptable
from accounts.models import Access, Grant, Group, Person
from archive.models import Study
from audit import clock
from audit.actions import Action, Outcome

LONGEST: Final = timedelta(days=366)
MOST_WORDS: Final = 500
MOST_SHOWN: Final = 500


class Audience(NamedTuple):
    """Whom a grant is for."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant as lists show it, without its reason, which stands in the record."""

    id: UUID
    study_uid: str
    to: str
    at: datetime
    until: datetime
    by: str


def audience(name: str) -> Audience:
    """The person with this user name, or the group with this name. Raises Unacceptable for nobody, or for both."""
    people = Person.objects.filter(username=name.casefold(), is_active=True).values_list("id", "username")
    groups = Group.objects.filter(name=name).values_list("id", "name")
    found = [Audience(*row) for row in (*people, *groups)]
    if len(found) != 1:
        raise Unacceptable("to", _("There is no such person or group, or one of each."))
    return found[0]


def grant(actor: Actor, study_uid: str, to: str, last_day: date, reason: str) -> UUID:
    """Show a study to a person or group until the end of a day, at most a year from now; return the grant's id.

    A later grant to the same takes the place of the one before. Raises Forbidden, StepUpNeeded, NotVisible, or
    Unacceptable: for a bad entry, and, on record, for a grant to oneself or of what one sees for a while only.
    """
    gate.permit(actor, Action.GRANT_CHANGED)
    whom, until = audience(to), _until(last_day)
    if not 0 < len(reason.strip()) <= MOST_WORDS:
        raise Unacceptable("reason", _("A grant has a reason of at most 500 characters."))
    _require_not_own(actor, study_uid, whom)
    event_id, pseudonym = uuid4(), _pseudonym(study_uid)
    told = {"act": "granted", "until": until.isoformat(), "reason": reason.strip()}
    with gate.change(
        actor,
        Action.GRANT_CHANGED,
        subject=whom.name,
        study_uid=study_uid,
        patient=pseudonym or "",
        found=pseudonym is not None,
        details=told,
        event_id=event_id,
    ):
        now = clock.moment()
        Grant.objects.filter(Q(study_uid=study_uid, audience=whom.id) | Q(until__lte=now)).delete()
        row = Grant.objects.create(
            study_uid=study_uid, audience=whom.id, at=now, until=until, by=actor.name[:150], event=event_id
        )
        scope.lend(whom.id, [study_uid], scope.BY_GRANT, until)
        epoch.raise_()
    return row.id


def revoke(actor: Actor, identifier: UUID) -> None:
    """End a grant now: what runs under it ends within two seconds. Raises Forbidden, StepUpNeeded or NotVisible."""
    subject = f"grant:{identifier}"
    gate.permit(actor, Action.GRANT_CHANGED, subject=subject)
    row = Grant.objects.filter(pk=identifier).first()
    if row is None:
        raise gate.missed(actor, Action.GRANT_CHANGED, subject=subject)
    pseudonym = _pseudonym(row.study_uid)
    with gate.change(
        actor,
        Action.GRANT_CHANGED,
        subject=subject,
        study_uid=row.study_uid,
        patient=pseudonym or "",
        found=pseudonym is not None,
        details={"act": "revoked"},
    ):
        row.delete()
        Access.objects.filter(audience=row.audience, study_uid=row.study_uid, rule=scope.BY_GRANT).delete()
        epoch.raise_()


def listed(actor: Actor) -> tuple[Granted, ...]:
    """The grants that last, of studies that the actor sees (all from the shell), those that end first in front."""
    if not actor.permitted(Action.GRANT_CHANGED):
        gate.permit(actor, Action.GRANT_CHANGED)
    rows = Grant.objects.filter(until__gt=clock.moment()).order_by("until", "id")
    if actor.kind != "shell":
        rows = scope.limit(rows, actor, "study_uid")
    shown = list(rows[:MOST_SHOWN])
    names = _names({row.audience for row in shown})
    return tuple(
        Granted(row.id, row.study_uid, names.get(row.audience, "–"), row.at, row.until, row.by) for row in shown
    )


def _until(last_day: date) -> datetime:
    end = timezone.make_aware(datetime.combine(last_day, time.max)).astimezone(UTC)
    now = clock.moment()
    if not now < end <= now + LONGEST:
        raise Unacceptable("until", _("A grant ends on a day from today on, at most a year ahead."))
    return end


def _require_not_own(actor: Actor, study_uid: str, whom: Audience) -> None:
    words = ""
    if whom.id in actor.audiences:
        words = _("Nobody grants a study to themselves or to a group of their own.")
    elif actor.kind != "shell" and isinstance(scope.covers(actor, study_uid), datetime):
        words = _("You see this study for a while only; somebody whose it is has to grant it.")
    if words:
        asked = refusals.Asked(Action.GRANT_CHANGED, study_uid, details={"subject": whom.name, "refused": "own"})
        refusals.recorded(actor, asked, Outcome.DENIED, NotVisible())
        raise Unacceptable("to", words)


def _pseudonym(study_uid: str) -> str | None:
    """The pseudonym of a study's patient; None where there is no such study."""
    return Study.objects.filter(uid=study_uid).values_list("patient__pseudonym", flat=True).first()


def _names(audiences: set[UUID]) -> dict[UUID, str]:
    people = dict(Person.objects.filter(pk__in=audiences).values_list("id", "username"))
    return people | dict(Group.objects.filter(pk__in=audiences).values_list("id", "name"))
