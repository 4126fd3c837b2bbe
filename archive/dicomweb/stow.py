"""STOW-RS (PS3.18 §10.5): each part of the request is handed in as it arrives, and all are answered together."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.errors import Refused
from archive import ingest
from archive.arriving import Arrival
from archive.dicomweb import accept, choices
from archive.dicomweb.body import drain, reader
from archive.dicomweb.choices import DICOM
from archive.dicomweb.parts import (
    CHUNK,
    Large,
    Offer,
    Read,
    Received,
    Taker,
    TooLarge,
    Unreadable,
    boundary_of,
    read_parts,
)
from archive.dicomweb.problems import RETRY_AFTER, WrongType, problem
from archive.dicomweb.requests import accepted, actor_of, root
from archive.errors import ArchiveError, Malformed, Mismatch, Unavailable, Unwanted
from archive.ingest import Stored, Ticket
from archive.room import Share
from audit.errors import AuditError

MOST_BODY: Final = 64 << 30
MOST_PART: Final = ingest.LARGEST
WAITING_BYTES: Final = 256 << 20
"""Bytes of one request that may wait for the writer before more of it is read."""

WAIT_SECONDS: Final = 60.0
NO_ROOM: Final = "There is no room for so large an object now."

# PS3.18 Table 10.5.3-1 and PS3.4 Annex GG: failure reasons.
OUT_OF_RESOURCES: Final = 0xA700
MISMATCH: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000
PROCESSING: Final = 0x0110
UNSUPPORTED_CLASS: Final = 0x0122
NOT_AUTHORISED: Final = 0x0124

_REASONS: Final[tuple[tuple[type[Exception], int], ...]] = (
    (Mismatch, MISMATCH),
    (Unwanted, UNSUPPORTED_CLASS),
    (Malformed, CANNOT_UNDERSTAND),
    (Refused, NOT_AUTHORISED),
    (Unavailable, OUT_OF_RESOURCES),
    (AuditError, OUT_OF_RESOURCES),
    (ArchiveError, PROCESSING),
)


@dataclass
class Outcome:
    """What became of a request: what was stored, and for each failure its reason and, where known, its identity."""

    stored: list[Stored] = field(default_factory=list)
    failed: list[tuple[int, str, str]] = field(default_factory=list)
    broken: Exception | None = None  # the message itself could not be read to its end

    @property
    def reasons(self) -> list[int]:
        """Why what cannot be named was not stored."""
        reasons = [reason for reason, _, uid in self.failed if not uid]
        if self.broken is not None:
            reasons.append(OUT_OF_RESOURCES if isinstance(self.broken, Unavailable) else CANNOT_UNDERSTAND)
        return reasons

    @property
    def status(self) -> int:
        """PS3.18 §10.5.3.1, with 503 where everything failed only for want of resources or record."""
        reasons = {reason for reason, _, _ in self.failed}
        if self.stored:
            return 202 if self.failed or self.broken else 200
        if isinstance(self.broken, Unavailable):
            return 503
        if isinstance(self.broken, TooLarge):
            return 413
        if self.broken is not None or reasons <= {CANNOT_UNDERSTAND}:
            return 400
        return 503 if reasons == {OUT_OF_RESOURCES} else 409


@dataclass
class Intake:
    """A request on its way in: what waits for the writer, how many bytes of it, and the memory held for all of it."""

    outcome: Outcome = field(default_factory=Outcome)
    waiting: list[Ticket | Exception] = field(default_factory=list)
    weight: int = 0
    share: Share = field(default_factory=Share)


def store(request: HttpRequest, study: str = "") -> HttpResponse:
    """Store what the request holds; with a study UID, only what belongs to that study."""
    content_type = choices.json_type(accepted(request))
    read, intake = reader(request, most_bytes=MOST_BODY), Intake()
    try:
        actor = actor_of(request)
        offer = _offer(intake, actor, study)
        _take_in(intake, actor, _parts(request, _bounded(read, intake), offer), study)
    finally:
        intake.share.release()
        drain(read)
    outcome = intake.outcome
    if outcome.broken is not None and not outcome.stored and not outcome.failed:
        raise outcome.broken
    return _answer(outcome, root(request), content_type)


def _parts(request: HttpRequest, read: Read, offer: Offer) -> Iterator[Received]:
    """The objects in the request: the parts of a multipart message, or the body where it is one object."""
    media_type, parameters = accept.media_type(request.META.get("CONTENT_TYPE", ""))
    if media_type == DICOM:
        return _whole(read, parameters, offer)
    if media_type != "multipart/related":
        raise WrongType(_('Send multipart/related; type="application/dicom", or one application/dicom object.'))
    if parameters.get("type", DICOM).lower() != DICOM:
        raise WrongType(_("Only parts of the type application/dicom can be stored."))
    return read_parts(read, boundary_of(parameters), most_bytes=MOST_PART, offer=offer)


def _whole(read: Read, parameters: dict[str, str], offer: Offer) -> Iterator[Received]:
    body, size, large = bytearray(), 0, Large(DICOM, offer)
    try:
        while chunk := read(CHUNK):
            body += chunk
            size += len(chunk)
            if size > MOST_PART:
                raise TooLarge("The object is too large.")
            with memoryview(body) as view:
                taken = large.take(view)
            if taken:
                body.clear()
    except BaseException:
        large.drop()
        raise
    yield Received(DICOM, parameters, bytes(body), large.taker)


class Passing:
    """A large object of a request, sealed as it arrives; what has passed takes nothing of the request's memory."""

    def __init__(self, intake: Intake, actor: Actor, study: str) -> None:
        self._share, self._actor = intake.share, actor
        self.arrival = Arrival(actor, intake.share, largest=MOST_PART, expected_study_uid=study)

    def add(self, data: memoryview) -> None:
        """Take the next bytes, which were counted when they were read."""
        self._share.shrink(len(data))
        self.arrival.add(data)

    def end(self) -> Ticket:
        """Hand it in."""
        try:
            return self.arrival.end(self._actor)
        finally:
            self.arrival.drop()

    def drop(self) -> None:
        """Leave nothing of it."""
        self.arrival.drop()


def _offer(intake: Intake, actor: Actor, study: str) -> Offer:
    """Who takes an object that turns out to be large; nobody where it must be gathered."""

    def offered(media_type: str, data: memoryview) -> Taker | None:
        if media_type not in ("", DICOM):
            return None
        passing = Passing(intake, actor, study)
        passing.add(data)
        if passing.arrival.passes:
            return passing
        passing.drop()
        if not intake.share.grow(len(data)):
            raise Unavailable(NO_ROOM)
        return None

    return offered


def _bounded(read: Read, intake: Intake) -> Read:
    """Return the same reader, which raises Unavailable once all senders together would hold too much memory."""

    def bounded(n: int) -> bytes:
        chunk = read(n)
        if not intake.share.grow(len(chunk)):
            # What was handed in and is still waiting may make the room that is wanted.
            _settle(intake)
            if not intake.share.grow(len(chunk)):
                raise Unavailable(NO_ROOM)
        return chunk

    return bounded


def _take_in(intake: Intake, actor: Actor, parts: Iterator[Received], study: str) -> None:
    """Hand in one part after the other while the next is read; wait for all."""
    try:
        for part in parts:
            if part.media_type in ("", DICOM):
                intake.waiting.append(_submitted(actor, part, study))
            else:
                intake.outcome.failed.append((CANNOT_UNDERSTAND, "", ""))
            intake.weight += len(part.body)
            # What was sealed as it arrived holds a file open until it is settled.
            if intake.weight > WAITING_BYTES or part.taker is not None:
                _settle(intake)
    except (Unreadable, TooLarge, Unavailable) as error:
        # The frames of a traceback would keep what was read in memory.
        intake.outcome.broken = error.with_traceback(None)
    _settle(intake)


def _submitted(actor: Actor, part: Received, study: str) -> Ticket | Exception:
    try:
        if isinstance(part.taker, Passing):
            return part.taker.end()
        return ingest.submit(actor, part.body, expected_study_uid=study)
    except (ArchiveError, AuditError) as error:
        return error


def _settle(intake: Intake) -> None:
    """Wait for what was handed in; its memory is free then."""
    outcome = intake.outcome
    for ticket in intake.waiting:
        try:
            if isinstance(ticket, Exception):
                raise ticket
            outcome.stored.append(ticket.result(WAIT_SECONDS))
        except (ArchiveError, AuditError, Refused) as error:
            facts = ticket.facts if isinstance(ticket, Ticket) else None
            reason = next(code for kind, code in _REASONS if isinstance(error, kind))
            outcome.failed.append((reason, facts.sop_class if facts else "", facts.sop_uid if facts else ""))
    intake.share.shrink(intake.weight)
    intake.waiting, intake.weight = [], 0


def _answer(outcome: Outcome, base: str, content_type: str) -> HttpResponse:
    """The Store Instances Response Module (PS3.18 §10.5.3.2) as DICOM JSON, its media type without a charset."""
    if outcome.status == 503:
        return problem(503, _("The archive cannot store this now. Send it again in a few seconds."))
    body: dict[str, Any] = {}
    studies = {one.study_uid for one in outcome.stored}
    if len(studies) == 1:
        body["00081190"] = {"vr": "UR", "Value": [f"{base}/studies/{studies.pop()}"]}
    named = [failure for failure in outcome.failed if failure[2]]
    others = outcome.reasons
    if named:
        body["00081198"] = {"vr": "SQ", "Value": [_failure(*failure) for failure in named]}
    if outcome.stored:
        body["00081199"] = {"vr": "SQ", "Value": [_reference(one, base) for one in outcome.stored]}
    if others:
        body["0008119A"] = {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [reason]}} for reason in others]}
    response = HttpResponse(orjson.dumps(body), status=outcome.status, content_type=content_type)
    if OUT_OF_RESOURCES in (*others, *(failure[0] for failure in named)):
        response["Retry-After"] = str(RETRY_AFTER)
    return response


def _failure(reason: int, sop_class: str, sop_uid: str) -> dict[str, Any]:
    return {
        "00081150": {"vr": "UI", "Value": [sop_class]},
        "00081155": {"vr": "UI", "Value": [sop_uid]},
        "00081197": {"vr": "US", "Value": [reason]},
    }


def _reference(one: Stored, base: str) -> dict[str, Any]:
    where = f"{base}/studies/{one.study_uid}/series/{one.series_uid}/instances/{one.sop_uid}"
    return {
        "00081150": {"vr": "UI", "Value": [one.sop_class]},
        "00081155": {"vr": "UI", "Value": [one.sop_uid]},
        "00081190": {"vr": "UR", "Value": [where]},
    }
