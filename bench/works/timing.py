"""``python -m bench.works.timing [--postgres] [--pairs N] [PART …]``: does time tell a stranger who or what exists?

2,000 pairs, or 100 with QUICK=1. Of each pair one request is about somebody who is there and one about nobody, in an
order that is drawn; both go through the whole program. The middle of their differences, and the interval that holds
it with 95 % certainty, must lie within three milliseconds of nothing. As a check of the measure itself, a leak of
20 ms is planted last, and must be found.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, floor, sqrt
from pathlib import Path
from random import Random  # noqa: TID251 - which of a pair comes first need not be secret
from typing import Any

from bench import archives

PAIRS = 100 if os.environ.get("QUICK") else 2000
BOUND = 0.003  # seconds
LEAK = 0.020
CERTAIN = 1.96  # deviations on either side of the middle: 95 %

Act = Callable[[], object]


def _nothing() -> None:
    """What most pairs need before each request."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two requests that must last alike, and what puts the archive back before each of them, which is not measured."""

    name: str
    there: Act
    nobody: Act
    before: Act = _nothing


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle of some differences, and between what it lies with 95 % certainty (s)."""

    low: float
    middle: float
    high: float

    def within(self, bound: float) -> bool:
        return -bound < self.low and self.high < bound

    def beyond(self, bound: float) -> bool:
        return self.low > bound


def interval(differences: Sequence[float]) -> Interval:
    """The interval of the median by ranks: it asks nothing of how the differences are spread, nor of single far ones.

    Raises ValueError for fewer than ten, of which nothing can be said.
    """
    if len(differences) < 10:
        raise ValueError("Fewer than ten pairs tell nothing.")
    ordered, last = sorted(differences), len(differences) - 1
    reach = CERTAIN * sqrt(len(ordered)) / 2
    low, high = max(floor(last / 2 - reach), 0), min(ceil(last / 2 + reach), last)
    middle = (ordered[last // 2] + ordered[(last + 1) // 2]) / 2
    return Interval(ordered[low], middle, ordered[high])


def measure(pair: Pair, pairs: int, clock: Callable[[], float] = time.perf_counter) -> Interval:
    """Ask both so many times, side by side, and compare."""
    random = Random(20261125)

    def took(act: Act) -> float:
        pair.before()
        began = clock()
        act()
        return clock() - began

    def difference() -> float:
        if random.random() < 0.5:
            there = took(pair.there)
            return there - took(pair.nobody)
        nobody = took(pair.nobody)
        return took(pair.there) - nobody

    for _warm in range(3):
        difference()
    return interval([difference() for _ in range(pairs)])


def leaking(pair: Pair) -> Pair:
    """The same with a leak in it: who is there takes 20 ms longer."""

    def slower() -> None:
        time.sleep(LEAK)
        pair.there()

    return Pair("a planted leak of 20 ms", slower, pair.nobody, pair.before)


def compared() -> list[Pair]:
    """What a stranger might tell apart by time at the doors that stand open; the archive has the staff of the tests."""
    from accounts import people
    from accounts.models import Attempt, Person
    from tests.accounts.browsing import Browser
    from tests.conftest import PASSWORD

    browser = Browser()
    people.disable(Person.objects.get(username="technologist"))
    revoked = _revoked_token(Person.objects.get(username="radiologist"))

    def guess(name: str, password: str) -> Act:
        return lambda: _answered(browser.send("/sign-in/", username=name, password=password), 422)

    def show(token: str) -> Act:
        return lambda: _answered(browser.open("/dicom-web/studies", Authorization=f"Bearer {token}"), 401)

    def forget() -> None:
        Attempt.objects.all().delete()

    def hold_up() -> None:
        forget()
        _hold_up("radiologist", "nobody.here")

    unknown = guess("nobody.here", "a wrong password!")
    return [
        Pair("a wrong password of somebody, of nobody", guess("radiologist", "a wrong password!"), unknown, forget),
        Pair("the right password of somebody disabled, of nobody", guess("technologist", PASSWORD), unknown, forget),
        Pair("a right password that must wait, one of nobody", guess("radiologist", PASSWORD), unknown, hold_up),
        Pair("a revoked token, one that never was", show(revoked), show("x" * len(revoked))),
    ]


def _hold_up(*names: str) -> None:
    from accounts import attempts
    from accounts.models import Person

    for name in names:
        person = Person.objects.filter(username=name).first()
        for _wrong in range(attempts.FREE):
            attempts.begin(name, "127.0.0.1", person)


def _revoked_token(person: Any) -> str:
    from django.utils import timezone

    from accounts import tokens

    row, secret = tokens.create(person, name="old")
    row.revoked_at = timezone.now()
    row.save()
    return secret


def _answered(answer: Any, status: int) -> None:
    if answer.status_code != status:
        raise SystemExit(f"the answer was {answer.status_code} and not {status}")


@contextmanager
def archive(*, postgres: bool) -> Iterator[Path]:
    """A small archive in a directory and a database of its own."""
    with archives.empty("timing", postgres=postgres) as root:
        _settle(root)
        yield root


def _settle(root: Path) -> None:
    import django

    (root / "data").mkdir(mode=0o700)
    (root / "anchors").mkdir()
    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    from keystore import keys, roots
    from tests import people
    from tests.conftest import PASSWORD

    setup_test_environment()
    logging.getLogger("django.request").setLevel(logging.ERROR)  # each refusal would be a line
    roots.create_file(root / "root.key")
    call_command("migrate", verbosity=0)
    keys.initialise()
    people.settle(PASSWORD)


def main(arguments: list[str]) -> int:
    """Measure, print the table; 1 where time tells something, or the planted leak was not found."""
    parser = argparse.ArgumentParser(prog="python -m bench.works.timing", description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("parts", nargs="*")
    given = parser.parse_args(arguments)
    missed = 0
    with archive(postgres=given.postgres):
        kind = "PostgreSQL" if given.postgres else "SQLite"
        print(f"{kind}, {given.pairs:,} pairs each; the difference (95 %)\n")
        print("| compared | low | middle | high | met |\n|---|---|---|---|---|")
        wanted = [one for one in compared() if not given.parts or any(part in one.name for part in given.parts)]
        for pair in (*wanted, leaking(wanted[0])):
            found = measure(pair, given.pairs if pair in wanted else max(given.pairs // 10, 10))
            met = found.within(BOUND) if pair in wanted else found.beyond(BOUND)
            low, middle, high = (f"{1000 * one:+.2f} ms" for one in (found.low, found.middle, found.high))
            print(f"| {pair.name} | {low} | {middle} | {high} | {'yes' if met else '**no**'} |", flush=True)
            missed += not met
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
