"""The one writer: every event gets its number, its time and its place in the chain, or nothing happens."""

import hashlib
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
import pytest
import rfc8785
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from audit import clock, log, pulse, refusals, rows, tables, turns
from audit.actions import Action, Outcome
from audit.errors import LogUnavailable
from audit.events import Event, clean
from audit.models import AuditEvent, AuditListed
from audit.receipts import Who
from tests.audit.conftest import STUDY
from tests.audit.planted import held_lock, refused_inserts
from tests.conftest import Installation

pytestmark = pytest.mark.both_databases
Make = Callable[..., Event]
CLEAR = (
    *(
        "version",
        "log",
        "seq",
        "time_us",
        "action",
        "outcome",
        "request_id",
        "purpose",
        "study_uid",
        "patient",
        "count",
    ),
    *("actor_kind", "actor_key", "actor_name", "actor_role", "actor_address", "actor_ae_title", "actor_session"),
)


def test_the_chain_is_what_the_design_says(installation: Installation, event: Make) -> None:
    log.commit([event(), event(Action.SEARCH, listed=("1.2.3", "1.2.4"), details={"name": "x"})])
    log.commit([event(count=7)])
    previous = bytes(32)
    for row in AuditEvent.objects.order_by("seq"):
        told = {name: getattr(row, name) for name in CLEAR}
        told |= {name: value and str(value) for name, value in (("id", row.id), ("sitting", row.sitting))}
        told["details_key"] = row.details_key and str(row.details_key)
        told["details_sha256"] = hashlib.sha256(bytes(row.details)).hexdigest()
        told["listed"] = list(
            AuditListed.objects.filter(seq=row.seq).order_by("position").values_list("study_uid", flat=True)
        )
        leaf = hashlib.sha256(b"\0" + rfc8785.dumps(told)).digest()
        assert bytes(row.leaf) == leaf
        previous = hashlib.sha256(b"\x02" + previous + row.seq.to_bytes(8, "big") + leaf).digest()
        assert bytes(row.row) == previous
    last = AuditEvent.objects.order_by("-seq")[0]
    first = AuditEvent.objects.order_by("seq")[0]
    assert (first.seq, last.seq) == (1, AuditEvent.objects.count())


def test_details_are_sealed_and_open_only_in_their_own_row(installation: Installation, event: Make) -> None:
    log.commit([event(details={"reason": "canary-4711"}), event()])
    sealed, bare = AuditEvent.objects.order_by("-seq")[:2][::-1]
    assert b"canary-4711" not in bytes(sealed.details)
    assert log.open_details(sealed) == {"reason": "canary-4711"}
    assert log.open_details(bare) is None
    bare.details, bare.details_key = sealed.details, sealed.details_key
    with pytest.raises(Exception, match="belongs here"):
        log.open_details(bare)


def test_an_event_falls_with_the_transaction_it_joined(installation: Installation, event: Make) -> None:
    log.commit([event()])
    before = AuditEvent.objects.count()
    with pytest.raises(ZeroDivisionError):
        _append_and_fail(event())
    log.commit([event()])
    assert AuditEvent.objects.count() == before + 1
    assert AuditEvent.objects.order_by("-seq")[0].seq == before + 1


def _append_and_fail(event: Event) -> None:
    with transaction.atomic():
        log.append([event])
        raise ZeroDivisionError


def test_nothing_is_appended_outside_a_transaction_nor_made_durable_inside_one(
    installation: Installation, event: Make
) -> None:
    with pytest.raises(RuntimeError):
        log.append([event()])
    with transaction.atomic(), pytest.raises(RuntimeError):
        log.commit([event()])


def test_time_never_runs_backwards(installation: Installation, event: Make) -> None:
    log.commit([event()])
    (stored,) = tables.page(1, AuditEvent.objects.count() - 1, 1)
    row, _, previous = tables.decode(stored)
    tomorrow = row.time_us + 86_400_000_000
    ahead = row._replace(id=uuid4(), seq=row.seq + 1, time_us=tomorrow)
    tables.insert([rows.chain(ahead, (), previous)])
    log.commit([event(), event()])
    log.commit([event()])
    assert list(AuditEvent.objects.order_by("seq").values_list("time_us", flat=True))[-4:] == [tomorrow] * 4


def test_an_event_has_the_time_of_the_database(installation: Installation, event: Make) -> None:
    before = clock.read()
    log.commit([event()])
    written = AuditEvent.objects.latest("seq").time_us / 1_000_000
    assert before - 0.001 <= written <= clock.read() + 0.001


def test_whatever_comes_from_the_wire_is_kept_and_does_not_stop_the_log(installation: Installation) -> None:
    hostile = Who("device", "device:?", "\0\ud800\n" + "x" * 500, "", "::1", "\x1b[31m" * 9, "s" * 99, "r" * 99)
    log.commit([Event(Action.REFUSED, Outcome.DENIED, hostile, study_uid="9" * 200, listed=("8" * 100,))])
    row = AuditEvent.objects.order_by("-seq")[0]
    assert row.actor_name.startswith("\ufffd\ufffd\ufffdxx")
    assert (len(row.actor_name), len(row.study_uid), len(row.actor_session)) == (150, 64, 32)


def test_a_receipt_covers_its_study_and_is_durable(installation: Installation, event: Make) -> None:
    receipt = log.receipt(event(Action.DOWNLOAD, patient="ab" * 16), (STUDY,))
    receipt.require(STUDY)
    with pytest.raises(Exception, match="does not cover"):
        receipt.require("1.2.3")
    assert AuditEvent.objects.get(id=receipt.event).sitting == receipt.sitting == receipt.event
    assert receipt.patient == "ab" * 16


def test_a_log_that_refuses_inserts_is_unavailable_and_recovers_by_itself(
    installation: Installation, event: Make
) -> None:
    log.receipt(event(), (STUDY,))
    with refused_inserts():
        with pytest.raises(LogUnavailable):
            log.commit([event()])
        with pytest.raises(LogUnavailable):
            pulse.check()
        with pytest.raises(LogUnavailable), transaction.atomic():
            log.append([event()])
    assert pulse.probe()
    log.receipt(event(), (STUDY,))


def test_a_log_behind_a_lock_is_unavailable_within_seconds(installation: Installation, event: Make) -> None:
    log.commit([event()])
    began = time.monotonic()
    with held_lock(), pytest.raises(LogUnavailable):
        log.commit([event()])
    assert time.monotonic() - began < 5
    log.commit([event()])


@pytest.mark.parametrize("alone", [True, False])
def test_nobody_waits_long_to_be_told_what_is_known(
    installation: Installation, event: Make, monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    told = list[int]()
    monkeypatch.setattr("audit.placing.write", lambda rows, patience_ms: told.append(patience_ms))
    monkeypatch.setattr("audit.placing.append", lambda rows, patience_ms: told.append(patience_ms))
    monkeypatch.setattr("audit.alerts.called_for", lambda events: alone)
    monkeypatch.setattr("audit.alerts.written", lambda events: None)
    log.commit([event()])
    monkeypatch.setattr(pulse, "lost", lambda: True)
    log.commit([event()])
    before, after = told
    assert after <= turns.SHORT_PATIENCE_MS < 2000 < before


def test_refusals_of_strangers_are_folded(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    start = AuditEvent.objects.count()
    stranger = Who("nobody", "nobody:-", "-", address="192.0.2.1")
    other = Who("nobody", "nobody:-", "-", address="192.0.2.2")
    for _ in range(50):
        log.refused(Action.REFUSED, stranger, {"refused": "unknown AE title"})
    log.refused(Action.REFUSED, other, {"refused": "unknown AE title"})
    log.refused(Action.PAGE, stranger, {"refused": "no session"})
    assert AuditEvent.objects.count() == start + 3
    log.fold_due()
    assert AuditEvent.objects.count() == start + 3
    monkeypatch.setattr(refusals, "WINDOW_SECONDS", 0.0)
    log.fold_due()
    counted = AuditEvent.objects.filter(seq__gt=start).order_by("seq").values_list("actor_address", "action", "count")
    assert list(counted) == [
        ("192.0.2.1", "wire:refused", 1),
        ("192.0.2.2", "wire:refused", 1),
        ("192.0.2.1", "page:refused", 1),
        ("192.0.2.1", "wire:refused", 49),
    ]


def test_hundreds_of_events_go_in_together(installation: Installation, event: Make) -> None:
    many = [
        event(Action.STORE, study_uid=f"1.2.{number}", listed=("1.9",) if number % 50 == 0 else ())
        for number in range(700)
    ]
    with transaction.atomic():
        log.append(many)
    stored = list(AuditEvent.objects.filter(action=Action.STORE).order_by("seq").values_list("study_uid", flat=True))
    assert stored == [one.study_uid for one in many]


@given(st.text(max_size=300))
def test_cleaned_text_is_the_same_in_both_encoders(text: str) -> None:
    cleaned: dict[str, Any] = {"a": clean(text, 150), "b": None, "c": 2**53 - 1, "listed": [clean(text, 64)]}
    assert orjson.dumps(cleaned, option=orjson.OPT_SORT_KEYS) == rfc8785.dumps(cleaned)
    assert len(cleaned["a"]) <= 150


def test_a_stored_row_reads_back_as_it_was_hashed(installation: Installation, event: Make) -> None:
    log.commit([event(details={"a": 1})])
    (stored,) = tables.page(1, AuditEvent.objects.count() - 1, 10)
    row, leaf, chained = tables.decode(stored)
    assert rows.leaf_hash(row, ()) == leaf
    assert len(chained) == 32
