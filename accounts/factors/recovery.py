"""Recovery codes: ways in when the factor is lost, each used once, kept as digests and shown once."""

import hashlib
import secrets

from django.utils import timezone

from accounts.models import Person, RecoveryCode

HOW_MANY = 10
LETTERS = 24  # 120 bits: enough for a plain hash, and nobody types one often
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def renew(person: Person) -> list[str]:
    """Replace the codes in the caller's transaction; return the new ones, to be shown once."""
    RecoveryCode.objects.filter(person=person).delete()
    drawn = ["".join(secrets.choice(_ALPHABET) for _place in range(LETTERS)) for _code in range(HOW_MANY)]
    RecoveryCode.objects.bulk_create(RecoveryCode(person=person, digest=_digest(code)) for code in drawn)
    return ["-".join(code[start : start + 4] for start in range(0, len(code), 4)) for code in drawn]


def left(person: Person) -> int:
    """Return how many codes have not been used."""
    return RecoveryCode.objects.filter(person=person, used_at=None).count()


def use(person: Person, code: str) -> bool:
    """Use one up, typed without blanks and hyphens; False for one that is wrong or was used."""
    unused = RecoveryCode.objects.filter(person=person, digest=_digest(code), used_at=None)
    return bool(unused.update(used_at=timezone.now()))


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
