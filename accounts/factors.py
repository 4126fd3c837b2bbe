"""The second factor: codes by time (RFC 6238: SHA-1, six digits, 30 seconds, one step either way) and recovery codes.

Seeds lie sealed under the installation's field key. A code works once: whoever moves `last_step` forward first has
used it. A guess is counted before it is judged, so that parallel guesses gain nothing.
"""

import base64
import hashlib
import hmac
import secrets
import time
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote, urlencode

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django_otp.oath import hotp

from accounts import epoch, sessions
from accounts.models import Person, RecoveryCode, TotpDevice
from keystore import keys
from vault.cells import seal_cell, unseal_cell

STEP_SECONDS = 30
DIGITS = 6
SEED_BYTES = 20
SEED_CELL = "accounts_totpdevice.seed"
LONGEST_WAIT = timedelta(minutes=15)

RECOVERY_CODES = 10
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_LETTERS = 24  # 120 bits: enough for a plain hash, and nobody types one often

Factor = Literal["code", "recovery code"]


def enrolled(person: Person) -> bool:
    """Tell whether the person has a second factor that was confirmed."""
    found: bool = TotpDevice.objects.filter(user=person, confirmed=True).exists()
    return found


def offer(person: Person) -> TotpDevice:
    """Return the factor that waits to be confirmed, drawing its seed at first need."""
    waiting = TotpDevice.objects.filter(user=person, confirmed=False).first()
    return waiting or _draw(person, confirmed=False)


def confirm(person: Person, code: str) -> list[str] | None:
    """Confirm the offered factor by one of its codes; return fresh recovery codes, to be shown once, or None."""
    device = TotpDevice.objects.filter(user=person, confirmed=False).first()
    if device is None or enrolled(person) or not _try(device, code):
        return None
    with transaction.atomic():
        if not TotpDevice.objects.filter(pk=device.pk, confirmed=False).update(confirmed=True):
            return None
        return new_recovery_codes(person)


def issue(person: Person) -> tuple[str, list[str]]:
    """Give a person working factors without that person being there, for scripts: the otpauth URI and the codes."""
    with transaction.atomic():
        _remove(person)
        device = _draw(person, confirmed=True)
        codes = new_recovery_codes(person)
        epoch.raise_()
    return uri(device), codes


def reset(person: Person) -> None:
    """Take the factors away, end every session: the person enrols again at the next sign-in."""
    with transaction.atomic():
        _remove(person)
        sessions.end_all(person)


def prove(person: Person, typed: str) -> Factor | None:
    """Use a code or a recovery code up; return which it was, or None if it was wrong, used, or tried too soon."""
    device = TotpDevice.objects.filter(user=person, confirmed=True).first()
    if device is None:
        return None
    if len(_plain(typed)) <= DIGITS:
        return "code" if _try(device, typed) else None
    if _claim(device) and _use_recovery_code(person, _plain(typed)):
        _reward(device)
        return "recovery code"
    return None


def new_recovery_codes(person: Person) -> list[str]:
    """Replace the recovery codes in the caller's transaction; return the new ones, to be shown once."""
    RecoveryCode.objects.filter(person=person).delete()
    drawn = ["".join(secrets.choice(_ALPHABET) for _place in range(_LETTERS)) for _code in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(person=person, digest=_digest(code)) for code in drawn)
    return ["-".join(code[start : start + 4] for start in range(0, len(code), 4)) for code in drawn]


def recovery_codes_left(person: Person) -> int:
    """Return how many recovery codes have not been used."""
    return RecoveryCode.objects.filter(person=person, used_at=None).count()


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
    return base64.b32encode(_seed(device)).decode()


def _draw(person: Person, *, confirmed: bool) -> TotpDevice:
    device = TotpDevice(user=person, name="totp", confirmed=confirmed)
    key = keys.installation_key("field")
    device.seed = seal_cell(key.secret, key.id, SEED_CELL, device.uid, secrets.token_bytes(SEED_BYTES))
    device.save()
    return device


def _seed(device: TotpDevice) -> bytes:
    key = keys.installation_key("field")
    return unseal_cell(key.secret, key.id, SEED_CELL, device.uid, bytes(device.seed))


def _remove(person: Person) -> None:
    TotpDevice.objects.filter(user=person).delete()
    RecoveryCode.objects.filter(person=person).delete()


def _try(device: TotpDevice, typed: str) -> bool:
    """Judge one code and use it up."""
    code = _plain(typed)
    if not _claim(device):
        return False
    now = int(time.time()) // STEP_SECONDS
    seed = _seed(device)
    matching = [
        step
        for step in (now - 1, now, now + 1)
        if hmac.compare_digest(f"{hotp(seed, step, DIGITS):0{DIGITS}d}".encode(), code.encode())
    ]
    if not matching:
        return False
    spent = TotpDevice.objects.filter(pk=device.pk, last_step__lt=max(matching)).update(last_step=max(matching))
    if spent:
        _reward(device)
    return bool(spent)


def _claim(device: TotpDevice) -> bool:
    """Count a guess before it is judged; False while the wait after earlier ones lasts (1, 2, 4 … seconds)."""
    with transaction.atomic():
        held = TotpDevice.objects.select_for_update().get(pk=device.pk)
        if _waiting(held, timezone.now()):
            return False
        TotpDevice.objects.filter(pk=device.pk).update(
            throttling_failure_count=F("throttling_failure_count") + 1, throttling_failure_timestamp=timezone.now()
        )
    return True


def _waiting(device: TotpDevice, now: datetime) -> bool:
    """Ask the throttle of django-otp, but never make anybody wait longer than a quarter of an hour."""
    allowed, _why = device.verify_is_allowed()
    last = device.throttling_failure_timestamp
    return not allowed and last is not None and now - last < LONGEST_WAIT


def _reward(device: TotpDevice) -> None:
    TotpDevice.objects.filter(pk=device.pk).update(
        throttling_failure_count=0, throttling_failure_timestamp=None, last_used_at=timezone.now()
    )


def _plain(typed: str) -> str:
    """Return what was typed without blanks and hyphens, in lower case; anything beyond ASCII is no code."""
    plain = "".join(letter for letter in typed.lower() if not letter.isspace() and letter != "-")
    return plain if plain.isascii() and len(plain) <= _LETTERS else ""


def _use_recovery_code(person: Person, code: str) -> bool:
    unused = RecoveryCode.objects.filter(person=person, digest=_digest(code), used_at=None)
    return bool(unused.update(used_at=timezone.now()))


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
