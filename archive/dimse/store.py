"""C-STORE and C-ECHO: from a message to the service that decides, and back to a status."""

import logging
from contextlib import suppress

from django.db import Error as DatabaseFault
from django.db import connections

from accounts import failures, identify, refused_devices
from accounts.actors import Actor
from accounts.errors import Refused
from archive import ingest
from archive.arriving import Arrival
from archive.dataset import file_head
from archive.dimse import commands, statuses
from archive.dimse.commands import Command
from archive.dimse.contexts import VERIFICATION
from archive.dimse.errors import Withdrawn
from archive.dimse.messages import Message
from archive.dimse.negotiation import Answer
from archive.errors import Malformed, Unavailable, Unwanted
from archive.ingest import Ticket
from archive.room import Share
from audit.errors import LogUnavailable

logger = logging.getLogger("archive.dimse")

Outcome = tuple[int, str]
SUCCESS: Outcome = (statuses.SUCCESS, "")


def echo(command: Command, context: Answer) -> Outcome:
    """C-ECHO (PS3.7 §9.1.5): the association proves what there is to prove."""
    if not command.sop_class == context.abstract_syntax == VERIFICATION:
        return statuses.CLASS_NOT_SUPPORTED, "This is not the context of verification."
    return SUCCESS


def store(message: Message, context: Answer, actor: Actor) -> Outcome:
    """C-STORE (PS3.4 Annex B): Success once the sealed object would survive a power cut, and its rows with it.

    Rows may follow in a moment: they are written by `settle` at the latest (`archive.owed`).
    """
    try:
        _require(message, context, actor)
        _submitted(message, actor).result()
    except Exception as error:  # noqa: BLE001 - whatever it was, the sender gets a status and the association lives.
        return _failed(error, actor)
    finally:
        if message.arrival is not None:
            message.arrival.drop()
        connections.close_all()
    return SUCCESS


def head(command: Command, context: Answer, actor: Actor) -> bytes:
    """What makes a file (PS3.10) of the data set that follows a command."""
    return file_head(command.sop_class, command.sop_uid, context.transfer_syntax, source_ae=actor.ae_title)


def begin(message: Message, share: Share, largest: int, context: Answer, actor: Actor) -> Arrival | None:
    """What takes the file of a C-STORE that is large; None where the message will be refused whatever it holds."""
    command = message.command
    if command.field != commands.C_STORE_RQ or command.sop_class != context.abstract_syntax:
        return None
    return Arrival(actor, share, largest=largest)


def settle() -> None:
    """Return once everybody can find what was acknowledged, or once that takes too long to be waited for."""
    ingest.settle()


def _submitted(message: Message, actor: Actor) -> Ticket:
    if message.arrival is not None:
        return message.arrival.end(actor)
    return ingest.submit(actor, message.file.taken(), ahead=True)


def _require(message: Message, context: Answer, actor: Actor) -> None:
    """Refuse, on record, what cannot even be made a file."""
    if message.command.sop_class != context.abstract_syntax or context.abstract_syntax == VERIFICATION:
        ingest.refuse(actor, Unwanted("The SOP class is not that of the presentation context.")).result()
    if message.too_large:
        raise Unavailable("The object is larger than this archive can take now.")
    if not message.has_data:
        ingest.refuse(actor, Malformed("The data set is missing.")).result()


def present(actor: Actor) -> Actor:
    """Return the device with its rights of now, asked between messages; raises Withdrawn when it may no longer speak.

    While rights cannot be read the device stays as it was: the services ask again and refuse.
    """
    try:
        now = identify.current(actor)
    except (DatabaseFault, LogUnavailable):
        return actor
    if not now.verified:
        raise Withdrawn("The device was switched off.")
    return now


def _failed(error: Exception, actor: Actor) -> Outcome:
    outcome = statuses.status(error)
    if isinstance(error, Unwanted | Refused):
        with suppress(DatabaseFault):
            code = failures.SOP_CLASS if isinstance(error, Unwanted) else failures.SERVICE
            refused_devices.note(actor.id, code, actor.address)
    if outcome[0] == statuses.PROCESSING_FAILURE:
        logger.error("an object could not be stored: %s", type(error).__name__)
    return outcome
