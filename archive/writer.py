"""The one writer of a process: whoever waits at the same moment shares one flush of the packs and one transaction.

The order is the promise: bytes durable in their packs, then rows, search tokens, access, jobs and events committed in
one durable transaction, then the answers. Rows are made ready while the disk is flushing the packs, and committed after
that. A crash before the commit leaves sealed bytes that no row names; after it, everything.
"""

import logging
import time
from collections import deque
from functools import partial
from threading import Condition, Thread

from django.db import Error as AnyDatabaseError
from django.db import IntegrityError, InterfaceError, OperationalError, connection, connections, transaction

from accounts import scope
from accounts.errors import Refused
from archive import admitting, contexts, flushing, index, packs, record, sealing, senders, stores
from archive.errors import ArchiveError, NotDurable, Unavailable
from archive.flushing import Durable
from archive.jobs import Work
from archive.tickets import Admission, Ticket
from audit import log
from audit.errors import AuditError, LogUnavailable
from keystore.errors import KeystoreError

logger = logging.getLogger(__name__)

MOST_TICKETS = 128
MOST_BYTES = 64 << 20
MOST_BESIDE = 4 << 20
"""Bytes that are flushed beside the transaction, in which nobody else can write meanwhile; more are flushed before."""

MOST_WAITING = 512 << 20
ATTEMPTS = 4
LINGER = 0.001
"""Seconds that are spent on waiting for who is likely to come: what one more transaction would cost."""

WORDS = "The archive cannot store this now; send it again later."


class Writer:
    """A queue and the thread that empties it. Made by `archive.ingest`, one a process."""

    def __init__(self) -> None:
        self._waiting: deque[Ticket] = deque()
        self._bytes = 0
        self._changed = Condition()
        self._ending = False
        self._shared: set[int] = set()  # the threads that handed in what the last transaction held
        self._thread = Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, ticket: Ticket, timeout: float = 30.0) -> None:
        """Queue a ticket; wait while too much is waiting already. Raises Unavailable."""
        with self._changed:
            room = self._changed.wait_for(lambda: self._ending or self._bytes < MOST_WAITING, timeout)
            if self._ending or not room:
                raise Unavailable(WORDS)
            self._bytes += ticket.weight
            self._waiting.append(ticket)
            self._changed.notify_all()

    def stop(self) -> None:
        """Answer what is waiting, then end the thread and give up its database connection."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        try:
            while batch := self._take():
                weights = sum(ticket.weight for ticket in batch)
                self._process(batch)
                if connection.errors_occurred:
                    connection.close()
                with self._changed:
                    self._bytes -= weights
                    self._changed.notify_all()
        finally:
            contexts.forget()
            connections.close_all()

    def _take(self) -> list[Ticket]:
        """The next tickets, at least one, in order of arrival; none once the writer ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending or bool(self._waiting))
            self._linger()
            batch: list[Ticket] = []
            size = 0
            while self._waiting and len(batch) < MOST_TICKETS and (not batch or size < MOST_BYTES):
                batch.append(self._waiting.popleft())
                size += batch[-1].weight
            self._shared = {ticket.thread for ticket in batch}
            return batch

    def _linger(self) -> None:
        """Give those who shared the last transaction a moment to come again, where others came during it or share it.

        Senders wait for their answers: without this, four of them fall into a step of one, three, one, three.
        """
        expected = len(self._shared | self._here())
        if expected > 1:
            self._changed.wait_for(lambda: self._ending or len(self._here()) >= expected, LINGER)

    def _here(self) -> set[int]:
        return {ticket.thread for ticket in self._waiting}

    def _process(self, batch: list[Ticket]) -> None:
        """Answer every ticket of a batch, whatever happens."""
        try:
            pending = batch
            while pending:
                pending = _round(pending)
        except Exception as error:  # noqa: BLE001 - the one place where a thread must outlive whatever went wrong
            logger.error("the writer failed: %s", type(error).__name__)
            for ticket in batch:
                if not ticket.settled:
                    ticket.fail(Unavailable(WORDS))


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
        admissions = [sealing.admission(ticket, ticket.facts) for ticket in tickets if ticket.facts is not None]
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
                promised = _write(admissions, refusals, durable)
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
    for one in admissions:
        one.ticket.succeed(one.status)
    for ticket in refusals:
        ticket.fail(ticket.refusal or Unavailable(WORDS))
    senders.noted(admissions)
    return None


def _write(admissions: list[Admission], refusals: list[Ticket], durable: Durable) -> list[Work]:
    """Everything of one transaction, the record last; return the work it promises."""
    work = admitting.admit(admissions)
    scope.arrived(one.facts.study_uid for one in admissions if not one.repeated)
    events = record.events(admissions, refusals)
    durable()  # Ahead of the log's turn, which nobody may keep while a disk is at work.
    log.append(events)
    return work


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
