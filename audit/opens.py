"""Studies opened, as the record has them: which, when, and how many by whom. One sitting is one open."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count, QuerySet

from audit import log
from audit.actions import Action, Outcome
from audit.models import AuditEvent
from keystore.errors import KeystoreError
from vault.errors import Tampered

ACTIONS: Final = (Action.VIEW, Action.DOWNLOAD)
LONGEST_US: Final = 253_370_764_800_000_000  # the year 9999: what a moment can hold


@dataclass(frozen=True, slots=True)
class Span:
    """From a time on and before another, in µs since 1970."""

    since_us: int
    before_us: int


@dataclass(frozen=True, slots=True)
class Open:
    """One sitting at one study, and when it began."""

    study_uid: str
    sitting: UUID | None
    time_us: int


def of(actor_keys: Iterable[str], study_uids: Iterable[str], span: Span, most: int) -> list[Open]:
    """The sittings of some actors at some studies, in the order in which they began."""
    sittings: dict[UUID | None, Open] = {}
    for event in _of(actor_keys, study_uids, span).order_by("log", "seq")[:most]:
        sittings.setdefault(event.sitting, Open(event.study_uid, event.sitting, event.time_us))
    return list(sittings.values())


def count(actor_keys: Iterable[str], study_uids: Iterable[str], span: Span) -> int:
    """How many sittings of some actors there were at some studies."""
    return _of(actor_keys, study_uids, span).values("sitting").distinct().count()


def by_actor(span: Span) -> Mapping[str, int]:
    """How many sittings each person or token had, by the actor's key."""
    rows = _opens(span).filter(actor_kind__in=("person", "token")).order_by()
    return dict(rows.values_list("actor_key").annotate(Count("sitting", distinct=True)))


def told(event_id: UUID, name: str) -> str | None:
    """One of the details that the log sealed with an event; None where they do not open."""
    event = AuditEvent.objects.filter(id=event_id).first()
    if event is None:
        return None
    try:
        return str((log.open_details(event) or {}).get(name, ""))
    except (Tampered, KeystoreError):
        return None


def _of(actor_keys: Iterable[str], study_uids: Iterable[str], span: Span) -> "QuerySet[AuditEvent]":
    return _opens(span).filter(actor_key__in=list(actor_keys), study_uid__in=list(study_uids))


def _opens(span: Span) -> "QuerySet[AuditEvent]":
    rows = AuditEvent.objects.filter(action__in=ACTIONS, outcome=Outcome.OK)
    return rows.filter(time_us__gte=span.since_us, time_us__lt=span.before_us)
