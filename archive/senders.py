"""What is noted of a device once its objects are stored: when the last one came, and which machine made it."""

import logging
import time
from collections.abc import Iterable
from threading import Lock
from typing import Final

from django.db import Error as DatabaseFault
from django.utils import timezone

from accounts import devices, equipment
from archive.tickets import Admission

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 60.0
_lock = Lock()
_noted: dict[str, float] = {}


def forget() -> None:
    """Note the next object of everybody at once."""
    with _lock:
        _noted.clear()


def noted(admissions: Iterable[Admission]) -> None:
    """Note what these objects, stored and answered, say of their senders. Never raises: it is no part of storing."""
    try:
        for one in admissions:
            if one.actor.kind == "device":
                _note(one)
    except DatabaseFault as error:
        logger.warning("what was sent could not be noted of its device: %s", type(error).__name__)


def _note(one: Admission) -> None:
    if one.context is None:  # What is like others before it comes from the same machine.
        text = one.facts.text
        headers = equipment.Headers(text("maker"), text("model"), text("serial"), text("station"), text("software"))
        equipment.seen(one.actor.id, headers)
    now = time.monotonic()
    with _lock:
        due = now - _noted.get(one.actor.id, -EVERY_SECONDS) >= EVERY_SECONDS
        if due:
            _noted[one.actor.id] = now
    if due:
        devices.sent(one.actor.id, timezone.now())
