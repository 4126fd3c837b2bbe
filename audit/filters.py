"""What a reader of the record looks for, and the span of rows in which it can be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.utils import timezone
from django.utils.dateparse import parse_date

from audit import clock, tables, words
from audit.actions import Action
from audit.models import AuditEvent


class Place(NamedTuple):
    """Where a row stands: the record grows by this order alone, and time never runs backwards along it."""

    log: int
    seq: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """The rows of one log from `first` up to, not including, `end`."""

    log: int
    first: int
    end: int


Span = tuple[Stretch, ...]
"""Stretches of several logs, the newest first."""
_NO_END = 2**62


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader looks for; empty means everything. Never a patient's name or number.

    `actor_keys` are the log's keys of whoever `person` or `device` names, `pseudonyms` all of the patient's; both are
    looked up by whoever makes the filters. `sitting` is hexadecimal.
    """

    person: str = ""
    device: str = ""
    address: str = ""
    patient: str = ""
    study_uid: str = ""
    sitting: str = ""
    kind: str = ""
    action: str = ""
    outcome: str = ""
    first_day: date | None = None
    last_day: date | None = None
    actor_keys: frozenset[str] = field(default=frozenset(), compare=False)
    pseudonyms: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def given(self) -> Mapping[str, str]:
        """What was asked, by the names that an address gives it."""
        told = {_ADDRESSED.get(one.name, one.name): str(getattr(self, one.name) or "") for one in fields(self)[:11]}
        return {name: value for name, value in told.items() if value}

    @property
    def actions(self) -> tuple[Action, ...]:
        """The kinds of event that can match, or none where every kind can."""
        of_kind = words.KINDS[self.kind][1] if self.kind in words.KINDS else ()
        if not self.action:
            return of_kind
        return (Action(self.action),) if not of_kind or self.action in of_kind else ()

    @property
    def impossible(self) -> bool:
        """Whether nothing can match: nobody has that name, or the action is none of that kind."""
        nobody = bool(self.person or self.device) and not self.actor_keys
        kinds = self.kind in words.KINDS and bool(words.KINDS[self.kind][1])
        return nobody or (bool(self.action) and kinds and not self.actions)


_HEXADECIMAL = re.compile("[0-9a-f]{32}")
_ADDRESSED = {"study_uid": "study", "first_day": "from", "last_day": "to"}


def days(first: date | None, last: date | None) -> tuple[int, int]:
    """The days asked for as microseconds: from the beginning of the first to the end of the last."""
    since = _micros(first) if first else 0
    return since, _micros(last + timedelta(days=1)) if last and last < date.max else _NO_END


def span(since_us: int = 0, before_us: int = _NO_END, older: Place | None = None) -> Span:
    """The rows written at or after one time and before another, and behind a place that a page ended with."""
    first = first_at(since_us) if since_us else Place(0, 0)
    ends = [first_at(before_us)] if before_us < _NO_END else []
    end = min([Place(2**31, 0), *ends, *([older] if older else [])])
    found = []
    for log in reversed(tables.logs()):
        if first.log <= log <= end.log:
            last = end.seq if log == end.log else _NO_END
            found.append(Stretch(log, first.seq if log == first.log else 0, last))
    return tuple(found)


def moment(time_us: int) -> datetime:
    """The time of an event in the installation's time zone."""
    return timezone.localtime(clock.at(time_us))


def day(text: str) -> date | None:
    """A day as an address says it, or None for anything else."""
    try:
        return parse_date(text)
    except ValueError:
        return None


def hexadecimal(text: str) -> str:
    """A pseudonym or a sitting as an address says it, or nothing for anything else."""
    return text if _HEXADECIMAL.fullmatch(text) else ""


def place(text: str) -> Place | None:
    """A cursor as a page handed it out, or None for anything else."""
    log, dot, seq = text.partition(".")
    whole = bool(dot) and all(part.isascii() and part.isdecimal() for part in (log, seq))
    return Place(int(log), int(seq)) if whole and len(log) < 10 and len(seq) < 18 else None


def first_at(time_us: int) -> Place:
    """Where the first row of that time (µs since 1970, UTC) or later stands; behind every row where there is none."""
    later = AuditEvent.objects.filter(time_us__gte=time_us).order_by("time_us", "log", "seq")
    found = later.values_list("log", "seq").first()
    return Place(*found) if found else Place(2**31, 0)


def _micros(of: date) -> int:
    zone = timezone.get_current_timezone()
    return round(datetime(of.year, of.month, of.day, tzinfo=zone).timestamp() * 1_000_000)
