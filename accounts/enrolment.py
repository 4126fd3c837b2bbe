"""Certificates of devices: issued by the installation's authority, bound to one AE title, ended at once."""

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import epoch
from accounts.models import Device
from audit import alerts
from keystore import authority, secretfiles
from vault import certificates

DAYS: Final = 397
WARN_BEFORE: Final = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
"""How long before its end a certificate is told about, and told about again."""

RENEW_BEFORE: Final = timedelta(days=60)
EVERY_SECONDS: Final = 60.0
_looked_at: float | None = None


class Bundle(NamedTuple):
    """What a device needs to speak over TLS, all PEM. The private key (PKCS#8) is kept nowhere else."""

    key: bytes
    certificate: bytes
    authority: bytes


def enrol(device: Device, days: int = DAYS) -> Bundle:
    """Give a device a new certificate; the one before ends now, with the associations that it began.

    ValueError for fewer than 1 or more than 397 days.
    """
    ours = authority.settled()
    key, certificate = certificates.issue_device(ours.key, ours.certificate, device.ae_title, days)
    _bind(device, certificates.fingerprint(certificate), certificate)
    return Bundle(key, certificate, ours.certificate)


def revoke(device: Device) -> None:
    """End the device's certificate. It does not go back to speaking in the clear: it needs a new one."""
    with transaction.atomic():
        Device.objects.filter(pk=device.pk).update(certificate="", certificate_ends=None, only_tls=True)
        alerts.settle("certificate-ends", device.ae_title, "revocation")
        epoch.raise_()
    device.refresh_from_db()


def own() -> Path:
    """Return where key and certificate stand with which the archive itself calls devices; new ones where they end soon.

    They are one PEM file, so that they always belong together.
    """
    file = authority.folder() / "caller.pem"
    try:
        lasts = certificates.ends(file.read_bytes()) > timezone.now() + RENEW_BEFORE
    except (OSError, ValueError):
        lasts = False
    if not lasts:
        ours = authority.settled()
        key, certificate = certificates.issue_device(ours.key, ours.certificate, settings.PACS_AE_TITLES[0], DAYS)
        secretfiles.write(file, key + certificate)
    return file


def tick() -> None:
    """Look for certificates that end soon; call it as often as you like, it looks once a minute."""
    global _looked_at
    if _looked_at is None or time.monotonic() - _looked_at >= EVERY_SECONDS:
        _looked_at = time.monotonic()
        look(timezone.now())


def forget() -> None:
    """Look again at the next tick."""
    global _looked_at
    _looked_at = None


def look(now: datetime) -> None:
    """Raise an alert about each certificate of an active device that ends within 30 days: then, at 7 days and at 1."""
    soon = Device.objects.filter(is_active=True, certificate_ends__lte=now + WARN_BEFORE[-1])
    for title, ends in soon.values_list("ae_title", "certificate_ends"):
        if ends is not None:
            since = next(ends - before for before in WARN_BEFORE if now >= ends - before)
            words = f"The certificate of {title} ends on {ends:%Y-%m-%d %H:%M} UTC; then the device is refused."
            alerts.remind("certificate-ends", title, words, since)


def _bind(device: Device, fingerprint: str, certificate: bytes) -> None:
    ends = certificates.ends(certificate)
    with transaction.atomic():
        Device.objects.filter(pk=device.pk).update(certificate=fingerprint, certificate_ends=ends, only_tls=True)
        alerts.settle("certificate-ends", device.ae_title, "enrolment")
        epoch.raise_()
    device.refresh_from_db()
