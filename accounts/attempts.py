"""How often somebody may guess: counted for one name from one place, for one name from all strange places together,
and for one address over all names.

Whoever signed in before is known by browser or address (`accounts.places`) and is not held up by what strangers do
elsewhere. What is kept is bounded: an address that is held up adds no rows, and the oldest go where there are too many.
"""

from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import places
from accounts.models import Attempt, Person

FREE = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(days=1)
MOST_KEPT: Final = 20_000
"""Rows of names at places and of addresses; those of people are as many as there are people."""
DECOYS: Final = 64


class Rule(NamedTuple):
    """How many attempts are free, and how the waits after them grow; all is forgotten after a pause."""

    kind: str
    free: int
    first: timedelta
    longest: timedelta
    forgotten: timedelta


HERE: Final = Rule("place", FREE, FIRST_WAIT, LONGEST_WAIT, FORGOTTEN_AFTER)
NAME: Final = Rule("name", 20, FIRST_WAIT, LONGEST_WAIT, FORGOTTEN_AFTER)
DECOY: Final = NAME._replace(kind="decoy")
ADDRESS: Final = Rule("address", 30, timedelta(seconds=5), timedelta(minutes=5), timedelta(hours=1))


class Tries(NamedTuple):
    """How many attempts there were in a row; None where one must wait: for this name here, for it from all strange
    places, and from this address."""

    here: int | None
    name: int | None = 0
    address: int | None = 0

    @property
    def may(self) -> bool:
        return None not in self


def begin(name: str, address: str, person: Person | None = None, browser: str = "") -> Tries:
    """Count an attempt before it is judged. For a name that nobody has, the same work is done."""
    known, keys = places.known(person, address, browser), _keys(name, address, browser, person)
    strange = person is not None and not known
    with transaction.atomic():
        from_address = 0 if known == "browser" else _count(ADDRESS, keys.address, None)
        if from_address is None:
            return Tries(None, 0, None)
        counted = (NAME, keys.name, person) if strange else (DECOY, keys.decoy, None)
        of_name = _count(*counted)
        if strange and of_name is None:
            return Tries(None, None, from_address)
        here = _count(HERE, keys.browser if known == "browser" else keys.place, person)
    return Tries(here, of_name if strange else 0, from_address)


def succeed(name: str, address: str, person: Person, browser: str, tries: Tries) -> None:
    """Forget the attempts that came before a right password here; of what was counted beyond, this one alone."""
    keys = _keys(name, address, browser, person)
    Attempt.objects.filter(key__in=[keys.place, keys.browser]).delete()
    counted = [key for key, times in ((keys.address, tries.address), (keys.name, tries.name)) if times]
    Attempt.objects.filter(key__in=counted, failures__gt=0).update(failures=F("failures") - 1)


def guess(what: str) -> int | None:
    """Count a guess at something else than a password; return how many there were in a row, None while one must wait.

    `what` says who guesses and at what.
    """
    with transaction.atomic():
        return _count(HERE, _digest("guess", what), None)


def guessed(what: str) -> None:
    """Forget the guesses before one that was right."""
    Attempt.objects.filter(key=_digest("guess", what)).delete()


def lift(person: Person) -> None:
    """Forget every attempt on this person's name."""
    Attempt.objects.filter(person=person).exclude(kind="decoy").delete()


def held(now: datetime) -> list[Attempt]:
    """Return what holds people's names up just now, the latest first."""
    rules = {rule.kind: rule for rule in (HERE, NAME)}
    rows = Attempt.objects.filter(person__isnull=False, kind__in=rules, last_at__gt=now - LONGEST_WAIT)
    rows = rows.select_related("person").order_by("-last_at")[:500]
    return [row for row in rows if now < row.last_at + wait(row.failures, rules[row.kind])]


def wait(failures: int, rule: Rule = HERE) -> timedelta:
    """Return how long the next attempt must wait after so many in a row: nothing at first, then twice as long each."""
    if failures < rule.free:
        return timedelta(0)
    return min(rule.first * (1 << min(failures - rule.free, 10)), rule.longest)


def _count(rule: Rule, key: str, person: Person | None) -> int | None:
    """Count one more under this key; None while the wait lasts."""
    now = timezone.now()
    _, made = Attempt.objects.get_or_create(key=key, defaults={"last_at": now, "kind": rule.kind, "person": person})
    if made and rule.kind in (HERE.kind, ADDRESS.kind):
        _bound(now)
    attempt = Attempt.objects.select_for_update().filter(key=key).first()
    if attempt is None:
        return None  # The oldest of too many just went, and this was one of them.
    now = timezone.now()  # Whoever waited for the row looks at the clock again.
    if now - attempt.last_at > rule.forgotten:
        attempt.failures = 0
    if now < attempt.last_at + wait(attempt.failures, rule):
        return None
    attempt.failures, attempt.last_at = attempt.failures + 1, now
    attempt.save(update_fields=["failures", "last_at"])
    return attempt.failures


def _bound(now: datetime) -> None:
    rows = Attempt.objects.filter(kind__in=[HERE.kind, ADDRESS.kind])
    if rows.count() <= MOST_KEPT:
        return
    rows.filter(last_at__lt=now - FORGOTTEN_AFTER).delete()
    oldest = rows.order_by("-last_at").values_list("last_at", flat=True)[MOST_KEPT * 9 // 10 :].first()
    if oldest is not None:
        rows.filter(last_at__lte=oldest).delete()


class _Keys(NamedTuple):
    place: str
    browser: str
    name: str
    decoy: str
    address: str


def _keys(name: str, address: str, browser: str, person: Person | None) -> _Keys:
    """HMACs: what was typed is not kept. A person is a name however it was typed, a strange name one of few decoys."""
    where = network(address)
    decoy = int(_digest("decoy", name), 16) % DECOYS
    return _Keys(
        _digest("place", name, where),
        _digest("browser", name, browser),
        _digest("name", str(person.id) if person else ""),
        _digest("decoy", str(decoy)),
        _digest("address", where),
    )


def network(address: str) -> str:
    """Return what counts as one address: of IPv6 the half that a subscriber is given."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(found) if found.version == 4 else ":".join(found.exploded.split(":")[:4])


def _digest(*parts: str) -> str:
    return salted_hmac("accounts.attempts", "\0".join(parts), algorithm="sha256").hexdigest()
