"""Objects that were acknowledged ahead of their rows: durable in their packs, named a moment later, twenty at a time.

The record in the pack holds the object itself and, in its head, who sent it and when: all that its rows and its event
are made of. What makes that enough is the mark `owed` on the row of the pack, committed before the first such object:
should this process be killed, its packs that bear the mark are looked through before anybody is served again
(`archive.rebuilding.settling`). All of this is the writer's thread's, and nobody else's.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from archive import statements, stores
from archive.tickets import Admission, Ticket

SECONDS: Final = 0.025
"""For how long an acknowledged object may be without its rows."""

MOST: Final = 64
MOST_BYTES: Final = 16 << 20
"""Objects, and bytes of them in memory, that may be owed at a time; the next ones are answered with their rows."""

REST_SECONDS: Final = 2.0
"""After so long without another object a pack loses its mark."""

LONGEST_PAUSE: Final = 30.0


@dataclass(slots=True)
class _Owed:
    admissions: list[Admission] = field(default_factory=list)
    anew: list[Ticket] = field(default_factory=list)  # whose rows were refused: they are to be stored once more
    bytes: int = 0
    due: float = 0.0
    pause: float = 0.0  # before the next attempt, while what was tried fails
    marked: dict[UUID, float] = field(default_factory=dict)  # packs, and when each was last written to

    @property
    def waiting(self) -> bool:
        return bool(self.admissions or self.anew)

    @property
    def full(self) -> bool:
        return len(self.admissions) >= MOST or self.bytes >= MOST_BYTES


_now = _Owed()


def forget() -> None:
    """Remember nothing: a forked child owes nothing, and no pack of its parent is its own."""
    global _now
    _now = _Owed()


os.register_at_fork(after_in_child=forget)


def takes(pack: UUID) -> bool:
    """Whether objects written into this pack may be answered ahead of their rows."""
    return pack in _now.marked and not _now.pause and not _now.full


def add(one: Admission) -> None:
    """Owe the rows of an object that is durable in a pack that `takes` it."""
    if one.place is None:
        raise ValueError("nothing was sealed")
    moment = time.monotonic()
    if not _now.waiting:
        _now.due = moment + SECONDS
    _now.marked[one.place.pack] = moment
    _now.admissions.append(one)
    _now.bytes += one.ticket.weight


def holds(sop_uids: set[str]) -> bool:
    """Whether an object under one of these UIDs is owed."""
    return any(one.facts.sop_uid in sop_uids for one in _now.admissions)


def patience() -> float | None:
    """How many seconds there is nothing to do here; None where there is nothing to do at all."""
    if _now.waiting:
        return max(0.0, _now.due - time.monotonic())
    if _now.marked:
        return max(0.0, min(_now.marked.values()) + REST_SECONDS - time.monotonic())
    return None


def due() -> bool:
    """Whether the rows that are owed are to be written now."""
    return _now.waiting and (time.monotonic() >= _now.due or (_now.full and not _now.pause))


def taken() -> tuple[list[Admission], list[Ticket]]:
    """All that is owed: the objects whose rows are to be written, and those that are to be stored anew."""
    admissions, anew = _now.admissions, _now.anew
    _now.admissions, _now.anew, _now.bytes = [], [], 0
    return admissions, anew


def tried(admissions: list[Admission], anew: list[Ticket]) -> None:
    """Note what of `taken` is owed still; it is tried again after a pause that grows."""
    for ticket in anew:
        ticket.attempts = 0
    _now.admissions[:0], _now.anew[:0] = admissions, anew
    _now.bytes += sum(one.ticket.weight for one in admissions)
    failed = bool(admissions or anew)
    _now.pause = min(2 * _now.pause or SECONDS, LONGEST_PAUSE) if failed else 0.0
    if failed:
        _now.due = time.monotonic() + _now.pause


def mark(admissions: Iterable[Admission]) -> set[UUID]:
    """Mark the packs of objects whose like may be acknowledged ahead, in the caller's transaction; return them."""
    if not stores.on_disk():
        return set()
    packs = {one.place.pack for one in admissions if one.place is not None and one.ticket.ahead}
    fresh = packs - _now.marked.keys()
    statements.owe(fresh)
    return fresh


def marked(packs: Iterable[UUID]) -> None:
    """Note that the mark of these packs is committed."""
    _now.marked.update(dict.fromkeys(packs, time.monotonic()))


def unmark(*, resting: bool = True) -> None:
    """Take the mark from packs that rest, or from all, in which nothing is owed. Raises DatabaseError."""
    moment = time.monotonic()
    before = moment - (REST_SECONDS if resting else 0.0)
    owing = {one.place.pack for one in _now.admissions if one.place is not None}
    packs = {pack for pack, at in _now.marked.items() if at <= before} - owing
    if packs and not _now.anew:
        # Tried again when they have rested once more, should it fail.
        _now.marked.update(dict.fromkeys(packs, moment))
        statements.settled(packs)
        for pack in packs:
            del _now.marked[pack]
