"""A code works once, in its half minute, for its person; guesses are counted before they are judged."""

import hashlib
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import factors
from accounts.factors import totp
from accounts.models import Person, RecoveryCode, Session, TotpDevice
from tests.accounts.browsing import Browser, code, fresh_code
from tests.accounts.recorded import events
from vault.errors import Tampered

pytestmark = pytest.mark.usefixtures("installation")


def test_a_code_does_not_work_twice(radiologist: Person) -> None:
    uri, _codes = factors.issue(radiologist)
    used = code(uri)
    assert factors.prove(radiologist, used) == "code"
    assert factors.prove(radiologist, used) is None
    TotpDevice.objects.update(throttling_failure_count=0)
    assert factors.prove(radiologist, code(uri, steps=-1)) is None


def test_codes_are_those_of_rfc_6238(radiologist: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Appendix B of the RFC, its eight digits cut to six."""
    factors.issue(radiologist)
    monkeypatch.setattr(totp, "unsealed", lambda _device: b"12345678901234567890")
    for moment, shown in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        TotpDevice.objects.update(last_step=-1, throttling_failure_count=0)
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        assert factors.prove(radiologist, shown) == "code"


@pytest.mark.parametrize(("steps", "works"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off_and_no_more(
    radiologist: Person, monkeypatch: pytest.MonkeyPatch, steps: int, works: bool
) -> None:
    uri, _codes = factors.issue(radiologist)
    moment = time.time()
    monkeypatch.setattr(time, "time", lambda: moment)
    assert (factors.prove(radiologist, code(uri, steps=steps)) == "code") is works


@pytest.mark.both_databases
def test_fifty_parallel_uses_of_one_code_let_one_in(radiologist: Person) -> None:
    uri, _codes = factors.issue(radiologist)
    shown = code(uri)

    def use(_turn: int) -> bool:
        try:
            return factors.prove(radiologist, shown) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as pool:
        let_in = list(pool.map(use, range(50)))
    assert let_in.count(True) == 1


@pytest.mark.both_databases
def test_parallel_guesses_are_not_more_guesses(radiologist: Person) -> None:
    """Were guesses counted after they are judged, fifty at once would all be judged."""
    factors.issue(radiologist)
    judged = []
    original = totp.unsealed

    def use(turn: int) -> None:
        try:
            factors.prove(radiologist, f"{turn:06d}")
        finally:
            connection.close()

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(20) as pool:
        patch.setattr(totp, "unsealed", lambda device: (judged.append(1), original(device))[1])  # type: ignore[func-returns-value]
        list(pool.map(use, range(20)))
    assert len(judged) <= 3


def test_wrong_codes_are_slowed_down_but_never_for_long(radiologist: Person) -> None:
    uri, _codes = factors.issue(radiologist)
    assert factors.prove(radiologist, "000000") is None
    assert factors.prove(radiologist, code(uri)) is None
    TotpDevice.objects.update(throttling_failure_count=40, throttling_failure_timestamp=timezone.now())
    assert factors.prove(radiologist, code(uri)) is None
    TotpDevice.objects.update(throttling_failure_timestamp=timezone.now() - totp.LONGEST_WAIT)
    assert factors.prove(radiologist, code(uri)) == "code"
    assert TotpDevice.objects.get(user=radiologist).throttling_failure_count == 0


def test_each_recovery_code_works_once(radiologist: Person) -> None:
    _uri, codes = factors.issue(radiologist)
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"([a-z2-7]{4}-){5}[a-z2-7]{4}", one) for one in codes)
    assert factors.prove(radiologist, codes[3].upper()) == "recovery code"
    assert factors.prove(radiologist, codes[3]) is None
    assert factors.recovery_codes_left(radiologist) == 9


def test_recovery_codes_and_seeds_are_not_readable_in_the_database(radiologist: Person) -> None:
    uri, codes = factors.issue(radiologist)
    device = TotpDevice.objects.get(user=radiologist)
    seed = totp.unsealed(device)
    assert seed not in bytes(device.seed)
    assert factors.secret(device) in uri
    for row, shown in zip(RecoveryCode.objects.order_by("pk"), codes, strict=True):
        assert row.digest == hashlib.sha256(shown.replace("-", "").encode()).hexdigest()


def test_a_seed_moved_to_another_person_does_not_open(radiologist: Person, outsider: Person) -> None:
    factors.issue(radiologist)
    uri, _codes = factors.issue(outsider)
    theirs = TotpDevice.objects.get(user=outsider)
    TotpDevice.objects.filter(user=radiologist).update(seed=theirs.seed)
    with pytest.raises(Tampered):
        factors.prove(radiologist, code(uri))


def test_who_has_a_factor_cannot_enrol_another_with_the_password_alone(radiologist: Person) -> None:
    factors.issue(radiologist)
    browser = Browser()
    browser.give_password(radiologist)
    assert browser.open("/sign-in/enrol/")["Location"] == "/sign-in/code/"
    waiting = totp.draw(radiologist, confirmed=False)
    assert factors.confirm(radiologist, code(factors.uri(waiting))) is None
    assert TotpDevice.objects.filter(user=radiologist, confirmed=True).count() == 1


def test_a_step_up_lasts_five_minutes_and_needs_a_fresh_code(administrator: Person) -> None:
    browser = Browser().sign_in(administrator)
    Session.objects.update(stepped_up_at=timezone.now() - timedelta(seconds=301))
    assert browser.open("/people/").status_code == 200
    assert browser.open("/people/new/")["Location"] == "/step-up/?next=%2Fpeople%2Fnew%2F"
    assert browser.send("/step-up/", code="000000", next="/people/new/").status_code == 422
    assert browser.open("/people/new/").status_code == 302
    assert browser.send("/step-up/", code=fresh_code(administrator), next="/people/new/")["Location"] == "/people/new/"
    assert browser.open("/people/new/").status_code == 200
    assert events("person:step-up") == [("administrator", "denied"), ("administrator", "ok")]
