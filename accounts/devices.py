"""Devices on the wire: modalities and other archives, known by AE title and address."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import addresses, callers, epoch, passing
from accounts.errors import Unacceptable
from accounts.models import Device, Group
from accounts.policy import DEVICE_SERVICES

SEEN_EVERY = timedelta(seconds=10)
AE_TITLE_LENGTH = 16


def find(calling_ae: str, address: str) -> Device | None:
    """Return the active device with this AE title (exact, after trimming, PS3.5 §6.2) at this address, or None."""
    device = Device.objects.filter(ae_title=calling_ae.strip(" "), is_active=True).first()
    if device is None or not at_home(device, address):
        return None
    now = timezone.now()
    if device.last_seen_at is None or now - device.last_seen_at >= SEEN_EVERY:
        passing.noted(lambda: Device.objects.filter(pk=device.pk).update(last_seen_at=now))
    return device


def shows(device: Device, certificate: str) -> bool:
    """Tell whether the device may speak with this certificate: a SHA-256 in hexadecimal, empty in the clear.

    A device that was ever given a certificate never speaks in the clear again, also once that was revoked.
    """
    return certificate == device.certificate != "" if certificate else not device.only_tls


def secured() -> bool:
    """Tell whether any device has a certificate, so that there is somebody to listen for."""
    return Device.objects.exclude(certificate="").exists()


def at_home(device: Device, address: str) -> bool:
    """Tell whether this is an address that the device speaks from."""
    return addresses.inside(address, device.address)


def sent(device_id: str, moment: datetime) -> None:
    """Keep when the last image of a device came."""
    Device.objects.filter(pk=device_id).update(last_image_at=moment)


def titled(calling_ae: str) -> Device | None:
    """Return the device with this AE title, wherever it calls from and whether it may speak or not."""
    return Device.objects.filter(ae_title=calling_ae.strip(" ")).first()


def holding(certificate: str) -> Device | None:
    """Return the device whose certificate this is, a SHA-256 in hexadecimal; None for none of ours of now."""
    return Device.objects.filter(certificate=certificate).first() if certificate else None


def create(
    ae_title: str,
    address: str,
    groups: Sequence[Group] = (),
    may: Sequence[str] = (),
    port: int | None = None,
    *,
    description: str = "",
    issuer: str = "",
) -> Device:
    """Make a device known. `address` is one address or a range (CIDR). Raises Unacceptable."""
    device = Device(ae_title=_ae_title(ae_title))
    if Device.objects.filter(ae_title__iexact=device.ae_title).exists():
        raise Unacceptable("ae_title", _("There is a device with this AE title already."))
    with transaction.atomic():
        callers.adopted(device.ae_title)
        return _keep(device, address, groups, may, port, description, issuer)


def edit(
    device: Device,
    address: str,
    groups: Sequence[Group],
    may: Sequence[str],
    port: int | None,
    *,
    description: str = "",
    issuer: str = "",
) -> Device:
    """Change everything but the AE title, which is who the device is. Raises Unacceptable."""
    return _keep(device, address, groups, may, port, description, issuer)


def set_active(device: Device, active: bool) -> None:
    """Let the device speak to the archive or no longer; associations that are open end within two seconds."""
    with transaction.atomic():
        Device.objects.filter(pk=device.pk).update(is_active=active)
        epoch.raise_()


def _keep(
    device: Device,
    address: str,
    groups: Sequence[Group],
    may: Sequence[str],
    port: int | None,
    description: str,
    issuer: str,
) -> Device:
    unknown = sorted(set(may) - set(DEVICE_SERVICES))
    if unknown:
        raise Unacceptable("may", _("There is no service “%(name)s”.") % {"name": unknown[0]})
    if port is not None and not 0 < port < 65536:
        raise Unacceptable("port", _("A port is a number from 1 to 65535."))
    device.address, device.port, device.may = str(addresses.network(address)), port, sorted(set(may))
    device.description, device.issuer = description[:120], issuer[:64]
    with transaction.atomic():
        device.save()
        device.groups.set(groups)
        epoch.raise_()
    return device


def _ae_title(text: str) -> str:
    """Return an AE title: 1 to 16 printable characters of the default repertoire, no backslash (PS3.5 §6.2, VR AE)."""
    title = text.strip(" ")
    if not 0 < len(title) <= AE_TITLE_LENGTH or "\\" in title or not (title.isascii() and title.isprintable()):
        raise Unacceptable("ae_title", _("An AE title has 1 to 16 plain characters and no backslash."))
    return title
