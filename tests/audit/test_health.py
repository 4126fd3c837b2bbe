"""Page and command say of each part of the record's machinery how it is; what breaks is told where it breaks."""

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Person
from archive import space
from audit import alerts, checkpoints, clock, journal, leases, log, pulse, recorded
from audit.actions import Action, Outcome, Use
from audit.events import Event
from audit.health import looking
from audit.health.lines import Health, Line, State, age
from audit.messages import cursor
from audit.models import Alert, AuditEvent, Heartbeat
from audit.receipts import Who
from tests.accounts.browsing import Browser
from tests.audit.conftest import STUDY
from tests.audit.planted import refused_inserts
from tests.audit.tampering import do
from tests.audit.test_command import run
from tests.audit.test_pages import text
from tests.conftest import Installation

pytestmark = [pytest.mark.usefixtures("installation")]
Make = Callable[..., Event]
OPERATOR = Who("shell", "shell:x", "x")


def look() -> Health:
    return looking.look(space.floor)


def line(kind: str) -> Line:
    """The one line of a kind."""
    (found,) = [one for one in look().lines if one.kind == kind]
    return found


@pytest.mark.both_databases
def test_a_record_that_is_kept_as_it_should_be_is_good_in_every_line(written: int) -> None:
    recorded.run(OPERATOR)
    checkpoints.sign_due(at_once=True)
    assert pulse.probe()
    health = look()
    assert [(one.kind, one.said) for one in health.lines if one.state is not State.GOOD] == []
    assert health.state is State.GOOD
    assert {one.kind for one in health.lines} == {
        *("head", "checkpoint", "anchor", "verification", "alerts", "refusals"),
        *("processes", "pulse", "journals", "destination", "clock", "disk"),
    }
    assert all(one.said and one.label for one in health.lines)


@pytest.mark.both_databases
def test_an_anchor_that_is_gone_behind_or_forged_is_broken(written: int, installation: Installation) -> None:
    place = installation.root / "anchors"
    (file,) = place.iterdir()
    whole = file.read_bytes()
    assert line("anchor").state is State.GOOD
    file.write_bytes(whole[: whole.index(b"\n\n") + 2])
    behind = line("anchor")
    assert "rows behind" in behind.said
    assert behind.state is State.GOOD, "a checkpoint is copied within minutes"
    file.write_bytes(whole.replace(b"\xe2\x80\x94 custos", b"\xe2\x80\x94 custom"))
    assert (line("anchor").state, line("anchor").said) == (State.BROKEN, "Its newest note does not verify.")
    file.unlink()
    file.mkdir()
    alerts.raise_("anchor", str(place), "A checkpoint could not be copied there (IsADirectoryError).")
    gone = line("anchor")
    assert gone.state is State.BROKEN
    assert "IsADirectoryError" in gone.said
    assert "could not be copied" in dict(gone.facts)["Last fault"]
    assert gone.advice


def test_an_anchor_that_stays_behind_is_broken(
    written: int, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = (installation.root / "anchors").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: whole.index(b"\n\n") + 2])
    later = timezone.now() + timedelta(minutes=11)
    monkeypatch.setattr(clock, "moment", lambda: later)
    assert line("anchor").state is State.BROKEN


def test_a_verification_that_found_something_or_none_for_a_week_is_broken(
    written: int, unguarded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (line("verification").state, line("verification").said) == (State.GOOD, "The record was not verified yet.")
    recorded.run(OPERATOR)
    good = line("verification")
    assert good.state is State.GOOD
    assert f"by shell:x, {written} rows: intact." in good.said
    assert "Next one" in dict(good.facts)
    with monkeypatch.context() as later:
        later.setattr(clock, "now", lambda: timezone.now().timestamp() + 8 * 86400)
        assert (line("verification").state, "Overdue" in dict(line("verification").facts)) == (State.BROKEN, True)
    with unguarded():
        do("UPDATE audit_event SET actor_name = 'other' WHERE seq = 2")
    recorded.run(OPERATOR)
    assert line("verification").state is State.BROKEN
    assert line("verification").said.endswith("edited.")
    assert line("alerts").state is State.BROKEN


def test_a_journal_that_waits_or_was_damaged_is_told(installation: Installation, who: Who) -> None:
    receipt = leases.view(who, STUDY, "care")
    journal.delivered(receipt, Use.DISPLAYED, "1.2", "1.2.3", [1], 10)
    journal.flush()
    (file,) = (installation.data / "journals").glob("*.journal")
    waiting = line("journals")
    assert (waiting.state, waiting.said) == (State.GOOD, "1 journal waits.")
    os.utime(file, (0, 0))
    assert line("journals").state is State.LOOK
    journal.settle()
    assert line("journals").said == "Everything that was sent is in the record."
    file.with_suffix(".damaged").write_bytes(b"x")
    assert line("journals").state is State.BROKEN


def test_silence_of_all_processes_a_clock_apart_and_a_full_disk_are_told(
    written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    Heartbeat.objects.all().delete()
    Heartbeat.objects.create(process="web:1", beaten_at=timezone.now() - timedelta(minutes=1))
    assert line("processes").state is State.LOOK
    Heartbeat.objects.create(process="web:2", beaten_at=timezone.now())
    assert dict(line("processes").facts).keys() == {"web:2"}
    assert [one.state for one in looking.look(lambda _total: 1 << 60).lines if one.kind == "disk"] == [State.BROKEN]
    with monkeypatch.context() as apart:
        apart.setattr("audit.health.running.time.time", lambda: clock.now() - 30)
        assert line("clock").state is State.LOOK
    monkeypatch.setattr(clock, "now", lambda: 0.0)
    assert (line("clock").state, "future" in line("clock").said) == (State.BROKEN, True)


def test_a_part_that_cannot_be_looked_at_is_broken_and_hides_no_other(
    written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "last", lambda: (_ for _ in ()).throw(OSError("a path of this machine")))
    broken = line("verification")
    assert broken.state is State.BROKEN
    assert "path" not in broken.said
    assert len(look().lines) == 12


def test_refusals_of_the_last_hour_are_counted_as_often_as_they_came(written: int) -> None:
    stranger = Who("nobody", "nobody:-", "-", address="10.0.0.9")
    log.commit([Event(Action.REFUSED, Outcome.DENIED, stranger, count=250)])
    refusals = line("refusals")
    assert (refusals.state, dict(refusals.facts)) == (State.LOOK, {"Rows on record": "1"})
    assert "250 times" in refusals.said


def test_a_collector_that_lags_is_told(
    written: int, settings: Any, monkeypatch: pytest.MonkeyPatch, event: Make
) -> None:
    assert (line("destination").state, line("destination").facts) == (State.GOOD, ())
    settings.PACS_SYSLOG_URL = "tls://collector.example:6514"
    assert line("destination").state is State.LOOK
    cursor.begin(settings.PACS_SYSLOG_URL)
    assert line("destination").state is State.GOOD
    log.commit([event(), event()])
    assert (line("destination").state, "2 wait" in line("destination").said) == (State.GOOD, True)
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + 1200)
    assert line("destination").state is State.BROKEN


def test_reading_the_page_is_on_record_and_nobody_else_may(
    privacy_officer: Person, administrator: Person, radiologist: Person, written: int
) -> None:
    officer = Browser().sign_in(privacy_officer)
    assert "Last checkpoint" in text(officer.open("/record/health/"))
    row = AuditEvent.objects.filter(action=Action.LOG_READ).latest("seq")
    assert (log.open_details(row) or {})["page"] == "health"
    assert row.actor_name == "privacy"
    for person in (administrator, radiologist):
        assert Browser().sign_in(person).open("/record/health/").status_code == 403
    with refused_inserts():
        answer = officer.open("/record/health/")
        assert (answer.status_code, "Last checkpoint" in text(answer)) == (503, False)


def test_who_reads_french_reads_the_health_in_french(privacy_officer: Person, written: int) -> None:
    officer = Browser().sign_in(privacy_officer)
    officer.send("/me/", language="fr", theme="dark")
    page = text(officer.open("/record/health/"))
    for words in ("État du journal", "Dernier point de contrôle", "Place sur le disque", "bon"):
        assert words in page
    assert "good" not in page


@pytest.mark.both_databases
def test_the_command_says_the_same_in_words_in_json_and_by_its_exit_code(
    installation: Installation, written: int, unguarded: Callable[[], AbstractContextManager[None]]
) -> None:
    recorded.run(OPERATOR)
    assert pulse.probe()
    good = run(installation, "status")
    assert (good.returncode, "[good] Last checkpoint: " in good.stdout) == (0, True), good.stdout
    assert AuditEvent.objects.filter(action=Action.LOG_READ, actor_kind="shell").count() == 1
    alerts.raise_("anchor", "x", "y")
    looked = run(installation, "status", "--json")
    assert looked.returncode == 1
    answer = json.loads(looked.stdout)
    assert answer["state"] == "look"
    assert {one["kind"]: one["state"] for one in answer["lines"]}["alerts"] == "look"
    Alert.objects.update(kind="tampering")
    broken = run(installation, "status")
    assert broken.returncode == 2
    assert "    -> Read them" in broken.stdout
    with refused_inserts():
        assert run(installation, "status").returncode == 9


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (7200, "2 hours"),
        (172800, "2 days"),
    ],
)
def test_an_age_is_told_in_a_unit_that_people_count_in(seconds: int, words: str) -> None:
    assert age(timedelta(seconds=seconds)) == words


def test_the_page_names_no_study(privacy_officer: Person, written: int, tmp_path: Path) -> None:
    alerts.raise_("foreign-sender", STUDY, "x")
    assert STUDY not in text(Browser().sign_in(privacy_officer).open("/record/health/"))
