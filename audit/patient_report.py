"""Who saw, searched for and was refused one patient: read from the log alone, folded per person, bounded and honest."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from audit import aliases, sittings, tables, timeline
from audit.actions import Action, Outcome
from audit.filters import Filters, days, span
from audit.models import AuditEvent, Checkpoint
from audit.seeking import Listings, Stream, newest_first
from audit.timeline import Entry

MOST_ROWS = 5000
"""Rows of the log that each part of a report rests on at most; the newest are kept, and the report says so."""

SAW = (Action.VIEW, Action.DOWNLOAD, Action.TRANSFERRED, Action.COMPARE)

Studies = Callable[[Iterable[str], Iterable[str]], frozenset[str]]
Images = Callable[[Iterable[str]], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Folded:
    """What one person, device or program did, the first first: `count` lines, of which the newest are here."""

    key: str
    name: str
    role: str
    count: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One question and who answers it; `cut` says that older rows were left out."""

    people: tuple[Folded, ...]
    cut: bool

    @property
    def count(self) -> int:
        return sum(one.count for one in self.people)


@dataclass(frozen=True, slots=True)
class Basis:
    """The rows of one log that a report was made from, and the newest signed tree head, empty before the first."""

    log: int
    first: int
    last: int
    signed: int
    note: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the record tells of one patient, whose pseudonyms are these."""

    pseudonyms: tuple[str, ...]
    filters: Filters
    saw: Part
    searched: Part
    refused: Part
    basis: tuple[Basis, ...]

    @property
    def cut(self) -> bool:
        return self.saw.cut or self.searched.cut or self.refused.cut


def read(pseudonym: str, filters: Filters, studies: Studies, images: Images, *, shown: int | None = None) -> Report:
    """The report on the patient of this pseudonym; of `filters` the days count.

    `studies` names the studies of pseudonyms, given those that the log says; `images` how many images studies have.
    Of each who did something at most `shown` lines are told, the newest; the others are counted.
    """
    basis = tuple(map(_basis, tables.logs()))
    names = aliases.all_of(pseudonym)
    spoken = AuditEvent.objects.filter(patient__in=names).exclude(study_uid="").values_list("study_uid", flat=True)
    uids = studies(names, spoken.distinct())
    wanted = span(*days(filters.first_day, filters.last_day))
    events = AuditEvent.objects.exclude(action=Action.DELIVERED)
    theirs = [Stream(events.filter(patient=name)) for name in names]
    # Nearly every row of a study names its patient and has come already; the rest does not, or names somebody else.
    others = events.exclude(patient__in=names)
    theirs += [Stream(others.filter(study_uid=uid)) for uid in uids]
    saw, refused = _newest(newest_first(theirs, wanted), _saw, _was_refused)
    (searched,) = _newest(newest_first([Listings(uid) for uid in uids], wanted), _searched)
    parts = [_part(rows, images, shown) for rows in (saw, searched, refused)]
    return Report(tuple(sorted(names)), filters, parts[0], parts[1], parts[2], basis)


def _saw(row: AuditEvent) -> bool:
    return row.action in SAW and row.outcome == Outcome.OK


def _searched(row: AuditEvent) -> bool:
    return row.action == Action.SEARCH and row.outcome == Outcome.OK


def _was_refused(row: AuditEvent) -> bool:
    return row.outcome in (Outcome.DENIED, Outcome.NOT_FOUND)


def _newest(rows: Iterable[AuditEvent], *kinds: Callable[[AuditEvent], bool]) -> list[list[AuditEvent]]:
    """The newest rows of each kind, one more of each than a part may rest on."""
    found: list[list[AuditEvent]] = [[] for _ in kinds]
    for row in rows:
        for kind, kept in zip(kinds, found, strict=True):
            if len(kept) <= MOST_ROWS and kind(row):
                kept.append(row)
        if all(len(kept) > MOST_ROWS for kept in found):
            break
    return found


def _part(newest: list[AuditEvent], images: Images, shown: int | None) -> Part:
    # A sitting is one line: that of its first row here.
    firsts = {row.sitting or row.id: row for row in newest[:MOST_ROWS]}
    lines: dict[str, list[AuditEvent]] = {}
    for row in sorted(firsts.values(), key=lambda one: (one.log, one.seq)):
        lines.setdefault(row.actor_key, []).append(row)
    told = {key: rows[-shown:] if shown else rows for key, rows in lines.items()}
    sat = [row for rows in told.values() for row in rows if row.sitting is not None]
    delivered = sittings.delivered(row.sitting for row in sat if row.sitting is not None)
    totals = images(row.study_uid for row in sat)

    def entry(row: AuditEvent) -> Entry:
        return timeline.entry(row, delivered.get(row.sitting) if row.sitting is not None else None, totals)

    people = [_folded(key, len(rows), tuple(map(entry, told[key]))) for key, rows in lines.items()]
    return Part(tuple(people), len(newest) > MOST_ROWS)


def _folded(key: str, count: int, entries: tuple[Entry, ...]) -> Folded:
    newest = entries[-1].event
    return Folded(key, newest.actor_name, newest.actor_role, count, entries)


def _basis(log: int) -> Basis:
    last = AuditEvent.objects.filter(log=log).order_by("-seq").values_list("seq", flat=True).first() or 0
    signed = Checkpoint.objects.filter(log=log, size__lte=last).order_by("-size").first()
    return Basis(log, 1, last, signed.size if signed else 0, signed.note if signed else "")
