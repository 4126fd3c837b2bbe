"""From one key of a study to another: each object opened, authenticated, and sealed again by its next generation.

What is sealed is durable in new packs before a row names it; rows move in batches, each a transaction, and only where
they still name the place that was read. What does not open stays as it is, is marked, and stops nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import OperationalError, transaction
from django.utils import timezone

from archive import duplicates, index_studies, keys, packs, sealing, stores
from archive.columns import cell_name
from archive.errors import Damaged, Unavailable, Unsuitable
from archive.fixity import findings, items, scrub
from archive.fixity.examining import Heads, Pace
from archive.fixity.items import Item
from archive.models import Held, Instance, Pack, Rendition, Study
from archive.openers import WORDS, Opener
from archive.packs import Place
from vault.errors import Tampered
from vault.objects import EMPTY_SLOTS, HEADER_SIZE, Header, Kind

ATTEMPTS: Final = 4
MOST: Final = 64
MOST_BYTES: Final = 64 << 20
_TABLE: Final[dict[Kind, Any]] = {Kind.INSTANCE: Instance, Kind.QUARANTINED: Held}
_OF_HEAD: Final = frozenset({"version", "kind", "object", "generation", sealing.PAD})


@dataclass(slots=True)
class Passed:
    """How many objects passed to the present key, and what does not open and therefore stays where it is."""

    objects: int = 0
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sealed:
    """An object sealed again, not yet named by its row; `more` are the row's other values under the key."""

    item: Item
    place: Place
    more: dict[str, Any] = field(default_factory=dict)


def run(study: Study, unlock: Callable[[], Opener], tell: Callable[[int, int], None]) -> Passed:
    """Seal all of a study that lies under another than its present key. `unlock` gives what opens it, on record.

    Raises Unavailable, and Unsuitable when the study is destroyed meanwhile.
    """
    passed, done = Passed(), 0
    waiting = _waiting(study)
    if not waiting and keys_under(study) <= {study.key_id}:
        return passed
    opener, failed = unlock(), set[UUID]()
    left, opener = _cells(study, opener), opener.silent()
    # A newcomer may be settled, or a pack moved, while its object is read; who comes too late looks again.
    while waiting := [one for one in waiting if one.id not in failed]:
        total = done + len(waiting)
        for batch in _batches(study, opener, waiting, failed):
            passed.objects += _commit(study, batch)
            done += len(batch)
            tell(done, total)
        waiting = _waiting(study)
    passed.left = tuple(sorted([*left, *(f"{one.what} {one.id}" for one in _waiting(study))]))
    return passed


def keys_under(study: Study) -> set[UUID]:
    """The keys under which the index still names objects or cells of a study."""
    found = {one.key_id for one in items.of_study(study)}
    tables = Instance.objects.filter(study=study).values_list("frame_table_cell", flat=True)
    cells = [*tables, *(getattr(study, name) for name in index_studies.CELLS)]
    return found | {key for cell in cells if (key := _key_of(bytes(cell))) is not None}


def _key_of(cell: bytes) -> UUID | None:
    """The key that a cell says it is under; None for an empty one, and for one that says nothing."""
    try:
        return Header.decode(cell[:HEADER_SIZE]).key_id if cell else None
    except Tampered:
        return None


def _waiting(study: Study) -> list[Item]:
    return [one for one in items.of_study(study) if one.key_id != study.key_id]


def _batches(study: Study, opener: Opener, waiting: list[Item], failed: set[UUID]) -> Iterator[list[_Sealed]]:
    batch, size, heads = list[_Sealed](), 0, Heads("")
    for item in waiting:
        if heads.pack != item.pack:
            heads = Heads(item.pack)
        if not stores.store().has_room(item.length):
            raise Unavailable("The archive is nearly full; nothing is sealed anew until there is room.")
        try:
            batch.append(_sealed(study, opener, item, heads))
        except (Damaged, OSError):
            failed.add(item.id)
            _examine(study, opener, item)
        size += item.length
        if len(batch) >= MOST or size > MOST_BYTES:
            yield batch
            batch, size = [], 0
    yield batch


def _examine(study: Study, opener: Opener, item: Item) -> None:
    """Mark what does not open, unless it was moved or removed while it was read."""
    found = scrub.reread(opener, study, item, Heads(item.pack), Pace(None))
    if found is not None and found.fault is not None:
        scrub.mark(item, found.fault)


def _sealed(study: Study, opener: Opener, item: Item, heads: Heads) -> _Sealed:
    """One object and its head under the study's present key, appended to a new pack. Raises Damaged."""
    head = heads.at(item.offset, item.length)
    if head is None:
        raise Damaged("Walking its pack does not lead to it.")
    told = orjson.loads(opener.object(item.key_id, Kind.HEAD, item.id, item.generation, EMPTY_SLOTS, head))
    stored = packs.read(item.pack, item.offset, item.length)
    plain = opener.object(item.key_id, item.kind, item.id, item.generation, item.slots, stored)
    more = _more(study, opener, item, plain)
    generation = item.generation + 1
    sealed = keys.seal(study.key_id, item.kind, item.id, item.slots, plain, generation)
    said = {name: value for name, value in told.items() if name not in _OF_HEAD}
    head = sealing.sealed_head(study.key_id, item.kind, item.id, said, generation=generation)
    return _Sealed(item, packs.append(study.id, head, sealed), more)


def _more(study: Study, opener: Opener, item: Item, plain: bytes) -> dict[str, Any]:
    """What else of its row is under the key: an instance's frame table, and by what a newcomer is known again."""
    if item.kind == Kind.INSTANCE:
        return {"frame_table_cell": _cell(study, opener, findings.FRAME_TABLE, item.id, item.cell)}
    if item.kind == Kind.QUARANTINED:
        row = Held.objects.filter(id=item.id).first()
        if row is None:
            raise Damaged(WORDS)
        said = (row.transfer_syntax, row.study_uid, row.series_uid)
        return {"digest": duplicates.digest(study.key_id, *said, memoryview(plain)[row.dataset_offset :])}
    return {}


def _cell(study: Study, opener: Opener, table_column: str, row: UUID, sealed: bytes) -> bytes:
    """One cell under the study's present key. Raises Damaged."""
    return keys.seal_cell(study.key_id, table_column, row, opener.cell(table_column, row, sealed))


def _cells(study: Study, opener: Opener) -> list[str]:
    """Seal the cells of the study's own row again, in one transaction; return those that do not open."""
    left, anew = list[str](), dict[str, tuple[bytes, bytes]]()
    for name in index_studies.CELLS:
        before = bytes(getattr(study, name))
        if _key_of(before) not in (None, study.key_id):
            try:
                anew[name] = before, _cell(study, opener, cell_name("study", name), study.id, before)
            except Damaged:
                left.append(cell_name("study", name))
    with transaction.atomic(durable=True):
        row = _locked(study)
        same = {name: cell for name, (before, cell) in anew.items() if bytes(getattr(row, name)) == before}
        if same:
            Study.objects.filter(id=row.id).update(**same)
    return left


def _commit(study: Study, batch: list[_Sealed]) -> int:
    """Make what was sealed durable and let the rows name it; return how many did. Raises Unavailable, Unsuitable."""
    if not batch:
        return 0
    packs.flush([one.place for one in batch])
    for _ in range(ATTEMPTS - 1):
        try:
            return _moved(study, batch)
        except OperationalError:
            continue  # Two transactions met; what is sealed stays where it is.
    return _moved(study, batch)


def _moved(study: Study, batch: list[_Sealed]) -> int:
    places = {one.place.pack: one.place for one in batch}
    now = timezone.now()
    rows = [Pack(id=place.pack, study=place.study_row, name=place.name, compacted_at=now) for place in places.values()]
    with transaction.atomic(durable=True):
        _locked(study)
        Pack.objects.bulk_create(rows, ignore_conflicts=True)
        return sum(_move(study, one) for one in batch)


def _move(study: Study, one: _Sealed) -> int:
    item, place = one.item, one.place
    there = _TABLE.get(item.kind, Rendition).objects.filter(
        id=item.id, key_id=item.key_id, generation=item.generation, pack__name=item.pack, offset=item.offset
    )
    moved: int = there.update(
        pack_id=place.pack,
        offset=place.offset,
        length=place.length,
        key_id=study.key_id,
        generation=item.generation + 1,
        **one.more,
    )
    return moved


def _locked(study: Study) -> Study:
    row = Study.objects.select_for_update().filter(id=study.id, key_id=study.key_id).first()
    if row is None:
        raise Unsuitable("The study was destroyed, or given yet another key, meanwhile.")
    return row
