"""Rounds of the writer: what came together shares one flush of the packs and one transaction.

The order is the promise: bytes durable in their packs, then rows, search tokens, access, jobs and events committed in
one durable transaction, then the answers. Rows are made ready while the disk is flushing the packs, and committed after
that. A crash before the commit leaves sealed bytes that no row names; after it, everything.

Objects like others before them may be answered once their bytes are durable, where what becomes of their rows after a
crash is settled beforehand (`archive.owed`); their rows follow within a fraction of a second, many in one transaction.
"""

import logging
import time
from functools import partial
from uuid import UUID

from django.db import Error as AnyDatabaseError
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction

from accounts import scope
from accounts.errors import Refused
from archive import admitting, flushing, index, owed, packs, record, sealing, senders, stores
from archive.errors import ArchiveError, NotDurable, Unavailable
from archive.flushing import Durable
from archive.jobs import Work
from archive.tickets import Admission, Ticket
from audit import log
from audit.errors import AuditError, LogUnavailable
from keystore.errors import KeystoreError

logger = logging.getLogger(__name__)

MOST_BESIDE = 4 << 20
"""Bytes that are flushed beside the transaction, in which nobody else can write meanwhile; more are flushed before."""

ATTEMPTS = 4
WORDS = "The archive cannot store this now; send it again later."


def run(batch: list[Ticket]) -> None:
    """Answer every ticket of a batch; what had to wait for another's round comes in a later one."""
    pending = batch
    while pending:
        pending = _round(pending)


def settle() -> None:
    """Write the rows that are owed. What cannot be written stays owed; what was overtaken is stored anew."""
    admissions, anew = owed.taken()
    if not admissions and not anew:
        return
    left: list[Admission] = []
    if admissions and (error := _attempt(admissions, [], _nothing)) is not None:
        left = admissions
        if not isinstance(error, LogUnavailable | OperationalError | InterfaceError):
            left, anew = _each(admissions, anew)
    for ticket in anew:
        # Somebody was first, or the study has another key: what was kept of it is sealed again, and judged.
        ticket.ahead = False
        try:
            run([ticket])
        except Exception as error:  # noqa: BLE001 - it stays owed, and its neighbours are not to suffer
            logger.error("an acknowledged object could not be stored anew: %s", type(error).__name__)
    anew = [ticket for ticket in anew if ticket.owed]
    owed.tried(left, anew)
    if left or anew:
        logger.error("the rows of acknowledged objects cannot be written yet; they are tried again")


def _each(admissions: list[Admission], anew: list[Ticket]) -> tuple[list[Admission], list[Ticket]]:
    """Rows written one by one: those that fail for now, and the objects that are to be stored anew."""
    left: list[Admission] = []
    for one in admissions:
        error = _attempt([one], [], _nothing)
        if isinstance(error, IntegrityError | Unavailable):
            anew.append(one.ticket)
        elif error is not None:
            left.append(one)
    return left, anew


def _round(batch: list[Ticket]) -> list[Ticket]:
    """Store each UID of a batch once; return what is to be tried again: its repetitions, and who lost a race."""
    first: dict[str, Ticket] = {}
    later: list[Ticket] = []
    refusals: list[Ticket] = []
    for ticket in batch:
        if ticket.facts is None or ticket.refusal is not None:
            refusals.append(ticket)
        elif first.setdefault(ticket.facts.sop_uid, ticket) is not ticket:
            later.append(ticket)
    return later + _store(list(first.values()), refusals)


def _store(tickets: list[Ticket], refusals: list[Ticket]) -> list[Ticket]:
    try:
        if not stores.store().has_room(sum(ticket.weight for ticket in tickets)):
            raise Unavailable("The archive is nearly full; it takes nothing new until there is room.")
        if owed.holds({ticket.facts.sop_uid for ticket in tickets if ticket.facts is not None}):
            settle()  # so that the index knows what it is a copy of
        admissions = [
            sealing.admission(ticket, ticket.facts, ticket.issuer) for ticket in tickets if ticket.facts is not None
        ]
        admissions = _appended(admissions)
        durable = _flushed(admissions)
    except (ArchiveError, AuditError, KeystoreError, AnyDatabaseError, OSError) as error:
        if isinstance(error, OperationalError | InterfaceError):
            # A database that was restarted answers on a new connection.
            connection.close()
            return _again(tickets, error) + _commit([], refusals, _nothing)
        for ticket in tickets:
            if not ticket.settled:
                ticket.fail(_spoken(error))
        return _commit([], refusals, _nothing)
    return _commit(admissions, refusals, durable)


def _nothing() -> None:
    """Nothing is to be made durable."""


def _appended(admissions: list[Admission]) -> list[Admission]:
    """Seal and append; answer those that failed and return the others."""
    failed = sealing.put_away(admissions)
    for number, error in failed.items():
        admissions[number].ticket.fail(_spoken(error))
    return [one for number, one in enumerate(admissions) if number not in failed]


def _flushed(admissions: list[Admission]) -> Durable:
    """Flush, or have what is little flushed while its rows are written. Raises Unavailable."""
    places = [one.place for one in admissions if one.place is not None]
    if not places:
        return _nothing
    if stores.on_disk() and sum(place.length for place in places) <= MOST_BESIDE:
        return flushing.begin(places)
    packs.flush(places)
    return _nothing


def _commit(admissions: list[Admission], refusals: list[Ticket], durable: Durable) -> list[Ticket]:
    """Commit everybody's rows at once, or one by one where that fails, so that a bad one fails alone."""
    if not admissions and not refusals:
        return []
    error = _attempt(admissions, refusals, durable)
    if error is None:
        return []
    if len(admissions) + len(refusals) == 1 or isinstance(error, LogUnavailable):
        return _lost(admissions, refusals, error)
    again: list[Ticket] = []
    for one in admissions:
        again += _commit([one], [], partial(packs.flush, [one.place] if one.place is not None else []))
    for refusal in refusals:
        again += _commit([], [refusal], _nothing)
    return again


def _attempt(admissions: list[Admission], refusals: list[Ticket], durable: Durable) -> Exception | None:
    """One transaction, tried again a few times where two of them only met; answers everybody when it has committed."""
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic(durable=True):
                promised, marked = _write(admissions, refusals, durable)
            break
        except (OperationalError, InterfaceError) as error:
            # A deadlock, a serialization failure or a lost connection on Postgres; a write turn not got on SQLite.
            found: Exception = error
            connection.close()
            time.sleep(0.01 * 4**attempt)
        except Exception as error:  # noqa: BLE001 - whatever one object does, it must not take its neighbours with it
            return error
    else:
        return found
    index.committed(admissions, promised)
    owed.marked(marked)
    for one in admissions:
        one.ticket.succeed(one.status)
    for ticket in refusals:
        ticket.fail(ticket.refusal or Unavailable(WORDS))
    senders.noted(admissions)
    return None


def _write(admissions: list[Admission], refusals: list[Ticket], durable: Durable) -> tuple[list[Work], set[UUID]]:
    """Everything of one transaction, the record last; return the work it promises, and the packs that it marks."""
    work = admitting.admit(admissions)
    marked = owed.mark(admissions)
    scope.arrived(one.facts.study_uid for one in admissions if not one.repeated)
    events = record.events(admissions, refusals)
    durable()  # Ahead of the log's turn, which nobody may keep while a disk is at work.
    log.append(events)
    return work, marked


def _lost(admissions: list[Admission], refusals: list[Ticket], error: Exception) -> list[Ticket]:
    """What cannot be committed: tried anew from the start when another process was first, else answered with why."""
    for refusal in refusals:
        refusal.fail(_spoken(error))
    tickets = [one.ticket for one in admissions]
    if isinstance(error, IntegrityError | Unavailable) and not isinstance(error, NotDurable):
        return _again(tickets, error)
    for ticket in tickets:
        ticket.fail(_spoken(error))
    return []


def _again(tickets: list[Ticket], error: Exception) -> list[Ticket]:
    """Those that may be tried once more; the others are answered."""
    left: list[Ticket] = []
    for ticket in tickets:
        ticket.attempts += 1
        if ticket.attempts < ATTEMPTS:
            left.append(ticket)
        else:
            ticket.fail(_spoken(error))
    return left


def _spoken(error: Exception) -> Exception:
    """The error as the sender may see it."""
    if isinstance(error, ArchiveError | AuditError | Refused):
        return error
    logger.error("an object could not be stored: %s", type(error).__name__)
    return Unavailable(WORDS)
