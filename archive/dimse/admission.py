"""Who may associate: known devices at their addresses, to one of our titles. Everybody else is refused, on record."""

import logging
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseFault

from accounts import callers, devices, failures, identify, refused_devices
from accounts.actors import Actor
from accounts.models import Device
from accounts.policy import Permission
from archive.dimse import contexts
from archive.dimse.errors import Rejected, Rejection
from archive.dimse.negotiation import APPLICATION_CONTEXT, Answer, Request
from audit import alerts, log
from audit.actions import Action, Outcome
from audit.errors import LogUnavailable
from audit.receipts import Who

logger = logging.getLogger("archive.dimse")

PERMANENT, TRANSIENT = 1, 2
BY_USER, BY_ACSE, BY_PRESENTATION = 1, 2, 3

UNKNOWN_CALLED: Final = Rejection(PERMANENT, BY_USER, 7, "called AE title not recognised", failures.CALLED)
UNKNOWN_CALLING: Final = Rejection(
    PERMANENT, BY_USER, 3, "calling AE title not known at this address", failures.CALLING
)
NEEDS_TLS: Final = Rejection(PERMANENT, BY_USER, 1, "plain DICOM is not allowed from this address", failures.NETWORK)
ONLY_TLS: Final = Rejection(PERMANENT, BY_USER, 1, "this device speaks over TLS only", failures.IN_THE_CLEAR)
WRONG_CERTIFICATE: Final = Rejection(
    PERMANENT, BY_USER, 3, "the certificate is not the one of this AE title", failures.NOT_ENROLLED
)
WRONG_CONTEXT: Final = Rejection(PERMANENT, BY_USER, 2, "application context not supported", failures.PROTOCOL)
WRONG_VERSION: Final = Rejection(PERMANENT, BY_ACSE, 2, "protocol version not supported", failures.PROTOCOL)
CROWDED: Final = Rejection(TRANSIENT, BY_PRESENTATION, 2, "too many associations", failures.CROWDED)
BUSY: Final = Rejection(TRANSIENT, BY_PRESENTATION, 1, "the archive cannot say now who may associate")


def admit(request: Request, address: str, certificate: str = "") -> Actor:
    """Return the device that asks; raises Rejected, which the caller records and answers.

    `certificate` is the SHA-256 of what it showed in the TLS handshake, empty in the clear.
    """
    if not request.version & 1:
        raise Rejected(WRONG_VERSION)
    if request.application_context != APPLICATION_CONTEXT:
        raise Rejected(WRONG_CONTEXT)
    if not certificate and not plain_allowed(address):
        raise Rejected(NEEDS_TLS)
    if request.called not in settings.PACS_AE_TITLES:
        raise Rejected(UNKNOWN_CALLED)
    try:
        device = devices.find(request.calling, address)
        if device is None:
            raise Rejected(UNKNOWN_CALLING)
        if not devices.shows(device, certificate):
            raise Rejected(WRONG_CERTIFICATE if certificate else ONLY_TLS)
        return identify.device_actor(device, address, request.calling, certificate)
    except (DatabaseFault, LogUnavailable) as error:
        logger.warning("nobody can be identified: %s", type(error).__name__)
        raise Rejected(BUSY) from error


def plain_allowed(address: str) -> bool:
    """Whether this address may speak without TLS: loopback, and what PACS_DICOM_PLAIN_NETWORKS names."""
    given = ip_address(address)
    return given.is_loopback or any(given in network for network in settings.PACS_DICOM_PLAIN_NETWORKS)


def record_refusal(request: Request, address: str, rejection: Rejection, certificate: str = "") -> None:
    """Put a refusal on record, folded, and in words beside the device; who is none is listed as a caller. Never raises.

    A certificate of ours in the wrong hands or place is an alert too.
    """
    try:
        device = devices.titled(request.calling)
        owner = devices.holding(certificate)
        code = _code(rejection, device, owner, address)
        blocked = device is None and owner is None and callers.blocked(request.calling, address)
        if not blocked:
            _recorded(request, address, rejection.words)
        if device is None and code:
            callers.note(request.calling, address, request.called, code)
        if blocked:
            return
        if device is not None and code:
            refused_devices.note(device.id, code, address)
        if code in failures.OF_CERTIFICATES or (certificate and code in (failures.OTHER_ADDRESS, failures.CALLING)):
            _alarm(device, owner, rejection.words, address)
    except (DatabaseFault, LogUnavailable) as error:
        logger.warning("a refusal could not be recorded: %s", type(error).__name__)


def _code(rejection: Rejection, device: Device | None, owner: Device | None, address: str) -> str:
    """Tell apart, for people, what the wire is told in one word."""
    if rejection == UNKNOWN_CALLING and device is not None:
        return failures.OTHER_ADDRESS if device.is_active else failures.DISABLED
    if rejection == WRONG_CERTIFICATE and owner is not None:
        return failures.OF_ANOTHER
    return rejection.code


def _recorded(request: Request, address: str, words: str) -> None:
    who = Who("nobody", "nobody:-", "-", address=address, ae_title=request.calling[:16])
    details = {"refused": words, "called": request.called[:16], "calling": request.calling[:16]}
    log.refused(Action.REFUSED, who, details)


def _alarm(device: Device | None, owner: Device | None, words: str, address: str) -> None:
    """Tell of a certificate refused, under names of ours alone: whoever calls by many titles fills no inbox."""
    named = {one.ae_title: one for one in (device, owner) if one is not None}
    for title in named or [refused_devices.named_place(address)]:
        if refused_devices.due(title, words):
            alerts.raise_("device-certificate", title, f"{words} ({address})".capitalize())
    if owner is not None and owner != device:
        refused_devices.note(owner.id, failures.ELSEWHERE, address)


def record_handshake(address: str, words: str, code: str) -> None:
    """Put on record that no TLS association began, and beside the devices that it may have been. Never raises."""
    who = Who("nobody", "nobody:-", "-", address=address)
    try:
        log.refused(Action.REFUSED, who, {"refused": words})
        place = refused_devices.named_place(address)
        if not refused_devices.due(place, code):
            return
        titles = ", ".join(refused_devices.note_at(address, code)) or "no device is known there"
        # Whoever fails again and again writes no more than this.
        alerts.remind("device-certificate", place, f"A TLS handshake failed: {words} ({address}: {titles}).")
    except (DatabaseFault, LogUnavailable) as error:
        logger.warning("a refusal could not be recorded: %s", type(error).__name__)


def record_association(actor: Actor, request: Request, answers: Sequence[Answer]) -> None:
    """Put an association on record; one that can only verify is an echo.

    An association alone discloses nothing: where the record cannot be written it goes on, and every act in it is
    refused by the service that would have to record it.
    """
    accepted = [answer for answer in answers if answer.accepted]
    stores = any(answer.abstract_syntax != contexts.VERIFICATION for answer in accepted)
    details = {"called": request.called, "proposed": len(request.proposals), "accepted": len(accepted)}
    action = Action.ASSOCIATION if stores else Action.ECHO
    try:
        log.commit([log.Event(action, Outcome.OK, actor.who, details=details)])
        if any(answer.result == contexts.REFUSED for answer in answers):
            stores_nothing = Permission.STUDY_STORE not in actor.permissions
            refused_devices.note(actor.id, failures.SERVICE if stores_nothing else failures.SOP_CLASS, actor.address)
    except (DatabaseFault, LogUnavailable):
        logger.warning("an association could not be recorded")
