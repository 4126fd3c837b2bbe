"""Lock-out of one name from one address: guessing is slowed where it happens, and nobody is locked out elsewhere."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import Attempt

FREE = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(days=1)


def begin(name: str, address: str) -> int | None:
    """Count an attempt before it is judged; return how many there were in a row, or None while the wait lasts."""
    with transaction.atomic():
        Attempt.objects.get_or_create(key=_key(name, address), defaults={"last_at": timezone.now()})
        attempt = Attempt.objects.select_for_update().get(key=_key(name, address))
        now = timezone.now()
        if now - attempt.last_at > FORGOTTEN_AFTER:
            attempt.failures = 0
        if now < attempt.last_at + wait(attempt.failures):
            return None
        attempt.failures, attempt.last_at = attempt.failures + 1, now
        attempt.save()
    return attempt.failures


def succeed(name: str, address: str) -> None:
    """Forget the attempts that came before a right password."""
    Attempt.objects.filter(key=_key(name, address)).delete()


def wait(failures: int) -> timedelta:
    """Return how long the next attempt must wait after so many in a row: nothing at first, then twice as long each."""
    if failures < FREE:
        return timedelta(0)
    return min(FIRST_WAIT * (1 << min(failures - FREE, 10)), LONGEST_WAIT)


def _key(name: str, address: str) -> str:
    return salted_hmac("accounts.attempts", f"{name}\0{address}", algorithm="sha256").hexdigest()
