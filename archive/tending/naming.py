"""Which packs the index names, and how the name of one that it does not name is put out of use.

A file is removed only once its name stands as a row with `removed_at`. That row is the arbiter between whoever removes
and a writer that has written to the pack and not committed yet: names are unique and rows of objects need the row of
their pack, so that one of the two transactions fails, and a writer whose rows are refused stores its objects anew.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone

from archive.models import Held, Instance, Pack, Rendition

STORED: Final = (Instance, Rendition, Held)

KEPT: Final = timedelta(days=30)
"""For how long a name is kept out of use: longer than any writer may have been held up between bytes and rows."""


def living() -> set[str]:
    """The names of all packs in which the index names an object."""
    rows = Pack.objects.filter(removed_at=None).values_list("id", "name").iterator()
    named = _named()
    return {name for row, name in rows if row in named}


def living_in(name: str) -> bool:
    """Tell whether the index names an object in the pack of this name, or will name one."""
    if Pack.objects.filter(name=name, owed=True, removed_at=None).exists():
        return True
    return any(model._default_manager.filter(pack__name=name).exists() for model in STORED)


def left_by(study_row: UUID) -> list[str]:
    """The names of the packs of one study in which the index names nothing any more."""
    rows = dict(Pack.objects.filter(study=study_row, removed_at=None).values_list("id", "name"))
    named = _named(rows)
    return sorted(name for row, name in rows.items() if row not in named)


def put_out_of_use(names: Iterable[str]) -> set[str]:
    """Inside the caller's transaction, see to it that nobody can name these packs; return those that nobody does.

    Only what is returned may be removed, and only once the transaction has been committed.
    """
    wanted = set(names)
    rows = {row.name: row for row in Pack.objects.select_for_update().filter(name__in=wanted)}
    # Asked with the rows in hand: whoever names one of them now waits for us, and is refused.
    named = _named(row.id for row in rows.values())
    free = {name for name in wanted if name not in rows or rows[name].id not in named}
    fresh = {name for name in free if name not in rows or rows[name].removed_at is None}
    Pack.objects.filter(id__in=[rows[name].id for name in fresh if name in rows]).delete()
    now = timezone.now()
    Pack.objects.bulk_create(
        [Pack(study=study_of(name), name=name, removed_at=now) for name in sorted(fresh)], ignore_conflicts=True
    )
    ours = Pack.objects.filter(name__in=free).exclude(removed_at=None)
    return set(ours.values_list("name", flat=True))


def nameless(*, beside: Iterable[str]) -> set[str]:
    """The names of rows in which nothing is named and that do not lie among the packs given."""
    named, there = _named(), set(beside)
    rows = Pack.objects.filter(removed_at=None).values_list("id", "name").iterator()
    return {name for row, name in rows if row not in named and name not in there}


def forget(before: datetime, *, beside: Iterable[str]) -> int:
    """Drop the names that have been out of use since before then and whose packs are gone; return how many."""
    there = set(beside)
    old = Pack.objects.filter(removed_at__lt=before).values_list("id", "name")
    gone = [row for row, name in old if name not in there]
    for at in range(0, len(gone), 500):
        Pack.objects.filter(id__in=gone[at : at + 500]).delete()
    return len(gone)


def study_of(name: str) -> UUID:
    """The id of the study row in whose folder a pack lies."""
    return UUID(hex=name.split("/")[1])


def _named(packs: Iterable[UUID] | None = None) -> set[UUID]:
    """The ids of all packs, or of those among the given ones, in which the index names an object or will name one."""
    only = None if packs is None else list(packs)
    owed = Pack.objects.filter(owed=True, removed_at=None)
    found = set((owed if only is None else owed.filter(id__in=only)).values_list("id", flat=True))
    for model in STORED:
        rows = model._default_manager.exclude(pack=None)
        if only is not None:
            rows = rows.filter(pack__in=only)
        found.update(rows.order_by().values_list("pack_id", flat=True).distinct())
    return found
