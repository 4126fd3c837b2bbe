"""The second factor: codes by time, passkeys as their equal, and recovery codes for who has lost both."""

from typing import Literal

from django.db import transaction

from accounts import epoch, sessions
from accounts.factors import passkeys, recovery, totp
from accounts.factors.totp import secret, uri
from accounts.models import KnownPlace, Passkey, Person, RecoveryCode, TotpDevice

__all__ = [
    "Factor",
    "confirm",
    "drop_app",
    "enrolled",
    "first_passkey",
    "has_app",
    "issue",
    "keep_app",
    "new_recovery_codes",
    "offer",
    "offer_anew",
    "prove",
    "proves",
    "recovery_codes_left",
    "reset",
    "secret",
    "uri",
    "waiting_app",
]

Factor = Literal["code", "passkey", "recovery code"]


def enrolled(person: Person) -> bool:
    """Tell whether the person has a second factor: an app that was confirmed, or a passkey."""
    return has_app(person) or Passkey.objects.filter(person=person).exists()


def has_app(person: Person) -> bool:
    """Tell whether the person has an authenticator app that was confirmed."""
    return totp.confirmed(person) is not None


def offer(person: Person) -> TotpDevice:
    """Return the app's factor that waits to be confirmed, drawing its seed at first need."""
    return totp.offered(person) or totp.draw(person, confirmed=False)


def confirm(person: Person, code: str) -> list[str] | None:
    """Confirm the offered app by one of its codes; return fresh recovery codes, to be shown once, or None."""
    device = totp.offered(person)
    if device is None or enrolled(person) or not totp.attempt(device, _plain(code)):
        return None
    with transaction.atomic():
        if not _first(person) or not TotpDevice.objects.filter(pk=device.pk, confirmed=False).update(confirmed=True):
            return None
        return recovery.renew(person)


def offer_anew(person: Person) -> TotpDevice:
    """Return a fresh app's factor to be confirmed beside what the person has; one that was shown before is dead."""
    with transaction.atomic():
        TotpDevice.objects.filter(user=person, confirmed=False).delete()
        return totp.draw(person, confirmed=False)


def waiting_app(person: Person) -> TotpDevice | None:
    """Return the app's factor that waits to be confirmed, or None."""
    return totp.offered(person)


def proves(device: TotpDevice, code: str) -> bool:
    """Tell whether a code is that of an app that waits, and use it up; each guess is counted."""
    return totp.attempt(device, _plain(code))


def keep_app(person: Person, device: TotpDevice) -> bool:
    """Keep an app beside the person's other factors, in the caller's transaction; False where there is one, or this
    one was replaced meanwhile."""
    Person.objects.select_for_update().get(pk=person.pk)
    waits = TotpDevice.objects.filter(pk=device.pk, user=person, confirmed=False)
    return not has_app(person) and waits.update(confirmed=True) == 1


def drop_app(person: Person) -> bool:
    """Take the app away in the caller's transaction; False, and it must fail, where no other factor would be left."""
    # Two who take one away each at the same time must not leave none.
    Person.objects.select_for_update().get(pk=person.pk)
    TotpDevice.objects.filter(user=person).delete()
    return enrolled(person)


def first_passkey(person: Person, session: str, host: str, answer: str) -> list[str] | None:
    """Keep a passkey as the first factor of a person; return fresh recovery codes, to be shown once, or None."""
    made = passkeys.made(session, host, answer)
    if made is None:
        return None
    with transaction.atomic():
        if not _first(person) or passkeys.keep(person, *made) is None:
            return None
        TotpDevice.objects.filter(user=person, confirmed=False).delete()
        return recovery.renew(person)


def issue(person: Person) -> tuple[str, list[str]]:
    """Give a person working factors without that person being there, for scripts: the otpauth URI and the codes."""
    with transaction.atomic():
        _remove(person)
        device = totp.draw(person, confirmed=True)
        codes = recovery.renew(person)
        epoch.raise_()
    return uri(device), codes


def reset(person: Person) -> None:
    """Take every factor away, end every session: the person enrols again at the next sign-in."""
    with transaction.atomic():
        _remove(person)
        KnownPlace.objects.filter(person=person).delete()
        sessions.end_all(person)


def prove(person: Person, typed: str) -> Factor | None:
    """Use a code or a recovery code up; return which it was, or None if it was wrong, used, or tried too soon."""
    device, code = totp.confirmed(person), _plain(typed)
    if len(code) <= totp.DIGITS:
        return "code" if device is not None and totp.attempt(device, code) else None
    if device is not None and not totp.claim(device):
        return None
    if not recovery.use(person, code):
        return None
    if device is not None:
        totp.reward(device)
    return "recovery code"


def new_recovery_codes(person: Person) -> list[str]:
    """Replace the recovery codes in the caller's transaction; return the new ones, to be shown once."""
    return recovery.renew(person)


def recovery_codes_left(person: Person) -> int:
    """Return how many recovery codes have not been used."""
    return recovery.left(person)


def _first(person: Person) -> bool:
    """Hold the person's row to the end of the transaction, and tell whether there is still no factor."""
    Person.objects.select_for_update().get(pk=person.pk)
    return not enrolled(person)


def _remove(person: Person) -> None:
    TotpDevice.objects.filter(user=person).delete()
    Passkey.objects.filter(person=person).delete()
    RecoveryCode.objects.filter(person=person).delete()


def _plain(typed: str) -> str:
    """Return what was typed without blanks and hyphens, in lower case; anything beyond ASCII is no code."""
    plain = "".join(letter for letter in typed.lower() if not letter.isspace() and letter != "-")
    return plain if plain.isascii() and len(plain) <= recovery.LETTERS else ""
