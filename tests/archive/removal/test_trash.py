"""A study in the trash is gone by every way, comes back whole, and a hold keeps it."""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import epoch, gate, groups, identify, people, scope, standing
from accounts.errors import Forbidden, NotVisible
from accounts.models import Hold, Withdrawn
from archive import arrivals, derive, ingest, query, removal, retrieve
from archive.errors import Unsuitable
from archive.models import Instance, Job, Rendition, Series, Study
from archive.query.criteria import Criteria, Page
from audit.actions import Action
from audit.models import Alert, AuditEvent
from tests import builders
from tests.archive.test_ingest import opened

pytestmark = pytest.mark.both_databases
Actors = Callable[[Any], Any]


@pytest.fixture
def sender(modality: Any, actor_of: Actors) -> Any:
    return actor_of(modality)


@pytest.fixture
def stored(sender: Any) -> Any:
    return ingest.store(sender, builders.part10(builders.ct_slice()))


def found(actor: Any) -> list[str]:
    return [row.uid for row in query.studies(actor, Criteria(), Page(10)).rows]


def test_a_trashed_study_is_unknown_at_every_door_and_comes_back_whole(
    sender: Any, technologist: Any, radiologist: Any, actor_of: Actors
) -> None:
    sent = builders.part10(builders.ct_slice())
    stored = ingest.store(sender, sent)
    reader, uid = actor_of(radiologist), stored.study_uid
    assert found(reader) == [uid]
    removal.trash(actor_of(technologist), uid)
    reader = actor_of(radiologist)
    assert found(reader) == []
    assert arrivals.recent(reader, [uid]) == ()
    assert not arrivals.others_since(reader, timezone.now(), [])
    for ask in (
        lambda: query.study(reader, uid),
        lambda: query.priors(reader, uid),
        lambda: retrieve.archive(reader, uid, "care", ""),
        lambda: gate.view(reader, uid, found=True),
        lambda: gate.disclose(identify.system("derive"), Action.DERIVED, uid, found=True),
    ):
        with pytest.raises(NotVisible):
            ask()
    assert scope.limit(Study.objects.all(), identify.system("derive"), "uid").count() == 0
    removal.restore(actor_of(technologist), uid)
    assert found(actor_of(radiologist)) == [uid]
    assert opened(actor_of(radiologist), Instance.objects.get()) == sent
    told = [Action.TRASHED, Action.RESTORED]
    events = AuditEvent.objects.filter(action__in=told, outcome="ok", study_uid=uid).order_by("seq")
    assert [row.action for row in events] == told


def test_jobs_leave_a_trashed_study_alone_and_are_promised_again(
    stored: Any, technologist: Any, actor_of: Actors
) -> None:
    series = str(Series.objects.get().id)
    removal.trash(actor_of(technologist), stored.study_uid)
    Job.objects.all().delete()
    derive.metadata(series, lambda *_: None)
    derive.digest(series, lambda *_: None)
    assert not Rendition.objects.exists()
    assert Instance.objects.get().verified_at is None
    removal.restore(actor_of(technologist), stored.study_uid)
    promised = set(Job.objects.filter(state="due").values_list("kind", flat=True))
    assert promised == {"preview", "digest", "metadata", "reindex"}


def test_a_view_that_runs_here_ends_within_two_seconds_of_a_trash_elsewhere(
    installation: Any, stored: Any, radiologist: Any, actor_of: Actors
) -> None:
    reader = actor_of(radiologist)
    receipt = gate.view(reader, stored.study_uid, found=True)
    assert gate.still(receipt, reader) is receipt
    epoch.start()
    command = [sys.executable, "manage.py", "study", "trash", stored.study_uid]
    subprocess.run(command, env=installation.environment, check=True, capture_output=True)
    time.sleep(2)
    with pytest.raises(NotVisible):
        gate.still(receipt, reader)


def test_a_running_download_ends_between_two_chunks(
    sender: Any, technologist: Any, radiologist: Any, actor_of: Actors
) -> None:
    slices = builders.study(6, side=256)
    for one in slices:
        ingest.store(sender, builders.part10(one))
    uid = str(slices[0].StudyInstanceUID)
    chunks = retrieve.archive(actor_of(radiologist), uid, "care", "")
    got = [len(next(chunks))]
    removal.trash(actor_of(technologist), uid)
    with pytest.raises(NotVisible):
        got.extend(map(len, chunks))
    assert sum(got) < 3 * 256 * 256 * 2


def test_images_that_race_with_the_trash_are_all_kept_and_all_hidden(
    sender: Any, technologist: Any, radiologist: Any, actor_of: Actors
) -> None:
    slices = [builders.part10(one) for one in builders.study(12)]
    uid = ingest.store(sender, slices[0]).study_uid
    tickets = [ingest.submit(sender, one) for one in slices[1:]]
    removal.trash(actor_of(technologist), uid)
    tickets += [ingest.submit(sender, builders.part10(builders.ct_slice(study_uid=uid, number=13)))]
    assert {ticket.result().status for ticket in tickets} == {"stored"}
    assert Study.objects.get().instance_count == Instance.objects.count() == 13
    assert Alert.objects.filter(kind="trashed-arrival", subject=uid).count() == 1
    assert found(actor_of(radiologist)) == []


def test_images_for_a_trashed_study_are_kept_hidden_and_told(
    sender: Any, technologist: Any, radiologist: Any, actor_of: Actors
) -> None:
    first, second = builders.study(2)
    uid = ingest.store(sender, builders.part10(first)).study_uid
    removal.trash(actor_of(technologist), uid)
    assert ingest.store(sender, builders.part10(second)).status == "stored"
    alert = Alert.objects.get(kind="trashed-arrival")
    assert alert.subject == uid
    assert found(actor_of(radiologist)) == []
    assert standing.covers(actor_of(radiologist), uid) is False
    removal.restore(actor_of(technologist), uid)
    assert Study.objects.get().instance_count == 2
    assert opened(actor_of(radiologist), Instance.objects.get(number=2)) == builders.part10(second)


def test_who_may_not_is_refused_on_record_and_nothing_changes(
    stored: Any, radiologist: Any, outsider: Any, technologist: Any, administrator: Any, actor_of: Actors
) -> None:
    uid = stored.study_uid
    for person in (radiologist, outsider, administrator):
        for act in (removal.trash, removal.restore, removal.release, lambda who, one: removal.hold(who, one, "why")):
            with pytest.raises(Forbidden):
                act(actor_of(person), uid)
    with pytest.raises(Forbidden):
        removal.hold(actor_of(technologist), uid, "why")
    assert not Withdrawn.objects.exists()
    assert not Hold.objects.exists()
    assert AuditEvent.objects.filter(outcome="denied", study_uid=uid).count() == 13


def test_another_departments_technologist_neither_trashes_nor_restores_nor_lists(
    stored: Any, technologist: Any, actor_of: Actors
) -> None:
    stranger = people.create(
        "stranger", password="correct horse battery staple", roles=["technologist"], groups=groups.named(["Cardiology"])
    )
    with pytest.raises(NotVisible):
        removal.trash(actor_of(stranger), stored.study_uid)
    removal.trash(actor_of(technologist), stored.study_uid)
    with pytest.raises(NotVisible):
        removal.restore(actor_of(stranger), stored.study_uid)
    assert removal.trashed(actor_of(stranger)) == ()
    assert [one.uid for one in removal.trashed(actor_of(technologist))] == [stored.study_uid]


def test_a_hold_is_the_privacy_officers_and_needs_a_reason(stored: Any, privacy_officer: Any, actor_of: Actors) -> None:
    officer = actor_of(privacy_officer)
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(Unsuitable):
            removal.hold(officer, stored.study_uid, reason)
    removal.hold(officer, stored.study_uid, "Court order")
    with pytest.raises(Unsuitable):
        removal.hold(officer, stored.study_uid, "Again")
    removal.release(officer, stored.study_uid)
    with pytest.raises(Unsuitable):
        removal.release(officer, stored.study_uid)
    with pytest.raises(NotVisible):
        removal.hold(officer, "1.2.3.4", "No such study")
    assert AuditEvent.objects.filter(action__in=[Action.HOLD, Action.RELEASED], outcome="ok").count() == 2


def test_the_commands_trash_restore_hold_and_release(stored: Any, capsys: pytest.CaptureFixture[str]) -> None:
    uid = stored.study_uid
    call_command("study", "trash", uid, "--json")
    assert scope.withdrawn(uid)
    call_command("study", "trashed")
    assert uid in capsys.readouterr().out.splitlines()[-1]
    with pytest.raises(CommandError, match="already"):
        call_command("study", "trash", uid)
    call_command("study", "restore", uid)
    assert not scope.withdrawn(uid)
    call_command("study", "hold", uid, "--reason", "Court order")
    assert Hold.objects.filter(study_uid=uid).exists()
    call_command("study", "release", uid)
    assert not Hold.objects.exists()
    with pytest.raises(CommandError, match="no such study"):
        call_command("study", "trash", "1.2.3.4")


def test_a_trash_of_no_days_is_refused_at_start_by_name(installation: Any) -> None:
    for days in ("0", "soon"):
        environment = {**installation.environment, "PACS_TRASH_DAYS": days}
        started = subprocess.run(
            [sys.executable, "manage.py", "check"], env=environment, capture_output=True, text=True, check=False
        )
        assert started.returncode != 0
        assert "PACS_TRASH_DAYS" in started.stderr
