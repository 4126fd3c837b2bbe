"""What looks alike does the same work: as many hashes, as costly, and the same statements in the same order.

Time itself is measured by `python -m bench.works.timing`; here is counted what it is made of, which no busy machine
changes.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.db import connection

from accounts import attempts, passwords
from accounts.models import Attempt, Person
from audit import refusals
from bench.works import timing
from tests.accounts.browsing import Browser

pytestmark = pytest.mark.usefixtures("installation")
SAVEPOINT = re.compile(r'SAVEPOINT ".*"')
HASHER: Any = type(hashers.get_hasher("default"))


class Work:
    """Notes each hash with its parameters and each statement without its values, while the block runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hashes, self.statements = list[str](), list[str]()
        verify = HASHER.verify

        def noted(hasher: Any, password: str, encoded: str) -> bool:
            self.hashes.append(encoded.rsplit("$", 2)[0])
            right: bool = verify(hasher, password, encoded)
            return right

        monkeypatch.setattr(HASHER, "verify", noted)

    def done_by(self, act: Callable[[], object]) -> tuple[list[str], list[str]]:
        self.hashes, self.statements = [], []
        watched: AbstractContextManager[None] = connection.execute_wrapper(self._note)
        with watched:
            act()
        return self.hashes, self.statements

    def _note(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.statements.append(SAVEPOINT.sub("SAVEPOINT", sql))
        return execute(sql, params, many, context)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    passwords.right(None, "the decoy is made once, at the first need")
    return Work(monkeypatch)


PAIRS = range(4)


@pytest.mark.both_databases
@pytest.mark.parametrize("number", PAIRS)
def test_both_of_every_pair_that_is_measured_do_the_same_work(radiologist: Person, work: Work, number: int) -> None:
    pairs = timing.compared()
    assert len(pairs) == len(PAIRS)
    pair = pairs[number]
    pair.before()
    pair.nobody()  # What a process does once is done now.
    done = []
    for act in (pair.there, pair.nobody):
        pair.before()
        refusals.forget()
        done.append(work.done_by(act))
    (hashes, statements), of_nobody = done
    assert (hashes, statements) == of_nobody
    assert statements
    assert len(hashes) == (0 if "token" in pair.name else 1)


def test_every_try_until_the_wait_and_behind_it_costs_the_same_for_somebody_and_nobody(
    radiologist: Person, work: Work
) -> None:
    def tried(name: str) -> list[tuple[list[str], list[str]]]:
        refusals.forget()
        Attempt.objects.all().delete()
        browser = Browser()
        browser.open("/sign-in/")

        def guess() -> None:
            assert browser.send("/sign-in/", username=name, password="a wrong password!").status_code == 422

        return [work.done_by(guess) for _try in range(attempts.FREE + 2)]

    Browser().send("/sign-in/", username="nobody.at.all", password="a wrong password!")
    of_somebody, of_nobody = tried("radiologist"), tried("nobody.here")
    for number, (one, other) in enumerate(zip(of_somebody, of_nobody, strict=True)):
        assert one == other, number
        assert len(one[0]) == 1


def test_work_that_differs_would_be_seen(radiologist: Person, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "right", lambda person, given: person is not None and person.check_password(given))
    pair = timing.compared()[0]
    pair.before()
    with_hash, without = work.done_by(pair.there)[0], work.done_by(pair.nobody)[0]
    assert (len(with_hash), len(without)) == (1, 0)
