"""Rows of the record that match, newest first, at a cost that does not grow with the record.

One narrow index is walked backwards (of a sitting, a study, a patient, an actor, of refusals, of kinds of event, or the
record itself) and what else was asked is looked at row by row. Where little matches, a walk ends after so many rows
with the place to go on from, so that no question holds a page up.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any
from uuid import UUID

from django.db.models import Min, QuerySet

from audit.actions import Action, Outcome
from audit.filters import Filters, Place, Span
from audit.models import AuditEvent, AuditListed

MOST_SEEN = 2000
_BATCH, _FIRST_STEP, _LONGEST_STEP = 256, 64, 1024


@dataclass(frozen=True, slots=True)
class Found:
    """Rows that match, newest first, and where to go on; `reached_us` where a walk ended before a page was full."""

    rows: tuple[AuditEvent, ...]
    on: Place | None = None
    reached_us: int | None = None


def seek(filters: Filters, span: Span, most: int) -> Found:
    """At most so many rows of the span that match and stand for themselves; deliveries stand for their sitting."""
    if filters.impossible:
        return Found(())
    found: list[AuditEvent] = []
    walk, seen = newest_first(sources(filters), span), 0
    while batch := list(islice(walk, _BATCH)):
        matching = [row for row in batch if _matches(row, filters)]
        firsts = _first_views(matching, span)
        for row in matching:
            if not _stands(row, firsts):
                continue
            if len(found) == most:
                return Found(tuple(found), _at(found[-1]))
            found.append(row)
        seen += len(batch)
        if seen >= MOST_SEEN:
            return Found(tuple(found), _at(batch[-1]), batch[-1].time_us)
    return Found(tuple(found))


def newest_first(streams: "Sequence[Stream | Listings]", span: Span) -> Iterator[AuditEvent]:
    """The rows of several streams within a span in one order, each of them once."""
    merged = heapq.merge(*(stream.rows(span) for stream in streams), key=_at, reverse=True)
    return (next(same) for _, same in groupby(merged, key=_at))


@dataclass(frozen=True, slots=True)
class Stream:
    """Events that one range of one index gives in the order of the record."""

    events: "QuerySet[AuditEvent]"

    def rows(self, span: Span) -> Iterator[AuditEvent]:
        # What a line says is read; the sealed details and the hashes stay where they are.
        return _pages(self.events.defer("details", "leaf", "row"), span)


@dataclass(frozen=True, slots=True)
class Listings:
    """Searches that showed a study."""

    study_uid: str

    def rows(self, span: Span) -> Iterator[AuditEvent]:
        shown = _pages(AuditListed.objects.filter(study_uid=self.study_uid), span)
        while batch := list(islice(shown, _FIRST_STEP)):
            yield from _events_of(batch)


def sources(filters: Filters) -> "Sequence[Stream | Listings]":
    """The narrowest ranges that hold everything that matches."""
    events = AuditEvent.objects
    if filters.sitting:
        return [Stream(events.filter(sitting=UUID(filters.sitting)))]
    if filters.study_uid:
        return [Stream(events.filter(study_uid=filters.study_uid)), Listings(filters.study_uid)]
    if filters.pseudonyms:
        return [Stream(events.filter(patient=one)) for one in filters.pseudonyms]
    if filters.actor_keys:
        return [Stream(events.filter(actor_key=key)) for key in filters.actor_keys]
    if filters.kind == "refusals" or filters.outcome not in ("", Outcome.OK):
        wanted = [one for one in Outcome if one != Outcome.OK and filters.outcome in ("", one)]
        return [Stream(_ended(outcome)) for outcome in wanted]
    return [Stream(events.filter(action=action)) for action in filters.actions] or [Stream(events.all())]


def _ended(outcome: Outcome) -> "QuerySet[AuditEvent]":
    """Events that ended otherwise than well: few among very many."""
    # The condition of the index stands in the statement in the index's own words, or SQLite does not find it.
    return AuditEvent.objects.filter(outcome=outcome).extra(where=["NOT (outcome = 'ok')"])


def _pages(rows: "QuerySet[Any]", span: Span) -> Iterator[Any]:
    """Rows of a span, the newest first, read by and by: a few at first, then more."""
    step = _FIRST_STEP
    for stretch in span:
        end = stretch.end
        while page := list(rows.filter(log=stretch.log, seq__gte=stretch.first, seq__lt=end).order_by("-seq")[:step]):
            yield from page
            end, step = page[-1].seq, min(2 * step, _LONGEST_STEP)


def _events_of(shown: list[AuditListed]) -> list[AuditEvent]:
    events = AuditEvent.objects.defer("details", "leaf", "row")
    found: list[AuditEvent] = []
    for log, listed in groupby(shown, key=lambda one: one.log):
        found += events.filter(log=log, seq__in=[one.seq for one in listed]).order_by("-seq")
    return found


def _at(row: AuditEvent) -> Place:
    return Place(row.log, row.seq)


def _first_views(rows: list[AuditEvent], span: Span) -> Mapping[tuple[UUID | None, int], int]:
    """In which row of its log each sitting of these rows began, as far as the span goes back."""
    sittings = {row.sitting for row in rows if row.sitting is not None and row.action == Action.VIEW}
    if not sittings:
        return {}
    oldest = span[-1]
    views = AuditEvent.objects.filter(sitting__in=sittings, action=Action.VIEW)
    begun = views.exclude(log=oldest.log, seq__lt=oldest.first).values_list("sitting", "log").annotate(Min("seq"))
    return {(sitting, log): seq for sitting, log, seq in begun}


def _stands(row: AuditEvent, firsts: Mapping[tuple[UUID | None, int], int]) -> bool:
    """Whether a row is a line of its own: deliveries and later leases belong to the line that began their sitting."""
    if row.action == Action.DELIVERED:
        return False
    return row.action != Action.VIEW or row.seq <= firsts.get((row.sitting, row.log), row.seq)


def _matches(row: AuditEvent, filters: Filters) -> bool:
    asked = (
        (filters.actor_keys, row.actor_key),
        (filters.pseudonyms, row.patient),
        (filters.actions, row.action),
    )
    if any(wanted and value not in wanted for wanted, value in asked):
        return False
    if filters.kind == "refusals" and row.outcome == Outcome.OK:
        return False
    # A search that listed the study comes by the study's own stream; in a sitting there is none.
    if filters.sitting and filters.study_uid not in ("", row.study_uid):
        return False
    asked_of = ((filters.outcome, row.outcome), (filters.address, row.actor_address))
    return all(not wanted or value == wanted for wanted, value in asked_of)
