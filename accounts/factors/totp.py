"""Codes by time (RFC 6238: SHA-1, six digits, 30 seconds, one step either way).

Seeds lie sealed under the installation's field key. A code works once: whoever moves `last_step` forward first has
used it. A guess is counted before it is judged, so that parallel guesses gain nothing.
"""

import base64
import hmac
import secrets
import time
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django_otp.oath import hotp

from accounts.models import Person, TotpDevice
from keystore import keys
from vault.cells import seal_cell, unseal_cell

STEP_SECONDS = 30
DIGITS = 6
SEED_BYTES = 20
SEED_CELL = "accounts_totpdevice.seed"
LONGEST_WAIT = timedelta(minutes=15)


def confirmed(person: Person) -> TotpDevice | None:
    """Return the factor that the person proved to have, or None."""
    found: TotpDevice | None = TotpDevice.objects.filter(user=person, confirmed=True).first()
    return found


def offered(person: Person) -> TotpDevice | None:
    """Return the factor that waits to be confirmed, or None."""
    found: TotpDevice | None = TotpDevice.objects.filter(user=person, confirmed=False).first()
    return found


def draw(person: Person, *, confirmed: bool) -> TotpDevice:
    """Make a factor with a random seed, sealed."""
    device = TotpDevice(user=person, name="totp", confirmed=confirmed)
    key = keys.installation_key("field")
    device.seed = seal_cell(key.secret, key.id, SEED_CELL, device.uid, secrets.token_bytes(SEED_BYTES))
    device.save()
    return device


def attempt(device: TotpDevice, code: str) -> bool:
    """Judge one code and use it up."""
    if not claim(device):
        return False
    now = int(time.time()) // STEP_SECONDS
    seed = unsealed(device)
    matching = [
        step
        for step in (now - 1, now, now + 1)
        if hmac.compare_digest(f"{hotp(seed, step, DIGITS):0{DIGITS}d}".encode(), code.encode())
    ]
    if not matching:
        return False
    spent = TotpDevice.objects.filter(pk=device.pk, last_step__lt=max(matching)).update(last_step=max(matching))
    if spent:
        reward(device)
    return bool(spent)


def claim(device: TotpDevice) -> bool:
    """Count a guess before it is judged; False while the wait after earlier ones lasts (1, 2, 4 … seconds)."""
    with transaction.atomic():
        held = TotpDevice.objects.select_for_update().get(pk=device.pk)
        if _waiting(held, timezone.now()):
            return False
        TotpDevice.objects.filter(pk=device.pk).update(
            throttling_failure_count=F("throttling_failure_count") + 1, throttling_failure_timestamp=timezone.now()
        )
    return True


def reward(device: TotpDevice) -> None:
    """Forget the guesses before a right one."""
    TotpDevice.objects.filter(pk=device.pk).update(
        throttling_failure_count=0, throttling_failure_timestamp=None, last_used_at=timezone.now()
    )


def uri(device: TotpDevice) -> str:
    """Return the key URI that authenticator apps read from a QR code."""
    values = {
        "secret": secret(device),
        "issuer": "Custos",
        "algorithm": "SHA1",
        "digits": DIGITS,
        "period": STEP_SECONDS,
    }
    return f"otpauth://totp/{quote('Custos:' + device.user.username)}?{urlencode(values)}"


def secret(device: TotpDevice) -> str:
    """Return the seed in base32, for typing it in by hand."""
    return base64.b32encode(unsealed(device)).decode()


def unsealed(device: TotpDevice) -> bytes:
    """Return the seed. Raises Tampered for one that was changed, or moved here from another row."""
    key = keys.installation_key("field")
    return unseal_cell(key.secret, key.id, SEED_CELL, device.uid, bytes(device.seed))


def _waiting(device: TotpDevice, now: datetime) -> bool:
    """Ask the throttle of django-otp, but never make anybody wait longer than a quarter of an hour."""
    allowed, _why = device.verify_is_allowed()
    last = device.throttling_failure_timestamp
    return not allowed and last is not None and now - last < LONGEST_WAIT
