"""Who saw, searched for and was refused one patient: read from the log alone, folded per person, bounded and honest."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from audit import aliases, sittings, tables, timeline
from audit.actions import Action, Outcome
from audit.models import AuditEvent, AuditListed, Checkpoint
from audit.timeline import Entry, Filters

MOST_ROWS = 5000
"""Rows of the log that each part of a report rests on at most; the newest are kept, and the report says so."""

SAW = (Action.VIEW, Action.DOWNLOAD, Action.TRANSFERRED, Action.COMPARE)

Studies = Callable[[Iterable[str], Iterable[str]], frozenset[str]]
Images = Callable[[Iterable[str]], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Folded:
    """What one person, device or program did, the first first."""

    key: str
    name: str
    role: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One question and who answers it; `cut` says that older rows were left out."""

    people: tuple[Folded, ...]
    cut: bool

    @property
    def count(self) -> int:
        return sum(len(one.entries) for one in self.people)


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


def read(pseudonym: str, filters: Filters, studies: Studies, images: Images) -> Report:
    """The report on the patient of this pseudonym; of `filters` the days count.

    `studies` names the studies of pseudonyms, given those that the log says; `images` how many images studies have.
    """
    basis = tuple(map(_basis, tables.logs()))
    names = aliases.all_of(pseudonym)
    spoken = AuditEvent.objects.filter(patient__in=names).exclude(study_uid="").values_list("study_uid", flat=True)
    uids = studies(names, spoken.distinct())
    since, before = timeline.bounds(filters)
    events = AuditEvent.objects.filter(time_us__gte=since, time_us__lt=before)
    theirs = events.filter(Q(patient__in=names) | Q(study_uid__in=uids))
    shown = AuditListed.objects.filter(log=OuterRef("log"), seq=OuterRef("seq"), study_uid__in=uids)
    found = events.filter(Q(Exists(shown)), action=Action.SEARCH, outcome=Outcome.OK)
    refusals = theirs.filter(outcome__in=(Outcome.DENIED, Outcome.NOT_FOUND))
    return Report(
        tuple(sorted(names)),
        filters,
        _part(theirs.filter(action__in=SAW, outcome=Outcome.OK), images),
        _part(found, images),
        _part(refusals, images),
        basis,
    )


def _part(rows: "QuerySet[AuditEvent]", images: Images) -> Part:
    newest = list(rows.order_by("-log", "-seq")[: MOST_ROWS + 1])
    # A sitting is one line: that of its first row here.
    firsts = {row.sitting or row.id: row for row in newest[:MOST_ROWS]}
    delivered = sittings.delivered(row.sitting for row in firsts.values() if row.sitting is not None)
    totals = images(row.study_uid for row in firsts.values() if row.sitting is not None)
    lines: dict[str, list[Entry]] = {}
    for row in sorted(firsts.values(), key=lambda one: (one.log, one.seq)):
        told = delivered.get(row.sitting) if row.sitting is not None else None
        lines.setdefault(row.actor_key, []).append(timeline.entry(row, told, totals))
    return Part(tuple(_folded(key, tuple(entries)) for key, entries in lines.items()), len(newest) > MOST_ROWS)


def _folded(key: str, entries: tuple[Entry, ...]) -> Folded:
    newest = entries[-1].event
    return Folded(key, newest.actor_name, newest.actor_role, entries)


def _basis(log: int) -> Basis:
    last = AuditEvent.objects.filter(log=log).order_by("-seq").values_list("seq", flat=True).first() or 0
    signed = Checkpoint.objects.filter(log=log, size__lte=last).order_by("-size").first()
    return Basis(log, 1, last, signed.size if signed else 0, signed.note if signed else "")
