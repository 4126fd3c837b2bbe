"""What is done with one device: a certificate given or ended, and an echo sent to it."""

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import enrolment, gate, handing_over
from accounts.models import Device
from accounts.views import asking
from accounts.views.devices import known, state
from accounts.views.sign_in import form
from archive.dimse import calling
from archive.dimse.calling import Outcome, Secured
from audit.actions import Action

_WORDS: Final[dict[Outcome, tuple[str, Promise]]] = {
    Outcome.ANSWERED: ("ok", _("It answered: the device is there, and takes this archive's AE title.")),
    Outcome.NO_PORT: ("warn", _("No port is kept for it. Enter the port on which the device listens.")),
    Outcome.A_RANGE: ("warn", _("It is known by a range of addresses, so there is no one address to call.")),
    Outcome.NO_HOST: ("bad", _("Its address is not that of one machine.")),
    Outcome.NEEDS_TLS: (
        "warn",
        _("Its network is not listed for plain DICOM, so it is not called in the clear. Give it a certificate."),
    ),
    Outcome.BUSY: ("warn", _("Other devices are being called. Try again in a few seconds.")),
    Outcome.UNREACHABLE: (
        "bad",
        _("Nothing listens there. Is the device on, and are its address and port right?"),
    ),
    Outcome.SILENT: ("bad", _("It did not answer within five seconds. Is the device on, or a firewall between?")),
    Outcome.REJECTED: (
        "bad",
        _("It is there and refuses this archive. Enter this archive's AE title and address on the device."),
    ),
    Outcome.NO_DICOM: ("bad", _("Something is there and does not speak DICOM as it should. Is the port right?")),
    Outcome.NOT_VERIFIED: ("bad", _("It is there, and does not answer an echo with success.")),
    Outcome.TLS_FAILED: (
        "bad",
        _("TLS failed. Is TLS on for the port, and does the device trust the authority of this archive?"),
    ),
    Outcome.NO_CERTIFICATE: ("warn", _("Its certificate was ended, so it cannot prove who it is. Give it a new one.")),
    Outcome.OTHER_CERTIFICATE: (
        "bad",
        _("It showed another certificate than its own. Load the newest one into it; nothing was sent."),
    ),
}


@form
def enrol(request: HttpRequest, device_id: UUID) -> HttpResponse:
    """Give a device a new key and certificate, which the answer holds and nothing else ever will."""
    device, actor = known(request, device_id, Action.DEVICE_CHANGED), asking.actor(request)
    if request.method != "POST":
        return redirect("accounts:device", device_id=device.id)
    with gate.change(actor, Action.DEVICE_ENROLLED, subject=device.ae_title, details={"act": "enrolled"}) as told:
        parcel = handing_over.pack(device, enrolment.enrol(device))
        told["certificate"] = device.certificate
    return asking.page(request, "device_enrolled", {"device": device, "parcel": parcel})


@form
def revoke(request: HttpRequest, device_id: UUID) -> HttpResponse:
    """End the certificate of a device."""
    device = known(request, device_id, Action.DEVICE_CHANGED)
    if request.method == "POST":
        details = {"act": "revoked", "certificate": device.certificate}
        with gate.change(asking.actor(request), Action.DEVICE_CHANGED, subject=device.ae_title, details=details):
            enrolment.revoke(device)
    return redirect("accounts:device", device_id=device_id)


@form
def echo(request: HttpRequest, device_id: UUID) -> HttpResponse:
    """Call a device where it is registered, and say what came of it."""
    device = known(request, device_id, Action.DEVICE_CALLED)
    if request.method != "POST":
        return redirect("accounts:device", device_id=device.id)
    outcome = calling.echo(device.ae_title, device.address, device.port, _secured(device))
    details = {"address": device.address, "port": device.port, "outcome": outcome.value}
    with gate.change(asking.actor(request), Action.DEVICE_CALLED, subject=device.ae_title, details=details):
        pass
    tone, words = _WORDS[outcome]
    return asking.page(request, "device", {**state(request, device), "echo": {"tone": tone, "words": words}})


def _secured(device: Device) -> Secured | None:
    """How a device is called that speaks TLS; None for one that never had a certificate."""
    if not device.only_tls:
        return None
    return Secured(device.certificate, enrolment.own())
