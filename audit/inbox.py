"""The inbox of alerts: pages of what is open or of what was seen, newest first, each with words, advice and a link."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from audit import log
from audit.models import Alert, AuditEvent
from audit.rules import GRAVE, RULES, UNTIL_REVIEWED, About, Rule
from keystore.errors import KeystoreError
from vault.errors import Tampered

ROWS = 50
MOST_COUNTED = 100
ACTORS = frozenset({"person", "link", "device", "token", "nobody", "shell", "system"})


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader looks for: one kind or all (""), what is open or what was seen, the days of the last occurrence."""

    kind: str = ""
    seen: bool = False
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One alert as a page shows it; `rule` is None for a kind of a newer program, `href` leads to what it is about."""

    alert: Alert
    rule: Rule | None
    href: str
    note: str

    @property
    def to_review(self) -> bool:
        """Whether a review ends it, and nobody marks it as seen."""
        return self.alert.kind in UNTIL_REVIEWED


@dataclass(frozen=True, slots=True)
class Page:
    """Alerts, the latest first, and the cursor of the next page."""

    entries: tuple[Entry, ...]
    older: str


def read(filters: Filters, older: str, studies: Callable[[Iterable[UUID]], Mapping[UUID, str]] | None) -> Page:
    """The page behind the cursor `older`. `studies` says whose stored objects are; None for a reader without links."""
    rows = list(_behind(_matching(filters), older).order_by("-last_at", "-id")[: ROWS + 1])
    shown, notes = rows[:ROWS], _notes(rows[:ROWS])
    hrefs = _hrefs(shown, studies) if studies is not None else {}
    entries = tuple(
        Entry(row, RULES.get(row.kind), hrefs.get(row.id, ""), notes.get(row.seen_event, "")) for row in shown
    )
    last = shown[-1] if len(rows) > ROWS else None
    return Page(entries, f"{round(last.last_at.timestamp() * 1_000_000)}.{last.id}" if last else "")


def grave() -> list[tuple[str, Rule]]:
    """The gravest kinds of which something is open, so that no flood of others buries them."""
    open_ones = set(Alert.objects.filter(kind__in=GRAVE, seen_at=None).values_list("kind", flat=True))
    return [(kind, RULES[kind]) for kind in GRAVE if kind in open_ones]


def open_count() -> int:
    """How many alerts nobody has seen; MOST_COUNTED stands for as many or more."""
    return len(Alert.objects.filter(seen_at=None).values_list("id")[:MOST_COUNTED])


def _matching(filters: Filters) -> QuerySet[Alert]:
    found = Alert.objects.filter(seen_at__isnull=not filters.seen)
    if filters.kind:
        found = found.filter(kind=filters.kind)
    if filters.first_day:
        found = found.filter(last_at__gte=_midnight(filters.first_day))
    if filters.last_day:
        found = found.filter(last_at__lt=_midnight(filters.last_day + timedelta(days=1)))
    return found


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())


def _behind(found: QuerySet[Alert], older: str) -> QuerySet[Alert]:
    micros, _dot, identifier = older.partition(".")
    try:
        at, last = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(micros)), UUID(identifier)
    except (ValueError, OverflowError):
        return found
    # The bound by itself lets the index begin there; what shares the moment is told apart by its id.
    return found.filter(last_at__lte=at).filter(Q(last_at__lt=at) | Q(id__lt=last))


def _notes(rows: Iterable[Alert]) -> dict[Any, str]:
    """What those who saw these alerts wrote: sealed details of the events of seeing."""
    notes = {}
    for event in AuditEvent.objects.filter(id__in={row.seen_event for row in rows if row.seen_event}):
        try:
            notes[event.id] = str((log.open_details(event) or {}).get("note", ""))
        except (Tampered, KeystoreError):
            continue
    return notes


def _hrefs(rows: Iterable[Alert], studies: Callable[[Iterable[UUID]], Mapping[UUID, str]]) -> dict[UUID, str]:
    rules = {row.id: RULES[row.kind].about for row in rows if row.kind in RULES}
    objects = {row.id: _uuid(row.subject) for row in rows if rules.get(row.id) is About.OBJECT}
    known = studies([one for one in objects.values() if one is not None])
    hrefs = {}
    for row in rows:
        about = rules.get(row.id)
        if about is About.STUDY:
            hrefs[row.id] = _record(study=row.subject.split(" ")[0])
        elif about is About.ACTOR:
            hrefs[row.id] = _of_actor(row)
        elif about is About.OBJECT:
            found = objects[row.id]
            hrefs[row.id] = (
                _record(study=known[found]) if found is not None and found in known else _record(kind="care")
            )
        elif about is not None:
            hrefs[row.id] = reverse("audit:health")
    return hrefs


def _of_actor(row: Alert) -> str:
    kind, _blank, name = row.subject.partition(" ")
    refusals = {"kind": "refusals"} if row.kind == "denials" else {}
    if kind not in ACTORS or not name:
        return _record(person=row.subject, **refusals)
    if kind != "nobody":
        return _record(person=name, **refusals)
    # A flood from many addresses has no address of its own.
    return _record(**refusals) if " " in name else _record(address=name, **refusals)


def _record(**filters: str) -> str:
    return f"{reverse('audit:record')}?{urlencode(filters)}"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
