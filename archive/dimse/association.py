"""One association from its request to its end (PS3.8 §9.2): one thread, one socket, nothing shared."""

import logging
import ssl
from collections.abc import Callable
from typing import Final

from django.db import connections

from accounts.actors import Actor
from archive.arriving import Arrival
from archive.dimse import admission, commands, contexts, pdus, secure, statuses, store
from archive.dimse.commands import Command
from archive.dimse.crowd import Connection
from archive.dimse.errors import Broken, Gone, Rejected, TooSlow, Untrusted, Withdrawn
from archive.dimse.messages import Assembly, Message
from archive.dimse.negotiation import Answer, Request, acceptance, read_request
from archive.dimse.wire import Wire
from archive.room import Share

logger = logging.getLogger("archive.dimse")

ASSOCIATE_SECONDS: Final = 10.0
"""From the connection to its whole association request, however it drips."""

IDLE_SECONDS: Final = 300.0
"""How long an association may rest between two messages: modalities keep one open while they acquire."""


class Association:
    """An accepted association: what was negotiated, and the messages in it."""

    def __init__(self, wire: Wire, connection: Connection, actor: Actor, request: Request) -> None:
        self._wire, self._connection, self._actor, self._request = wire, connection, actor, request
        self._answers = [contexts.answer(proposal, actor) for proposal in request.proposals]
        self._accepted = {answer.id: answer for answer in self._answers if answer.accepted}

    def run(self) -> None:
        """Accept, and serve messages until the peer releases or aborts."""
        admission.record_association(self._actor, self._request, self._answers)
        # Between messages an association holds no database connection: there may be many of them.
        connections.close_all()
        self._wire.write(acceptance(self._request, self._answers))
        assembly = Assembly(head=self._head, begin=self._begin)
        try:
            while self._serve(assembly):
                pass
        finally:
            assembly.release()

    def _serve(self, assembly: Assembly) -> bool:
        """Read one PDU and do what it says; False at the end of the association."""
        if not assembly.open:
            self._connection.rest()
        pdu = self._wire.read(IDLE_SECONDS if not assembly.open else ASSOCIATE_SECONDS * 3)
        self._connection.work()
        if pdu.kind == pdus.DATA:
            for fragment in pdus.fragments(pdu.body):
                if message := assembly.add(fragment):
                    self._answer(message)
                    assembly.release()
            return True
        if pdu.kind == pdus.RELEASE_RQ:
            store.settle()
            self._wire.write(pdus.RELEASED)
            return False
        if pdu.kind == pdus.ABORT:
            return False
        raise Broken("This PDU has no place in an association.")

    def _context(self, context_id: int) -> Answer:
        """The presentation context of a message. Raises Broken."""
        context = self._accepted.get(context_id)
        if context is None:
            raise Broken("The message names a presentation context that was not accepted.")
        return context

    def _head(self, context_id: int, command: Command) -> bytes:
        return store.head(command, self._context(context_id), self._actor)

    def _begin(self, message: Message, share: Share, largest: int) -> Arrival | None:
        """What takes the large data set of a message that is still arriving, for the device with its rights of now."""
        self._actor = store.present(self._actor)
        return store.begin(message, share, largest, self._context(message.context_id), self._actor)

    def _answer(self, message: Message) -> None:
        context = self._context(message.context_id)
        command = message.command
        if not command.is_request or command.field == commands.C_CANCEL_RQ:
            # We ask nothing and search nothing here: a response or a cancellation has nothing to refer to.
            return
        status, comment = self._outcome(command, context, message)
        encoded = commands.response(command, status, comment)
        self._wire.write(pdus.command(message.context_id, encoded, self._request.longest))

    def _outcome(self, command: Command, context: Answer, message: Message) -> tuple[int, str]:
        self._actor = store.present(self._actor)
        if command.field == commands.C_STORE_RQ:
            return store.store(message, context, self._actor)
        if command.field == commands.C_ECHO_RQ:
            return store.echo(command, context)
        return statuses.UNRECOGNIZED_OPERATION, "This archive does not do this here."


def serve(connection: Connection, context: ssl.SSLContext | None = None) -> None:
    """Serve one connection to its end, over TLS where there is a context; the function of its thread.

    Whatever happens, the socket is closed.
    """
    try:
        certificate = secure.handshake(connection, context) if context else ""
        wire = Wire(connection.socket)
        _ended_well(wire, lambda: _negotiate(wire, connection, certificate))
    except Untrusted as error:
        # TLS has sent its alert.
        admission.record_handshake(connection.address, str(error), error.code)
    except OSError:
        # The peer was gone before it began.
        logger.debug("a connection ended before its association")
    finally:
        connection.close()
        connections.close_all()


def _negotiate(wire: Wire, connection: Connection, certificate: str) -> None:
    pdu = wire.read(ASSOCIATE_SECONDS, whole=ASSOCIATE_SECONDS)
    if pdu.kind != pdus.ASSOCIATE_RQ:
        raise Broken("An association begins with its request.")
    request = read_request(pdu.body)
    try:
        actor = admission.admit(request, connection.address, certificate)
        if not connection.associate(actor):
            raise Rejected(admission.CROWDED)
    except Rejected as rejected:
        why = rejected.rejection
        admission.record_refusal(request, connection.address, why, certificate)
        wire.write(pdus.rejection(why.result, why.source, why.reason))
        return
    Association(wire, connection, actor, request).run()


def _ended_well(wire: Wire, act: Callable[[], None]) -> None:
    """Do it, and tell the peer with an A-ABORT when it ends before its time."""
    try:
        act()
    except Gone:
        # Closed by the peer, or by us when the program ends: the abort then says so, and else goes nowhere.
        _abort(wire, pdus.BY_PROVIDER, pdus.NOT_SPECIFIED)
    except TooSlow as error:
        logger.info("a connection was dropped: %s", error)
        _abort(wire, pdus.BY_PROVIDER, pdus.NOT_SPECIFIED)
    except Broken as error:
        logger.info("a connection was dropped: %s", error)
        _abort(wire, pdus.BY_PROVIDER, pdus.INVALID_VALUE)
    except Withdrawn as error:
        logger.info("an association was ended: %s", error)
        _abort(wire, pdus.BY_USER, pdus.NOT_SPECIFIED)
    except Exception:
        logger.exception("an association met a defect")
        _abort(wire, pdus.BY_PROVIDER, pdus.NOT_SPECIFIED)


def _abort(wire: Wire, source: int, reason: int) -> None:
    try:
        wire.write(pdus.abortion(source, reason))
    except (Gone, TooSlow):
        logger.debug("the peer of an aborted association was gone")
