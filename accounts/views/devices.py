"""Devices: which speak to the archive, what each may, and when it was last heard."""

from typing import TypedDict
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import devices, gate
from accounts.errors import Unacceptable
from accounts.models import Device, Group
from accounts.policy import DEVICE_SERVICES
from accounts.views import asking
from accounts.views.sign_in import form
from audit.actions import Action


class _Entries(TypedDict):
    address: str
    groups: list[Group]
    may: list[str]
    port: int | None
    description: str
    issuer: str


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """List the devices."""
    gate.permit(asking.actor(request), Action.DEVICE_CHANGED)
    return asking.page(request, "devices", {"devices": Device.objects.prefetch_related("groups").order_by("ae_title")})


@form
def new(request: HttpRequest) -> HttpResponse:
    """Make a device known."""
    actor = asking.actor(request)
    gate.permit(actor, Action.DEVICE_CHANGED)
    error = None
    if request.method == "POST":
        try:
            with gate.change(actor, Action.DEVICE_CHANGED, subject=asking.text(request, "ae_title")) as told:
                told.update(_told(devices.create(asking.text(request, "ae_title"), **_entries(request)), "created"))
        except Unacceptable as refused:
            error = refused
        else:
            return redirect("accounts:devices")
    return asking.page(request, "device", {**_choices(None, request), "device": None}, error)


@form
def edit(request: HttpRequest, device_id: UUID) -> HttpResponse:
    """Change what a device may, from where, and whose its studies are."""
    actor, device = asking.actor(request), _known(request, device_id)
    error = None
    if request.method == "POST":
        try:
            with gate.change(actor, Action.DEVICE_CHANGED, subject=device.ae_title) as told:
                told.update(_told(devices.edit(device, **_entries(request)), "edited"))
        except Unacceptable as refused:
            error = refused
        else:
            return redirect("accounts:devices")
    return asking.page(request, "device", {**_choices(device, request), "device": device}, error)


@form
def active(request: HttpRequest, device_id: UUID) -> HttpResponse:
    """Let a device speak to the archive, or no longer."""
    device = _known(request, device_id)
    if request.method == "POST":
        on = asking.text(request, "active") == "yes"
        act = {"act": "enabled" if on else "disabled"}
        with gate.change(asking.actor(request), Action.DEVICE_CHANGED, subject=device.ae_title, details=act):
            devices.set_active(device, on)
    return redirect("accounts:devices")


def _known(request: HttpRequest, device_id: UUID) -> Device:
    actor, subject = asking.actor(request), f"device:{device_id}"
    gate.permit(actor, Action.DEVICE_CHANGED, subject=subject)
    device = Device.objects.filter(pk=device_id).first()
    if device is None:
        raise gate.missed(actor, Action.DEVICE_CHANGED, subject=subject)
    return device


def _entries(request: HttpRequest) -> _Entries:
    return {
        "address": asking.text(request, "address"),
        "groups": list(Group.objects.filter(name__in=request.POST.getlist("groups"))),
        "may": request.POST.getlist("may"),
        "port": asking.number(request, "port", _("A port is a number from 1 to 65535.")),
        "description": asking.text(request, "description"),
        "issuer": asking.text(request, "issuer"),
    }


def _told(device: Device, act: str) -> dict[str, object]:
    groups = [group.name for group in device.groups.all()]
    return {"act": act, "address": device.address, "may": device.may, "port": device.port, "groups": groups}


def _choices(device: Device | None, request: HttpRequest) -> dict[str, object]:
    """Return the services and groups to choose from, each with whether it is chosen."""
    if request.method == "POST":
        held = {*request.POST.getlist("may")}, {*request.POST.getlist("groups")}
    elif device is not None:
        held = {*device.may}, {group.name for group in device.groups.all()}
    else:
        held = {"store"}, set()
    return {
        "services": [(name, name in held[0]) for name in DEVICE_SERVICES],
        "groups": [(group.name, group.name in held[1]) for group in Group.objects.order_by("name")],
    }
