"""What becomes of glass that was broken: a review of each time, by somebody else; and how often it is broken at all."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import break_glass, gate, refusals
from accounts.actors import Actor
from accounts.break_glass import REASONS
from accounts.errors import NotVisible, Unacceptable
from accounts.models import BreakGlass, Person, Token
from audit import alerts, clock, opens
from audit.actions import Action, Outcome

VERDICTS: Mapping[str, Promise] = {
    "justified": gettext_lazy("Justified"),
    "not-justified": gettext_lazy("Not justified"),
    "unclear": gettext_lazy("Unclear"),
}
MOST_NOTE = 500
MOST_SHOWN = 200
REVIEWED_WITHIN = timedelta(days=3)
EVERY_SECONDS = 60.0
_looked_at: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One time the glass was broken, as reviewers read it; `mine` where the reader did it, who then may not judge."""

    row: BreakGlass
    name: str
    reason: str
    verdict: str
    over: bool
    mine: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """One sitting at one of the studies in that time."""

    study_uid: str
    sitting: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """All that a reviewer needs: the entry, the words it was opened with, what was seen, and the note once judged.

    `closed` says that the words do not open any more.
    """

    entry: Entry
    words: str
    closed: bool
    seen: tuple[Seen, ...]
    note: str


def entries(actor: Actor, *, reviewed: bool) -> tuple[Entry, ...]:
    """Those that wait for a review, the oldest first; or those that had one, the latest first. Raises Forbidden."""
    gate.permit(actor, Action.GLASS_REVIEWED)
    rows = BreakGlass.objects.filter(reviewed_at__isnull=not reviewed)
    shown = list(rows.order_by("-opened_at" if reviewed else "opened_at", "id")[:MOST_SHOWN])
    names = _names(row.person for row in shown)
    return tuple(_entry(actor, row, names) for row in shown)


def case(actor: Actor, identifier: UUID) -> Case:
    """One of them with what is sealed about it; reading it is on record. Raises Forbidden or NotVisible."""
    row = _known(actor, identifier)
    with gate.change(actor, Action.LOG_READ, subject=f"break-glass:{identifier}", patient=row.patient, count=1):
        pass
    words = opens.told(row.event, "words")
    note = opens.told(row.review, "note") if row.review else ""
    found = opens.of(keys_of(row.person), row.studies, opened(row), MOST_SHOWN)
    seen = tuple(Seen(one.study_uid, one.sitting, clock.at(one.time_us)) for one in found)
    return Case(_entry(actor, row, _names([row.person])), words or "", words is None, seen, note or "")


def review(actor: Actor, identifier: UUID, verdict: str, note: str) -> None:
    """Judge one of them; the note is sealed. Settles the alert once nothing of the same subject waits.

    Raises Forbidden, NotVisible, or Unacceptable: for one's own (on record), before its time is over, or twice.
    """
    row = _known(actor, identifier)
    if str(row.person) == actor.id:
        asked = refusals.Asked(Action.GLASS_REVIEWED, patient=row.patient, details={"refused": "own"})
        refusals.recorded(actor, asked, Outcome.DENIED, NotVisible())
        raise Unacceptable("verdict", _("Nobody reviews an emergency access of their own."))
    if verdict not in VERDICTS:
        raise Unacceptable("verdict", _("Choose a verdict."))
    if row.until > clock.moment():
        raise Unacceptable("verdict", _("This access is still open; it can be reviewed once it has ended."))
    told, event_id = {"verdict": verdict, "note": note.strip()[:MOST_NOTE]}, uuid4()
    with gate.change(
        actor,
        Action.GLASS_REVIEWED,
        subject=f"break-glass:{identifier}",
        patient=row.patient,
        details=told,
        event_id=event_id,
    ):
        judged = {"reviewed_at": clock.moment(), "reviewed_by": actor.name[:150], "verdict": verdict}
        if not BreakGlass.objects.filter(pk=row.pk, reviewed_at=None).update(**judged, review=event_id):
            raise Unacceptable("verdict", _("This access was reviewed already."))
        _settle(row, actor)


def end(actor: Actor, identifier: UUID) -> None:
    """End what somebody else has open, all of it, before its hour is over. Raises Forbidden or NotVisible."""
    row = _known(actor, identifier)
    subject = f"break-glass:{identifier}"
    with gate.change(actor, Action.GLASS_ENDED, subject=subject, patient=row.patient) as told:
        told["ended"] = break_glass.close(row.person)


def _settle(row: BreakGlass, actor: Actor) -> None:
    """End the alert, unless the same person has opened the same first study another time that still waits."""
    first, name = row.studies[0] if row.studies else "", _names([row.person]).get(row.person, "-")
    others = list(BreakGlass.objects.filter(person=row.person, reviewed_at=None).values_list("studies", flat=True))
    if first not in [studies[0] for studies in others if studies]:
        alerts.settle("break-glass", f"{first} {name}", actor.name)
    if not others:
        alerts.settle("break-glass-unreviewed", f"person {name}", actor.name)


def _known(actor: Actor, identifier: UUID) -> BreakGlass:
    subject = f"break-glass:{identifier}"
    gate.permit(actor, Action.GLASS_REVIEWED, subject=subject)
    row = BreakGlass.objects.filter(pk=identifier).first()
    if row is None:
        raise gate.missed(actor, Action.GLASS_REVIEWED, subject=subject)
    return row


def _entry(actor: Actor, row: BreakGlass, names: Mapping[UUID, str]) -> Entry:
    return Entry(
        row,
        names.get(row.person, "–"),
        str(REASONS.get(row.reason, row.reason)),
        str(VERDICTS.get(row.verdict, row.verdict)),
        row.until <= clock.moment(),
        str(row.person) == actor.id,
    )


def _names(people: Iterable[UUID]) -> dict[UUID, str]:
    return dict(Person.objects.filter(pk__in=set(people)).values_list("id", "username"))


def opened(row: BreakGlass) -> opens.Span:
    """The time in which this access stood open."""
    since, before = (round(moment.timestamp() * 1_000_000) for moment in (row.opened_at, row.until))
    return opens.Span(since, before)


def keys_of(person: UUID) -> list[str]:
    """Under which keys this person's acts are on record: their own, and those of their tokens."""
    tokens = Token.objects.filter(person=person).values_list("pk", flat=True)
    return [f"person:{person}", *(f"token:{pk}" for pk in tokens)]


def tick() -> None:
    """Look for reviews that are late; call it as often as you like, it looks once a minute."""
    global _looked_at
    if _looked_at is None or time.monotonic() - _looked_at >= EVERY_SECONDS:
        _looked_at = time.monotonic()
        remind()


def forget() -> None:
    """Look again at the next tick."""
    global _looked_at
    _looked_at = None


def remind() -> None:
    """Raise an alert, once a day, about each access that waits for its review longer than it should."""
    late = clock.moment() - REVIEWED_WITHIN
    for row in BreakGlass.objects.filter(reviewed_at=None, opened_at__lt=late).order_by("opened_at")[:MOST_SHOWN]:
        name = _names([row.person]).get(row.person, "-")
        words = f"The emergency access of {name} on {row.opened_at:%Y-%m-%d %H:%M} UTC was not reviewed."
        alerts.remind("break-glass-unreviewed", f"person {name}", words)
