"""Removing the packs that nobody names: what a crash, a refused image or a compaction has left.

What is young stays, since a writer may be about to name it, and nothing goes while the index may be the one that has
forgotten. Names are put out of use with the event in one transaction; then the files go. Cut off anywhere, the next
sweep takes it up: what is out of use and lies there still is removed by it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from accounts import gate
from accounts.actors import Actor
from archive import stores, turn
from archive.errors import Unsuitable
from archive.fixity import whereabouts
from archive.stores import Disk, Lying
from archive.tending import discarding, naming, settled
from audit.actions import Action

BATCH: Final = 1000


@dataclass(slots=True)
class Swept:
    """What went, or would go: packs and their bytes, names without a pack, empty folders; and what is too young yet."""

    packs: int = 0
    bytes: int = 0
    names: int = 0
    folders: int = 0
    young: int = 0


def run(actor: Actor, grace: timedelta = settled.GRACE, *, dry_run: bool = False) -> Swept:
    """Remove the packs that nobody names and nobody has written to for the length of the grace.

    Raises Forbidden, LogUnavailable, Unsuitable where what the index does not name may be what it has lost, and
    Unavailable where the packs are away or somebody else tends them.
    """
    gate.permit(actor, Action.SWEPT)
    with turn.tending():
        whereabouts.require_present()
        settled.require(grace)
        before = timezone.now() - grace
        # The packs first: whatever is named by then is there already, since bytes come before rows.
        lying = whereabouts.lying()
        report, orphans = _found(lying, before)
        names = naming.nameless(beside=lying)
        if dry_run:
            report.packs, report.bytes = len(orphans), sum(lying[name].size for name in orphans)
            report.names = len(names)
            return report
        for batch in _batches(sorted({*orphans, *names})):
            _sweep(actor, batch, lying, report)
        naming.forget(timezone.now() - naming.KEPT, beside=lying)
        store = stores.store()
        report.folders = store.prune(before) if isinstance(store, Disk) else 0
    return report


def _found(lying: dict[str, Lying], before: datetime) -> tuple[Swept, list[str]]:
    """The names of what lies there, is named by nobody and old enough. Raises Unsuitable in the wrong place."""
    named = naming.living()
    unnamed = [one for one in lying.values() if one.name not in named]
    if unnamed and named.isdisjoint(lying):
        raise Unsuitable(
            "Not one of the packs that lie there is named by the index: this is another place, or another database. "
            "Nothing was removed."
        )
    orphans = [one.name for one in unnamed if one.changed_at < before]
    return Swept(young=len(unnamed) - len(orphans)), orphans


def _batches(names: list[str]) -> Iterator[list[str]]:
    """At least one, so that a sweep that found nothing is on record as well."""
    for at in range(0, max(1, len(names)), BATCH):
        yield names[at : at + BATCH]


def _sweep(actor: Actor, names: list[str], lying: dict[str, Lying], report: Swept) -> None:
    with gate.change(actor, Action.SWEPT) as told:
        free = naming.put_out_of_use(names)
        there = [name for name in free if name in lying]
        size = sum(lying[name].size for name in there)
        told |= {"packs": len(there), "bytes": size, "names": len(free) - len(there)}
    for name in sorted(free):
        discarding.remove(name)
    report.packs += len(there)
    report.bytes += size
    report.names += len(free) - len(there)
