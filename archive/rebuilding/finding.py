"""Which whole records no row names: every pack walked, every head of such a record opened. Nothing is adopted yet."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby, islice
from typing import Final
from uuid import UUID

from accounts import scope
from accounts.errors import NotVisible
from archive.errors import Damaged, PackMissing, Unavailable
from archive.keys import FORMER
from archive.models import Pack, StudyKey, Unnamed
from archive.openers import Opener
from archive.rebuilding import heads, studies
from archive.rebuilding.heads import Head
from archive.rebuilding.report import Rebuilt
from archive.rebuilding.rows import DERIVED, WAITING
from archive.rebuilding.studies import Folder, Openers
from archive.rebuilding.walking import Broken, Record, walk
from archive.stores import Lying
from archive.tending import naming
from vault.objects import Kind

MOST: Final = 500
Tell = Callable[[int, int], None]


def find(report: Rebuilt, openers: Openers, lying: Mapping[str, Lying], tell: Tell) -> None:
    """Fill the table of unnamed records. `tell` hears how many packs have been walked of how many.

    Raises Unavailable where the packs cannot be read, and LogUnavailable.
    """
    Unnamed.objects.all().delete()
    removed = set(Pack.objects.exclude(removed_at=None).values_list("name", flat=True))
    walked = 0
    for owner, names in groupby(sorted(lying.keys() - removed), naming.study_of):
        where = studies.folder(owner)
        for name in names:
            try:
                _pack(report, openers, where, lying, lying[name])
            except PackMissing:
                pass  # It was removed meanwhile.
            except OSError:
                raise Unavailable("A pack cannot be read.") from None
            walked += 1
            tell(walked, len(lying))


def _pack(report: Rebuilt, openers: Openers, where: Folder | None, lying: Mapping[str, Lying], pack: Lying) -> None:
    walked = walk(pack.name, pack.size)
    while batch := list(islice(walked, MOST)):
        found = [one for one in batch if isinstance(one, Record)]
        for one in batch:
            if isinstance(one, Broken):
                report.damage(pack.name, one.offset, "It is no record.")
        named = names_of([one.header.object_id for one in found])
        ours = [one for one in found if _is_usable(report, where, pack.name, one)]
        waiting = [one for one in ours if named.get(one.header.object_id, pack.name) is not None]
        left = [one for one in waiting if named.get(one.header.object_id, "") not in lying]
        if where is not None and left:
            Unnamed.objects.bulk_create(_rows(report, openers, where, pack, left))


def names_of(ids: list[UUID]) -> dict[UUID, str | None]:
    """Those of the objects that the index names, with the pack it names; None for one that was released."""
    found: dict[UUID, str | None] = {}
    for model in naming.STORED:
        found.update(model._default_manager.filter(id__in=ids).values_list("id", "pack__name"))
    return found


def _is_usable(report: Rebuilt, where: Folder | None, pack: str, one: Record) -> bool:
    """Whether a record lies under a key of the study in whose folder it lies; else it is counted, or told."""
    if where is not None and one.header.key_id in where.usable:
        return True
    key = StudyKey.objects.filter(id=one.header.key_id).first()
    if key is None:
        report.keyless += 1
    elif key.scope == FORMER and key.owner == naming.study_of(pack):
        report.former += 1
    else:
        report.damage(pack, one.offset, "It lies in the folder of another study.")
    return False


def _rows(report: Rebuilt, openers: Openers, where: Folder, pack: Lying, found: list[Record]) -> Iterator[Unnamed]:
    if scope.withdrawn(where.uid):
        report.trashed += len(found)
        return
    try:
        opener = openers.of(where)
    except NotVisible:
        report.trashed += len(found)
        return
    except Damaged as error:
        for one in found:
            report.damage(pack.name, one.offset, str(error))
        return
    for one in found:
        try:
            yield unnamed(opener, where, pack, one)
        except Damaged as error:
            report.damage(pack.name, one.offset, str(error))


def unnamed(opener: Opener, where: Folder, pack: Lying, one: Record) -> Unnamed:
    """The row of a whole record that no row of the index names. Raises Damaged where its head does not open."""
    kind = one.header.kind
    row = Unnamed(
        object_id=one.header.object_id,
        kind=kind,
        generation=one.header.generation,
        key_id=one.header.key_id,
        owner=where.present.owner,
        pack=pack.name,
        head=one.head,
        offset=one.offset,
        length=one.length,
        written_at=pack.changed_at,
    )
    head = heads.opened(opener, row)
    if kind != Kind.QUARANTINED and head.study != where.uid:
        raise Damaged("Its head names another study.")
    row.arrived_us = head.arrived_us
    is_derived = kind in (Kind.METADATA, Kind.PREVIEW)
    row.state, row.slot = (DERIVED, _slot(head)) if is_derived else (WAITING, "")
    return row


def _slot(head: Head) -> str:
    """By what derived objects are told apart of which one takes the other's place."""
    said = "\0".join((head.study, head.series, head.instance, head.form, str(head.covers)))
    return hashlib.sha256(said.encode()).hexdigest()[:32]
