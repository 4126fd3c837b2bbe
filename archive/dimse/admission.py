"""Who may associate: known devices at their addresses, to one of our titles. Everybody else is refused, on record."""

import logging
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseFault

from accounts import devices, identify
from accounts.actors import Actor
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

UNKNOWN_CALLED: Final = Rejection(PERMANENT, BY_USER, 7, "called AE title not recognised")
UNKNOWN_CALLING: Final = Rejection(PERMANENT, BY_USER, 3, "calling AE title not known at this address")
NEEDS_TLS: Final = Rejection(PERMANENT, BY_USER, 1, "plain DICOM is not allowed from this address")
ONLY_TLS: Final = Rejection(PERMANENT, BY_USER, 1, "this device speaks over TLS only")
WRONG_CERTIFICATE: Final = Rejection(PERMANENT, BY_USER, 3, "the certificate is not the one of this AE title")
WRONG_CONTEXT: Final = Rejection(PERMANENT, BY_USER, 2, "application context not supported")
WRONG_VERSION: Final = Rejection(PERMANENT, BY_ACSE, 2, "protocol version not supported")
CROWDED: Final = Rejection(TRANSIENT, BY_PRESENTATION, 2, "too many associations")
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
    """Put a refusal on record, folded, and in words beside the device if there is one. Never raises.

    A certificate of ours in the wrong hands or place is an alert too.
    """
    who = Who("nobody", "nobody:-", "-", address=address, ae_title=request.calling[:16])
    details = {"refused": rejection.words, "called": request.called[:16], "calling": request.calling[:16]}
    try:
        log.refused(Action.REFUSED, who, details)
        if rejection in (WRONG_CERTIFICATE, ONLY_TLS) or (certificate and rejection == UNKNOWN_CALLING):
            alerts.raise_("device-certificate", request.calling, f"{rejection.words} ({address})".capitalize())
        devices.failed(request.calling, address, rejection.words)
    except (DatabaseFault, LogUnavailable) as error:
        logger.warning("a refusal could not be recorded: %s", type(error).__name__)


def record_handshake(address: str, words: str) -> None:
    """Put on record that no TLS association began: there is no AE title yet, so no device to tell. Never raises."""
    who = Who("nobody", "nobody:-", "-", address=address)
    try:
        log.refused(Action.REFUSED, who, {"refused": words})
        # Whoever fails again and again writes no more than this.
        alerts.remind("device-certificate", address, f"A TLS handshake failed: {words}.")
    except (DatabaseFault, LogUnavailable) as error:
        logger.warning("a refusal could not be recorded: %s", type(error).__name__)


def record_association(actor: Actor, request: Request, answers: Iterable[Answer]) -> None:
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
    except LogUnavailable:
        logger.warning("an association could not be recorded")
