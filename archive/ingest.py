"""The way in: an object is bounded, walked, permitted, sealed, made durable, indexed, recorded, and only then answered.

Edges call `submit` for each object and wait on the tickets together, or `store` for a single one.
"""

import atexit
import os
from threading import Lock

from django.utils import timezone

from accounts import gate
from accounts.actors import Actor
from archive import frames, sealing, sop_classes
from archive.dataset import Facts, Outline, facts
from archive.errors import Malformed, Mismatch, Unwanted
from archive.growing import Growing
from archive.tickets import Stored, Ticket
from archive.writer import Writer
from audit.actions import Action

__all__ = [
    "LARGEST",
    "Stored",
    "Ticket",
    "begin",
    "refuse",
    "restore",
    "settle",
    "stop",
    "store",
    "submit",
    "submit_grown",
]

# What cannot be sealed as it arrives is handled in memory, and a pack's record counts its length in 32 bits.
LARGEST = (1 << 31) - 1

_writer: Writer | None = None
_lock = Lock()


def submit(actor: Actor, part10: bytes | bytearray, *, expected_study_uid: str = "", ahead: bool = False) -> Ticket:
    """Hand in one DICOM file (PS3.10), which is the archive's from now on, and return its ticket at once.

    One that may be answered `ahead` is, once it is durable in its pack; its rows follow in a moment (`settle`). What is
    malformed, mismatched or unwanted fails through the ticket, once that is on record. Raises Forbidden when the actor
    may store nothing, and Unavailable when too much is waiting.
    """
    gate.permit(actor, Action.STORE)
    found: Facts | None = None
    try:
        if len(part10) > LARGEST:
            raise Malformed("The object is larger than is accepted.")
        found = facts(part10)
        _require(actor, found, expected_study_uid)
    except (Malformed, Mismatch, Unwanted) as error:
        return _queued(Ticket(actor, timezone.now(), facts=found, error=error))
    table = frames.build(part10, found)
    encoded = frames.encode(table)
    ticket = Ticket(actor, timezone.now(), part10=part10, facts=found, table=encoded, frames=table.count, ahead=ahead)
    return _queued(ticket)


def restore(ticket: Ticket) -> Ticket:
    """Hand in what was acknowledged once and has lost its rows; whether it may be stored was decided then."""
    return _queued(ticket)


def settle(timeout: float = 10.0) -> bool:
    """Wait until the rows are written of all that this process has acknowledged; False where it takes longer."""
    with _lock:
        writer = _writer
    return writer is None or writer.settle(timeout)


def begin(actor: Actor, part10: bytes | memoryview, *, expected_study_uid: str = "") -> Growing | Ticket:
    """Begin to seal an object of which the header is here, up to its pixels; a mismatched or unwanted one has a ticket.

    Raises Malformed where the header alone does not identify the object, which is not on record, and what `submit`
    raises.
    """
    gate.permit(actor, Action.STORE)
    found = facts(part10)
    try:
        _require(actor, found, expected_study_uid)
    except (Mismatch, Unwanted) as error:
        return _queued(Ticket(actor, timezone.now(), facts=found, error=error))
    return sealing.begin(actor, found)


def submit_grown(actor: Actor, outline: Outline, growing: Growing, *, expected_study_uid: str = "") -> Ticket:
    """Hand in an object that was sealed as it arrived, all of it; as `submit`. The ticket closes what has grown."""
    gate.permit(actor, Action.STORE)
    found: Facts | None = None
    try:
        if outline.size > LARGEST:
            raise Malformed("The object is larger than is accepted.")
        walked = outline.mapped()
        found = facts(walked)
        _require(actor, found, expected_study_uid)
    except (Malformed, Mismatch, Unwanted) as error:
        # The frames of a traceback would keep the mapping.
        return _queued(Ticket(actor, timezone.now(), facts=found, growing=growing, error=error.with_traceback(None)))
    table = frames.build(walked, found)
    growing.end()
    encoded = frames.encode(table)
    return _queued(Ticket(actor, timezone.now(), facts=found, table=encoded, frames=table.count, growing=growing))


def store(actor: Actor, part10: bytes, *, expected_study_uid: str = "", timeout: float = 60.0) -> Stored:
    """Store one object and return once it is durable.

    Raises Malformed, Mismatch, Unwanted, Unavailable, Forbidden, or LogUnavailable when the record cannot be written.
    """
    return submit(actor, part10, expected_study_uid=expected_study_uid).result(timeout)


def refuse(actor: Actor, error: Malformed | Mismatch | Unwanted) -> Ticket:
    """Record that an edge could not even make a DICOM file of what it got; the ticket's result raises the error."""
    return _queued(Ticket(actor, timezone.now(), error=error))


def _require(actor: Actor, found: Facts, expected_study_uid: str) -> None:
    if expected_study_uid and found.study_uid != expected_study_uid:
        raise Mismatch("The object belongs to another study than the one it was sent to.")
    if not sop_classes.is_storage(found.sop_class) or not sop_classes.allowed(actor, found.sop_class):
        raise Unwanted("Objects of this SOP class are not taken from this sender.")


def _queued(ticket: Ticket) -> Ticket:
    _current().submit(ticket, timeout=30.0)
    return ticket


def _current() -> Writer:
    global _writer
    with _lock:
        if _writer is None:
            _writer = Writer()
        return _writer


def stop() -> None:
    """Answer what is waiting and end this process's writer. The next `submit` begins another."""
    global _writer
    with _lock:
        writer, _writer = _writer, None
    if writer is not None:
        writer.stop()


def _disown() -> None:
    """A forked child has no writer thread: it begins its own."""
    global _writer, _lock
    _writer, _lock = None, Lock()


os.register_at_fork(after_in_child=_disown)
atexit.register(stop)
