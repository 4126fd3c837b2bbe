"""What of a study's packs is still named, record by record, and which packs are worth copying into new ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Sum

from archive import packs
from archive.direct import whole_blocks
from archive.errors import Damaged
from archive.models import Held, Instance, Pack, Rendition
from archive.stores import Lying
from archive.tending.naming import STORED

MANY: Final = 16
SMALL: Final = 8 << 20
"""More packs of one study than MANY that are each under SMALL become few."""

_PREFIX: Final = 8  # the two lengths in front of a head


@dataclass(frozen=True, slots=True)
class Record:
    """A record that the index names: the row of its object, and where record and object begin and the latter ends."""

    model: type[Instance | Rendition | Held]
    id: UUID
    begin: int
    offset: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Contents:
    """A pack and its living records in order. `reached` says whether walking the pack leads to all of them.

    `size` is without what fills up blocks: a copy would be filled up as well.
    """

    pack: Pack
    size: int
    records: tuple[Record, ...]
    reached: bool = True

    @property
    def dead(self) -> int:
        """How many of its bytes nobody names."""
        return self.size - sum(one.size for one in self.records)


@dataclass(frozen=True, slots=True)
class Choice:
    """Of one study: packs to be copied, packs in which nothing is named at all, and how many cannot be walked."""

    worth: tuple[Contents, ...]
    empty: tuple[Contents, ...]
    broken: int


def choose(study_row: UUID, lying: Mapping[str, Lying], percent: int) -> Choice:
    """Which packs of a study are to go: those with so much of their bytes dead, where the study has, or many small."""
    # What may hold objects whose rows are still to come is left alone until they have.
    there = [pack for pack in Pack.objects.filter(study=study_row, removed_at=None, owed=False) if pack.name in lying]
    sizes = [lying[pack.name].size for pack in there]
    # Heads and lengths count as dead here, so that few studies are walked in vain.
    if (sum(sizes) - _named_bytes(study_row)) * 100 < percent * sum(sizes) and sum(map(_is_small, sizes)) <= MANY:
        return Choice((), (), 0)
    found = [_walked(pack, lying[pack.name].size) for pack in there]
    empty = tuple(one for one in found if one.reached and not one.records)
    whole = [one for one in found if one.records and one.reached]
    worth = {one.pack.name: one for one in whole if one.dead * 100 >= percent * one.size}
    if sum(one.dead for one in whole) * 100 < percent * sum(one.size for one in whole):
        worth = {}
    small = [one for one in whole if _is_small(one.size)]
    if len(small) > MANY:
        worth |= {one.pack.name: one for one in small}
    return Choice(tuple(worth[name] for name in sorted(worth)), empty, sum(not one.reached for one in found))


def _is_small(size: int) -> bool:
    return size < SMALL


def _named_bytes(study_row: UUID) -> int:
    """How long all objects of a study are together that the index names."""
    rows = (model._default_manager.filter(study=study_row).exclude(pack=None) for model in STORED)
    return sum(one.aggregate(size=Sum("length"))["size"] or 0 for one in rows)


def _walked(pack: Pack, size: int) -> Contents:
    """The living records of a pack, found by walking it as a rebuild of the index would."""
    named = {
        (offset, length): (model, row)
        for model in STORED
        for row, offset, length in model._default_manager.filter(pack=pack).values_list("id", "offset", "length")
    }
    records: list[Record] = []
    end = filling = 0
    if named:
        try:
            for head, offset, length in packs.records(pack.name):
                begin = offset - len(head) - _PREFIX
                filling, end = filling + begin - end, offset + length
                owner = named.pop((offset, length), None)
                if owner is not None:
                    records.append(Record(*owner, begin, offset, end))
        except (Damaged, OSError):
            return Contents(pack, size, tuple(records), reached=False)
    # The pack may have grown since it was listed, and is filled up behind its last record, where it is on a disk.
    size = max(size, end)
    filling += min(size, whole_blocks(end)) - end
    return Contents(pack, size - filling, tuple(records), reached=not named)
