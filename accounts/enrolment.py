"""Certificates of devices: issued by the installation's authority, bound to one AE title, ended at once."""

from datetime import timedelta
from typing import Final, NamedTuple

from django.db import transaction

from accounts import epoch
from accounts.models import Device
from keystore import authority
from vault import certificates

DAYS: Final = 397
WARN_BEFORE: Final = timedelta(days=30)


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
        epoch.raise_()
    device.refresh_from_db()


def _bind(device: Device, fingerprint: str, certificate: bytes) -> None:
    ends = certificates.ends(certificate)
    with transaction.atomic():
        Device.objects.filter(pk=device.pk).update(certificate=fingerprint, certificate_ends=ends, only_tls=True)
        epoch.raise_()
    device.refresh_from_db()
