"""Devices: which speak to the archive, how each is, what each may; those who may not change them see the same."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, TypedDict
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import called_by, callers, certified, devices, equipment, failures, gate
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.models import Device, Group
from accounts.policy import DEVICE_SERVICES, Permission
from accounts.views import asking
from accounts.views.sign_in import form
from archive import pace
from audit.actions import Action


class _Entries(TypedDict):
    address: str
    groups: list[Group]
    may: list[str]
    port: int | None
    description: str
    issuer: str


class _Told(NamedTuple):
    """One line of the list of devices."""

    device: Device
    certificate: certified.Standing
    failure: failures.Failure
    images: int
    last_image: datetime | None
    heard_since: bool


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """List the devices."""
    actor = asking.actor(request)
    gate.permit(actor, Action.DEVICES_READ)
    now = timezone.now()
    rows = Device.objects.prefetch_related("groups").order_by("ae_title")
    sent = pace.everybody(actor)
    told = [
        _Told(
            one,
            certified.standing(one, now),
            failures.words(one.last_failure),
            *sent.get(one.ae_title, (0, one.last_image_at)),
            _later(one.last_seen_at, one.last_failed_at),
        )
        for one in rows
    ]
    return asking.page(request, "devices", {"devices": told, "changes": changes(actor), "callers": callers.count()})


@require_GET
def machines(request: HttpRequest) -> HttpResponse:
    """List the machines behind all devices."""
    gate.permit(asking.actor(request), Action.DEVICES_READ)
    return asking.page(request, "equipment", {"machines": equipment.everything()})


@form
def new(request: HttpRequest) -> HttpResponse:
    """Make a device known."""
    actor = asking.actor(request)
    gate.permit(actor, Action.DEVICE_CHANGED)
    error = None
    if request.method == "POST":
        try:
            with gate.change(actor, Action.DEVICE_CHANGED, subject=asking.text(request, "ae_title")) as told:
                device = devices.create(asking.text(request, "ae_title"), **_entries(request))
                told.update(_told(device, "created"))
        except Unacceptable as refused:
            error = refused
        else:
            return redirect("accounts:device", device_id=device.id)
    caller = callers.named(request.GET.get("caller", ""))
    # What a stranger says of itself is filled in; what it may, and whose its studies are, is for whoever adopts it.
    shown = {**_choices(None, request, {"store"} if caller is None else set()), "caller": caller}
    return asking.page(request, "device_new", shown, error)


@form
def page(request: HttpRequest, device_id: UUID) -> HttpResponse:
    """Show how a device is; change what it may, from where, and whose its studies are."""
    action = Action.DEVICE_CHANGED if request.method == "POST" else Action.DEVICES_READ
    actor, device = asking.actor(request), known(request, device_id, action)
    error = None
    if request.method == "POST":
        try:
            with gate.change(actor, Action.DEVICE_CHANGED, subject=device.ae_title) as told:
                told.update(_told(devices.edit(device, **_entries(request)), "edited"))
        except Unacceptable as refused:
            error = refused
        else:
            return redirect("accounts:device", device_id=device.id)
    return asking.page(request, "device", state(request, device), error)


@form
def active(request: HttpRequest, device_id: UUID) -> HttpResponse:
    """Let a device speak to the archive, or no longer."""
    device = known(request, device_id, Action.DEVICE_CHANGED)
    if request.method == "POST":
        on = asking.text(request, "active") == "yes"
        act = {"act": "enabled" if on else "disabled"}
        with gate.change(asking.actor(request), Action.DEVICE_CHANGED, subject=device.ae_title, details=act):
            devices.set_active(device, on)
    return redirect("accounts:device", device_id=device_id)


def known(request: HttpRequest, device_id: UUID, action: Action) -> Device:
    """Return the device that the path names; raises NotVisible, on record, for none."""
    actor, subject = asking.actor(request), f"device:{device_id}"
    gate.permit(actor, action, subject=subject)
    device = Device.objects.filter(pk=device_id).first()
    if device is None:
        raise gate.missed(actor, action, subject=subject)
    return device


def changes(actor: Actor) -> bool:
    """Tell whether a page offers this reader to change devices."""
    return Permission.DEVICES_MANAGE in actor.permissions


def state(request: HttpRequest, device: Device) -> dict[str, object]:
    """Return what the page of a device shows."""
    actor, now = asking.actor(request), timezone.now()
    sent = pace.of(actor, device.ae_title)
    return {
        **_choices(device, request),
        "device": device,
        "changes": changes(actor),
        "certificate": certified.standing(device, now),
        "failure": failures.words(device.last_failure),
        "heard_since": _later(device.last_seen_at, device.last_failed_at),
        "pace": sent,
        "last_image": sent.last_at or device.last_image_at,
        "machines": equipment.of(device),
        "settings": called_by.settings_of(device),
    }


def _later(moment: datetime | None, than: datetime | None) -> bool:
    return moment is not None and than is not None and moment > than


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


def _choices(device: Device | None, request: HttpRequest, may: Iterable[str] = ()) -> dict[str, object]:
    """Return the services and groups to choose from, each with whether it is chosen."""
    if request.method == "POST":
        held = {*request.POST.getlist("may")}, {*request.POST.getlist("groups")}
    elif device is not None:
        held = {*device.may}, {group.name for group in device.groups.all()}
    else:
        held = {*may}, set()
    return {
        "services": [(name, name in held[0]) for name in DEVICE_SERVICES],
        "groups": [(group.name, group.name in held[1]) for group in Group.objects.order_by("name")],
    }
