"""The one writer of a process: whoever waits at the same moment shares one round (`archive.rounds`).

Between rounds it writes the rows that are owed (`archive.owed`), when they are due or somebody waits for them.
"""

import logging
from collections import deque
from threading import Condition, Thread

from django.db import Error as AnyDatabaseError
from django.db import connection, connections

from archive import ahead, contexts, owed, rounds
from archive.errors import Unavailable
from archive.rounds import WORDS
from archive.tickets import Ticket

logger = logging.getLogger(__name__)

MOST_TICKETS = 128
MOST_BYTES = 64 << 20
MOST_WAITING = 512 << 20
LINGER = 0.001
"""Seconds that are spent on waiting for who is likely to come: what one more transaction would cost."""


class Writer:
    """A queue and the thread that empties it. Made by `archive.ingest`, one a process."""

    def __init__(self) -> None:
        self._waiting: deque[Ticket] = deque()
        self._bytes = 0
        self._changed = Condition()
        self._ending = False
        self._asked = self._paid = 0  # of those who wait for what is owed: how many came, and have heard
        self._batch: list[Ticket] = []  # what was taken last
        self._joined = False  # whether somebody came while it was being answered
        self._thread = Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, ticket: Ticket, timeout: float = 30.0) -> None:
        """Queue a ticket; wait while too much is waiting already. Raises Unavailable."""
        with self._changed:
            room = self._changed.wait_for(lambda: self._ending or self._bytes < MOST_WAITING, timeout)
            if self._ending or not room:
                raise Unavailable(WORDS)
            self._bytes += ticket.weight
            self._joined = self._joined or not all(one.settled for one in self._batch)
            self._waiting.append(ticket)
            self._changed.notify_all()

    def settle(self, timeout: float) -> bool:
        """Have the rows written of everything that was answered by now, and wait for that; False where it takes longer.

        Packs lose their marks with it, so that nothing is left to be looked through.
        """
        with self._changed:
            self._asked += 1
            mine = self._asked
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._ending or self._paid >= mine, timeout)

    def stop(self) -> None:
        """Answer what is waiting, write what is owed, end the thread and give up its database connection."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        try:
            while (batch := self._take()) is not None:
                weights = sum(ticket.weight for ticket in batch)
                self._process(batch)
                self._pay()
                if connection.errors_occurred:
                    connection.close()
                with self._changed:
                    self._bytes -= weights
                    self._changed.notify_all()
            rounds.settle()
            _unmark(resting=False)
        finally:
            contexts.forget()
            owed.forget()
            connections.close_all()

    def _pay(self) -> None:
        """Write what is owed, where that is due or somebody waits for it."""
        asked = self._asked
        hurried = asked > self._paid
        if hurried or owed.due():
            rounds.settle()
        _unmark(resting=not hurried)
        if hurried:
            with self._changed:
                self._paid = asked

    def _take(self) -> list[Ticket] | None:
        """The next tickets in order of arrival; none where what is owed comes first, None once the writer ends."""
        with self._changed:
            while not self._called():
                patience = owed.patience()
                if patience == 0.0:
                    return []
                self._changed.wait(patience)
            if self._ending and not self._waiting:
                return None
            if not self._waiting:
                return []
            self._linger()
            batch: list[Ticket] = []
            size = 0
            while self._waiting and len(batch) < MOST_TICKETS and (not batch or size < MOST_BYTES):
                batch.append(self._waiting.popleft())
                size += batch[-1].weight
            self._batch, self._joined = batch, False
            return batch

    def _called(self) -> bool:
        return self._ending or self._asked > self._paid or bool(self._waiting)

    def _linger(self) -> None:
        """Give those who shared the last transaction a moment to come again, where others came during it or share it.

        Senders wait for their answers: without this, four of them fall into a step of one, three, one, three. Where
        nobody came during it, a thread that was not among them may speak for one who was: a server takes whichever is
        free for each request.
        """
        shared, here = {ticket.thread for ticket in self._batch}, self._here()
        expected = len(shared | here) if self._joined else max(len(shared), len(here))
        if expected > 1:
            self._changed.wait_for(lambda: self._ending or len(self._here()) >= expected, LINGER)

    def _here(self) -> set[int]:
        return {ticket.thread for ticket in self._waiting}

    def _process(self, batch: list[Ticket]) -> None:
        """Answer every ticket of a batch, whatever happens."""
        try:
            rest = _ahead(batch)
            if rest:
                rounds.run(rest)
        except Exception as error:  # noqa: BLE001 - the one place where a thread must outlive whatever went wrong
            logger.error("the writer failed: %s", type(error).__name__)
            for ticket in batch:
                if not ticket.settled:
                    ticket.fail(Unavailable(WORDS))


def _ahead(batch: list[Ticket]) -> list[Ticket]:
    """Answer what may be answered ahead of its rows; return what goes the whole way."""
    sealed = [one for ticket in batch if (one := ahead.prepared(ticket)) is not None]
    ahead.answer(sealed)
    return [ticket for ticket in batch if not ticket.settled]


def _unmark(*, resting: bool) -> None:
    try:
        owed.unmark(resting=resting)
    except AnyDatabaseError as error:
        connection.close()
        logger.warning("packs could not lose their marks: %s", type(error).__name__)
