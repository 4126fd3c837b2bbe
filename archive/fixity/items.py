"""What the index names of one study: every sealed object, where it lies, and what it must be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from archive.fixity import findings
from archive.models import Held, Instance, Rendition, Study
from vault.objects import EMPTY_SLOTS, Kind, Slots, instance_slots

_PLACE = ("id", "key_id", "generation", "pack__name", "offset", "length")


@dataclass(frozen=True, slots=True)
class Item:
    """One sealed object. `sha256` is empty where none was recorded yet, `cell` where no frame table belongs to it."""

    kind: Kind
    id: UUID
    key_id: UUID
    generation: int
    pack: str
    offset: int
    length: int
    slots: Slots
    sha256: str = ""
    cell: bytes = b""

    @property
    def what(self) -> str:
        return self.kind.name.lower()

    @property
    def parts(self) -> tuple[str, ...]:
        """Its parts in the order in which they are verified."""
        frame_table = (findings.FRAME_TABLE,) if self.kind == Kind.INSTANCE else ()
        return (self.what, *frame_table, findings.HEAD)


def of_study(study: Study) -> list[Item]:
    """Every object of a study in the order in which the disk holds them: current or not, derived, held back."""
    found = [*_instances(study), *_renditions(study), *_held(study)]
    return sorted(found, key=lambda one: (one.pack, one.offset))


def again(study: Study, item: Item) -> Item | None:
    """The same object as the index names it now; None where it was removed meanwhile."""
    source = {Kind.INSTANCE: _instances, Kind.QUARANTINED: _held}.get(item.kind, _renditions)
    return next(source(study, id=item.id), None)


def total() -> int:
    """How many objects a whole pass reads."""
    return Instance.objects.count() + Rendition.objects.count() + Held.objects.exclude(state="same").count()


def _instances(study: Study, **which: UUID) -> Iterator[Item]:
    rows = Instance.objects.filter(study=study, **which)
    for row in rows.values_list(*_PLACE, "series__uid", "uid", "sha256", "frame_table_cell"):
        *place, series, uid, sha256, cell = row
        one = _item(Kind.INSTANCE, place, instance_slots(study.uid, series, uid))
        yield replace(one, sha256=sha256, cell=bytes(cell))


def _renditions(study: Study, **which: UUID) -> Iterator[Item]:
    rows = Rendition.objects.filter(study=study, **which)
    for row in rows.values_list(*_PLACE, "kind", "series__uid", "instance__uid"):
        *place, kind, series, uid = row
        yield _item(Kind(kind), place, instance_slots(study.uid, series, uid or ""))


def _held(study: Study, **which: UUID) -> Iterator[Item]:
    # What turned out to be the same was released: nothing leads to its bytes any more.
    rows = Held.objects.filter(study=study, **which).exclude(state="same")
    for row in rows.values_list(*_PLACE):
        yield _item(Kind.QUARANTINED, row, EMPTY_SLOTS)


def _item(kind: Kind, place: Sequence[Any], slots: Slots) -> Item:
    identifier, key_id, generation, pack, offset, length = place
    return Item(kind, identifier, key_id, generation, pack, offset, length, slots)
