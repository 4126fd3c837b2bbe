"""Comparing packs, keys and index: what is named and not there, what is there and not named. Nothing is opened.

Headers stand in clear, so that what lies where is told without a key; whether it opens is the scrub's question.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, F, Q

from accounts import gate
from accounts.actors import Actor
from archive import packs
from archive.errors import PackMissing
from archive.fixity import whereabouts
from archive.keys import FORMER
from archive.models import Held, Instance, Pack, Patient, Rendition, Series, Study, StudyKey
from audit.actions import Action
from vault.errors import Tampered
from vault.objects import HEADER_SIZE, Header

_STORED = (Instance, Rendition, Held)


@dataclass(frozen=True, slots=True)
class Named:
    """One object as the index names it."""

    table: str
    id: UUID
    key_id: UUID
    offset: int
    length: int


@dataclass(slots=True)
class Report:
    """What differs. The first five are losses or lies of the index, the others what nobody misses."""

    packs: int = 0
    objects: int = 0
    missing_packs: list[str] = field(default_factory=list)
    missing_objects: list[str] = field(default_factory=list)
    misplaced_objects: list[str] = field(default_factory=list)
    objects_without_key: list[str] = field(default_factory=list)
    wrong_counts: list[str] = field(default_factory=list)
    unnamed_packs: list[str] = field(default_factory=list)
    unnamed_records: int = 0
    unused_keys: int = 0

    @property
    def whole(self) -> bool:
        lost = (self.missing_packs, self.missing_objects, self.misplaced_objects, self.objects_without_key)
        return not any((*lost, self.wrong_counts))


def run(actor: Actor) -> Report:
    """Compare everything, and write one event. Raises Forbidden, LogUnavailable, and Unavailable for packs away."""
    gate.permit(actor, Action.CHECKED)
    whereabouts.require_present()
    report = Report()
    # The disk first: whatever the index names by then is there already, since bytes come before rows.
    lying = whereabouts.lying()
    for row in _packs():
        report.packs += 1
        _check_pack(report, row, there=row.name in lying)
    named = set(Pack.objects.filter(removed_at=None).values_list("name", flat=True))
    report.unnamed_packs = [f"{name} ({lying[name].size} bytes)" for name in sorted(lying) if name not in named]
    _check_keys(report)
    report.wrong_counts = [*_wrong_counts()]
    told = {
        "missing_packs": len(report.missing_packs),
        "missing_objects": len(report.missing_objects),
        "misplaced_objects": len(report.misplaced_objects),
        "objects_without_key": len(report.objects_without_key),
        "wrong_counts": len(report.wrong_counts),
        "unnamed_packs": len(report.unnamed_packs),
        "unnamed_records": report.unnamed_records,
        "unused_keys": report.unused_keys,
    }
    with gate.change(actor, Action.CHECKED, count=report.objects, details=told):
        pass
    return report


def _packs() -> Iterator[Pack]:
    """Every pack, asked for one by one: nothing is held open while this lasts for hours."""
    rows = Pack.objects.filter(removed_at=None).order_by("id")
    row = rows.first()
    while row is not None:
        yield row
        row = rows.filter(id__gt=row.id).first()


def _named(pack: UUID, **which: int) -> list[Named]:
    """What the index names in a pack, in the order of the file."""
    found = [
        Named(model.__name__.lower(), *row)
        for model in _STORED
        for row in model._default_manager.filter(pack=pack, **which).values_list("id", "key_id", "offset", "length")
    ]
    return sorted(found, key=lambda one: one.offset)


def _check_pack(report: Report, pack: Pack, *, there: bool) -> None:
    named = _named(pack.id)
    report.objects += len(named)
    try:
        if not there:
            packs.read(pack.name, 0, 1)  # It may be younger than the listing.
        _walk(report, pack, named)
    except PackMissing:
        # One that nothing is named in, or not any more, is missed by nobody.
        if named := [one for one in named if one in _named(pack.id, offset=one.offset)]:
            report.missing_packs.append(f"{pack.name} ({len(named)} objects)")


def _walk(report: Report, pack: Pack, named: list[Named]) -> None:
    waiting = {(one.offset, one.length): one for one in named}
    for _, offset, length in packs.records(pack.name):
        one = waiting.pop((offset, length), None)
        if one is not None and not _is_there(pack, one):
            report.misplaced_objects.append(_words(one))
        if one is None and not _named(pack.id, offset=offset):
            report.unnamed_records += 1
    # What was removed or moved since the index was asked is missed by nobody.
    report.missing_objects += [_words(one) for one in waiting.values() if one in _named(pack.id, offset=one.offset)]


def _is_there(pack: Pack, one: Named) -> bool:
    """Whether the header at a place says that it is the object the index means, under the key the index means."""
    try:
        header = Header.decode(packs.read(pack.name, one.offset, HEADER_SIZE))
    except Tampered:
        return False
    return (header.object_id, header.key_id) == (one.id, one.key_id)


def _check_keys(report: Report) -> None:
    keys = StudyKey.objects.exclude(scope=FORMER).values("id")
    for model in _STORED:
        lost = model._default_manager.exclude(key_id__in=keys).values_list("id", flat=True)
        report.objects_without_key += [f"{model.__name__.lower()} {row}" for row in lost]
    used = Q(owner__in=Study.objects.values("id")) | Q(owner__in=Patient.objects.values("id"))
    report.unused_keys = StudyKey.objects.exclude(used).count()


def _wrong_counts() -> Iterator[str]:
    """Studies and series that say another number of images than they have: one statement each, so as of one moment."""
    for model in (Study, Series):
        there = Count("instances", filter=Q(instances__current=True))
        rows = model._default_manager.annotate(there=there).exclude(there=F("instance_count"))
        for row in rows.values_list("id", "instance_count", "there"):
            yield f"{model.__name__.lower()} {row[0]} says {row[1]} images and has {row[2]}"


def _words(one: Named) -> str:
    return f"{one.table} {one.id}"
