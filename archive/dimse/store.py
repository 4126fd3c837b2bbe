"""C-STORE and C-ECHO: from a message to the service that decides, and back to a status."""

import logging
from contextlib import suppress

from django.db import Error as DatabaseFault
from django.db import close_old_connections

from accounts import failures, identify, refused_devices
from accounts.actors import Actor
from accounts.errors import Refused
from archive import ingest
from archive.dataset import part10
from archive.dimse import statuses
from archive.dimse.commands import Command
from archive.dimse.contexts import VERIFICATION
from archive.dimse.errors import Withdrawn
from archive.dimse.messages import Message
from archive.dimse.negotiation import Answer
from archive.errors import Malformed, Unavailable, Unwanted
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
    """C-STORE (PS3.4 Annex B): Success once the sealed object and its rows are durable, and not before."""
    command = message.command
    try:
        _require(message, context, actor)
        kept = part10(
            message.dataset, command.sop_class, command.sop_uid, context.transfer_syntax, source_ae=actor.ae_title
        )
        message.dataset = bytearray()
        ingest.submit(actor, kept).result()
    except Exception as error:  # noqa: BLE001 - whatever it was, the sender gets a status and the association lives.
        return _failed(error, actor)
    finally:
        close_old_connections()
    return SUCCESS


def _require(message: Message, context: Answer, actor: Actor) -> None:
    """Refuse, on record, what cannot even be made a file."""
    if message.command.sop_class != context.abstract_syntax or context.abstract_syntax == VERIFICATION:
        ingest.refuse(actor, Unwanted("The SOP class is not that of the presentation context.")).result()
    if message.too_large:
        raise Unavailable("The object is larger than this archive can take now.")
    if not message.dataset:
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
