"""How far a destination is safely told: behind what was written to its socket, since syslog acknowledges nothing."""

from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from audit import clock, tables
from audit.models import AuditEvent, Checkpoint, Destination


class Place(NamedTuple):
    """The last row told, as (log, seq), and the last checkpoint, as (log, size)."""

    log: int
    seq: int
    note_log: int
    note_size: int


BEGINNING = Place(1, 0, 1, 0)


def head() -> Place:
    """Where log and checkpoints end at this moment."""
    row = tables.head()
    note = Checkpoint.objects.order_by("log", "size").values_list("log", "size").last()
    return Place(*((row[0], row[1]) if row else (1, 0)), *(note or (1, 0)))


def of(url: str) -> Place | None:
    """Where a destination stands, or None for one that was never told anything."""
    return next((Place(*one) for one in Destination.objects.filter(url=url).values_list(*Place._fields)), None)


def begin(url: str) -> Place:
    """Where a destination stands; a new one begins at the end of the log of this moment."""
    known = of(url)
    if known is not None:
        return known
    Destination.objects.get_or_create(url=url, defaults=head()._asdict())
    return of(url) or BEGINNING


def move(url: str, before: Place, after: Place) -> bool:
    """Put a cursor on; False where somebody has moved it meanwhile, who then decides."""
    there = Destination.objects.filter(url=url, **before._asdict())
    return there.update(**after._asdict(), moved_at=timezone.now()) == 1


def beyond(place: Place) -> bool:
    """Whether the log ends before what was told: rows are gone, and those to come will have their numbers."""
    row = tables.head() or (1, 0)
    return (place.log, place.seq) > (row[0], row[1])


def rewind(url: str) -> None:
    """Let everything be told again from the first row of the first log. Joins the caller's transaction."""
    Destination.objects.update_or_create(url=url, defaults=BEGINNING._asdict())


def lag(place: Place) -> int:
    """How many rows wait behind a cursor."""
    later = AuditEvent.objects.filter(log__gt=place.log).count()
    return later + AuditEvent.objects.filter(log=place.log, seq__gt=place.seq).count()


def waiting_since(place: Place) -> datetime | None:
    """When the oldest row behind a cursor was written (UTC); None where none waits."""
    later = AuditEvent.objects.filter(log=place.log, seq__gt=place.seq).order_by("seq")
    rows = later.values_list("time_us", flat=True)
    oldest = (
        rows.first()
        or AuditEvent.objects.filter(log__gt=place.log).order_by("log", "seq").values_list("time_us", flat=True).first()
    )
    return None if oldest is None else clock.at(oldest)
