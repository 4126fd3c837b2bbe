"""Who may no longer speak is hung up on, also where nothing is said: asked whenever rights may have changed.

A message is asked about anyway before it is served (`archive.dimse.store.present`); this ends associations at rest.
"""

import logging
import socket
from collections.abc import Callable, Iterable
from dataclasses import replace
from threading import Event
from time import monotonic
from typing import Final

from django.db import Error as DatabaseFault
from django.db import connections

from accounts import epoch, identify
from archive.dimse.crowd import Connection
from audit.errors import LogUnavailable

logger = logging.getLogger("archive.dimse")

EVERY_SECONDS: Final = 0.5
"""With the access epoch read once a second, whoever was revoked is gone within two."""

AFRESH_SECONDS: Final = 20.0
"""How often everybody is asked about though no right has changed: certificates end by themselves."""


def watch(ending: Event, associated: Callable[[], Iterable[Connection]]) -> None:
    """Hang up on devices whose rights have gone, until `ending`; the function of a thread."""
    seen, asked_at = -1, monotonic()
    while not ending.wait(EVERY_SECONDS):
        try:
            number = epoch.number()
            if number != seen or monotonic() - asked_at >= AFRESH_SECONDS:
                for connection in associated():
                    look(connection)
                seen, asked_at = number, monotonic()
        except (DatabaseFault, LogUnavailable):
            # Nobody can say who may speak; messages are refused meanwhile, and this is asked again.
            logger.debug("rights could not be read")
        except Exception:
            logger.exception("a look at who may speak met a defect")
        finally:
            connections.close_all()


def look(connection: Connection) -> None:
    """Hang up if the device of this connection may no longer speak. Raises where nobody can say."""
    actor = connection.actor
    # As if it were known from before every change, so that its row is read.
    if actor is not None and not identify.current(replace(actor, as_of=-1)).verified:
        logger.info("an association was ended: the device may no longer speak")
        # Reading ends, writing does not: the peer is told by an A-ABORT.
        connection.hang_up(socket.SHUT_RD)
