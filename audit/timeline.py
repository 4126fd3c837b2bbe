"""Who did what, when, from where, newest first: the log as a person reads it, a sitting being one entry."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit import sittings, words
from audit.actions import Action, Outcome
from audit.models import AuditEvent, AuditListed
from audit.sittings import Delivered

ROWS = 50


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader looks for; empty means everything. Never a patient's name or number.

    `actor_keys` are the log's keys of the person or device that `person` names, if it names one that is known.
    """

    person: str = ""
    actor_keys: tuple[str, ...] = ()
    study_uid: str = ""
    kind: str = ""
    first_day: date | None = None
    last_day: date | None = None

    @property
    def told(self) -> dict[str, str]:
        """What the log is told about a reading."""
        days = {"from": str(self.first_day or ""), "to": str(self.last_day or "")}
        asked = {"person": self.person, "study": self.study_uid, "kind": self.kind, **days}
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the record."""

    event: AuditEvent
    words: str
    outcome: str
    purpose: str
    refused: bool
    at: datetime
    until: datetime | None

    @property
    def session(self) -> str:
        """The beginning of the session's name: enough to tell sessions apart."""
        return self.event.actor_session[:8]


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first, and the cursor of the next page."""

    entries: tuple[Entry, ...]
    older: str


def moment(time_us: int) -> datetime:
    """The time of an event in the installation's time zone."""
    return timezone.localtime(datetime.fromtimestamp(time_us / 1_000_000, UTC))


def read(filters: Filters, older: str, images: Callable[[Iterable[str]], Mapping[str, int]]) -> Page:
    """The page behind the cursor `older` ("" for the newest); `images` says how many images studies have."""
    rows = list(_behind(_matching(filters), older).order_by("-log", "-seq")[: ROWS + 1])
    shown = rows[:ROWS]
    folded = sittings.delivered(row.sitting for row in shown if row.sitting is not None)
    totals = images(row.study_uid for row in shown if row.sitting is not None and row.study_uid)
    entries = tuple(entry(row, folded.get(row.sitting) if row.sitting else None, totals) for row in shown)
    last = shown[-1] if len(rows) > ROWS else None
    return Page(entries, f"{last.log}.{last.seq}" if last else "")


def entry(row: AuditEvent, delivered: Delivered | None, totals: Mapping[str, int]) -> Entry:
    """One event as a line."""
    until = moment(delivered.last_us) if delivered is not None and delivered.last_us else None
    return Entry(
        row,
        _sentence(row, delivered, totals.get(row.study_uid)),
        words.outcome(row.outcome),
        words.purpose(row.purpose),
        row.outcome != Outcome.OK,
        moment(row.time_us),
        until,
    )


def sentence_of_uses(delivered: Delivered, total: int | None) -> str:
    """`10 of 150 images displayed, 3 prefetched`."""
    parts: list[str] = []
    for use in delivered.uses:
        count, label = delivered.count(use), words.use(use)
        if parts:
            parts.append(f"{count} {label}")
        elif total is None:
            parts.append(
                ngettext("%(count)s image %(use)s", "%(count)s images %(use)s", count) % {"count": count, "use": label}
            )
        else:
            parts.append(_("%(count)s of %(total)s images %(use)s") % {"count": count, "total": total, "use": label})
    if delivered.closed:
        parts.append(_("some deliveries cannot be opened"))
    return ", ".join(parts)


def _sentence(row: AuditEvent, delivered: Delivered | None, total: int | None) -> str:
    said = words.action(row.action)
    if row.outcome != Outcome.OK:
        return _("attempt (%(action)s)") % {"action": said}
    if delivered is not None and (delivered.instances or delivered.closed):
        return _("%(action)s: %(what)s") % {"action": said, "what": sentence_of_uses(delivered, total)}
    if row.action == Action.SEARCH:
        shown = ngettext("%(count)s study shown", "%(count)s studies shown", row.count) % {"count": row.count}
        return _("%(action)s: %(what)s") % {"action": said, "what": shown}
    if row.action == Action.VIEW:
        return _("%(action)s: no image sent yet") % {"action": said}
    if row.count > 1:
        return f"{said} ({row.count})"
    return said


def _matching(filters: Filters) -> QuerySet[AuditEvent, Any]:
    """Events that stand for themselves: deliveries belong to their sitting, and so do its later leases."""
    since, before = bounds(filters)
    in_time = Q(time_us__gte=since, time_us__lt=before)
    earlier = AuditEvent.objects.filter(
        in_time, sitting=OuterRef("sitting"), action=Action.VIEW, log=OuterRef("log"), seq__lt=OuterRef("seq")
    )
    later_lease = Q(action=Action.VIEW) & Q(sitting__isnull=False) & Q(Exists(earlier))
    found = AuditEvent.objects.filter(in_time).exclude(action=Action.DELIVERED).exclude(later_lease)
    if filters.actor_keys:
        found = found.filter(actor_key__in=filters.actor_keys)
    elif filters.person:
        named = Q(actor_name__iexact=filters.person) | Q(actor_ae_title=filters.person)
        found = found.filter(named | Q(actor_address=filters.person))
    if filters.study_uid:
        shown = AuditListed.objects.filter(log=OuterRef("log"), seq=OuterRef("seq"), study_uid=filters.study_uid)
        found = found.filter(Q(study_uid=filters.study_uid) | Q(Exists(shown)))
    if filters.kind == "refusals":
        found = found.exclude(outcome=Outcome.OK)
    elif filters.kind in words.KINDS:
        found = found.filter(action__in=words.KINDS[filters.kind][1])
    return found


def bounds(filters: Filters) -> tuple[int, int]:
    """The days asked for as microseconds: from the beginning of the first to the end of the last."""
    zone = timezone.get_current_timezone()
    since, before = 0, 2**62
    if filters.first_day:
        since = _micros(datetime(filters.first_day.year, filters.first_day.month, filters.first_day.day, tzinfo=zone))
    if filters.last_day:
        after = filters.last_day + timedelta(days=1)
        before = _micros(datetime(after.year, after.month, after.day, tzinfo=zone))
    return since, before


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def _behind(events: QuerySet[AuditEvent, Any], older: str) -> QuerySet[AuditEvent, Any]:
    log, dot, seq = older.partition(".")
    if not (dot and log.isdecimal() and seq.isdecimal() and len(log) < 10 and len(seq) < 18):
        return events
    return events.filter(Q(log=int(log), seq__lt=int(seq)) | Q(log__lt=int(log)))
