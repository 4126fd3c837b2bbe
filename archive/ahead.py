"""Storing ahead of the rows: objects like others before them are sealed, flushed together, and answered.

No statement is asked: what the database must say was asked when the first object of the series was stored
(`archive.contexts`), and is checked when the rows are written (`archive.owed`). What is not like others, or cannot be
told at once, goes the whole way (`archive.rounds`).
"""

from typing import Final

from archive import contexts, keys, owed, packs, sealing, stores
from archive.errors import ArchiveError
from archive.tickets import Admission, Ticket
from audit import pulse

LARGEST: Final = 4 << 20
"""Bytes of an object that may be kept in memory until its rows are written."""


def prepared(ticket: Ticket) -> Admission | None:
    """An object sealed and appended to a pack that bears the mark; None where it goes the whole way.

    One that cannot be sealed is answered here.
    """
    if not ticket.ahead or ticket.facts is None or not 0 < len(ticket.part10) <= LARGEST:
        return None
    if pulse.lost() or not stores.on_disk() or not stores.store().has_room(ticket.weight):
        return None
    one = sealing.admission(ticket, ticket.facts, ticket.issuer)
    context = one.context = contexts.find(one)
    if context is None or not keys.ready(context.study_key.id):
        return None
    pack = packs.current(context.study)
    if pack is None or not owed.takes(pack):
        return None
    one.study_key, one.patient_key = context.study_key, context.patient_key
    if contexts.claim(context, one.facts.sop_uid) and _put_away(one) and one.place is not None:
        if one.place.pack == pack:
            return one
        contexts.unclaim(context, one.facts.sop_uid)  # Another pack was begun, which bears no mark yet.
    return None


def _put_away(one: Admission) -> bool:
    try:
        sealing.put_away_fresh(one)
    except ArchiveError as error:
        _refuse(one, error)
        return False
    return True


def answer(admissions: list[Admission]) -> None:
    """Answer what was sealed, once it is durable."""
    for one in admissions:
        if one.place is None:
            raise ValueError("nothing was sealed")
        try:
            packs.flush([one.place])  # All of them by the first; each hears of its own pack.
        except ArchiveError as error:
            _refuse(one, error)
        else:
            one.ticket.acknowledge(one.status)
            owed.add(one)


def _refuse(one: Admission, error: ArchiveError) -> None:
    if one.context is not None:
        contexts.unclaim(one.context, one.facts.sop_uid)
    one.ticket.fail(error)
