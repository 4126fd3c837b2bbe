"""No audit, no view: what serves learns within two seconds that the record cannot be written, and when it can again."""

import os
import time
from collections.abc import Callable

import pytest

from audit import journal, leases, log, pulse
from audit.actions import Use
from audit.errors import LogUnavailable
from audit.events import Event
from audit.models import AuditEvent, Heartbeat
from audit.receipts import Who
from tests.audit.conftest import STUDY
from tests.audit.planted import held_lock, refused_inserts
from tests.conftest import Installation

pytestmark = pytest.mark.both_databases


def _until(well: bool, seconds: float) -> float:
    """Wait until the pulse is so; return how long it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            pulse.check()
            now = True
        except LogUnavailable:
            now = False
        if now == well:
            return time.monotonic() - began
        time.sleep(0.02)
    pytest.fail(f"the pulse was not {'well' if well else 'void'} within {seconds} s")


def test_a_probe_leaves_a_heartbeat_and_no_row(installation: Installation) -> None:
    before = AuditEvent.objects.count()
    assert pulse.probe()
    pulse.check()
    assert AuditEvent.objects.count() == before
    assert not AuditEvent.objects.filter(log=0).exists()
    assert Heartbeat.objects.count() == 1


def test_a_planted_refusal_voids_an_open_lease_within_two_seconds_and_it_heals(
    installation: Installation, who: Who
) -> None:
    pulse.start()
    leases.view(who, STUDY, "care")
    with refused_inserts():
        assert _until(False, 2.5) <= 2.2
        with pytest.raises(LogUnavailable):
            leases.view(who, STUDY, "care")
    _until(True, 3.0)
    leases.view(who, STUDY, "care")


def test_a_held_lock_voids_an_open_lease_within_two_seconds_and_it_heals(installation: Installation, who: Who) -> None:
    pulse.start()
    leases.view(who, STUDY, "care")
    with held_lock():
        assert _until(False, 2.5) <= 2.2
        with pytest.raises(LogUnavailable):
            leases.view(who, STUDY, "care")
    _until(True, 4.0)


def test_a_probe_that_hangs_grows_old(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    pulse.start()
    pulse.check()
    monkeypatch.setattr(pulse, "_probe", _hanging)
    assert _until(False, 3.5) <= 3.2  # one good probe may still come before the hanging one


def _hanging() -> float:
    time.sleep(4)
    return pulse.moment()


def test_only_a_probe_that_began_after_a_failure_heals_it(installation: Installation) -> None:
    assert pulse.probe()
    began = pulse.moment()
    pulse.fail("the test says so")
    pulse.good(began)
    with pytest.raises(LogUnavailable):
        pulse.check()
    time.sleep(pulse.EVERY_SECONDS)
    pulse.check()


def test_without_a_thread_it_probes_in_place_and_not_in_a_callers_transaction(
    installation: Installation, event: Callable[..., Event]
) -> None:
    assert not pulse.running()
    pulse.check()
    with refused_inserts():
        with pytest.raises(LogUnavailable):
            log.commit([event()])
        with pytest.raises(LogUnavailable):
            pulse.check()
    time.sleep(pulse.EVERY_SECONDS)
    pulse.check()


def test_a_journal_that_cannot_be_written_voids_the_pulse_until_it_can(
    installation: Installation, who: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = leases.view(who, STUDY, "care")
    journal.delivered(receipt, Use.DISPLAYED, "1.2", "1.2.3", [1], 10)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fdatasync", _no_space)
        with pytest.raises(LogUnavailable):
            journal.flush()
        time.sleep(pulse.EVERY_SECONDS)
        assert pulse.probe()
        with pytest.raises(LogUnavailable):
            pulse.check()
    journal.flush()
    assert pulse.probe()
    pulse.check()


def _no_space(_: int) -> None:
    raise OSError(28, "No space left on device")
