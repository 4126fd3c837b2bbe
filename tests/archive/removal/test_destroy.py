"""A destroyed study is gone for good: its keys first, then the rest; nothing stops half-way, nothing comes back."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import epoch, factors, gate, scope
from accounts.errors import Forbidden, NotVisible, StepUpNeeded
from accounts.models import Access, Destroyed, TotpDevice, Withdrawn
from archive import certificates, destruction, erasing, ingest, keys, packs, removal, tasks
from archive.errors import Damaged, Unavailable, Unsuitable
from archive.models import Instance, Job, Pack, Patient, Phrase, Study, StudyKey
from audit import anchors
from audit.actions import Action
from audit.models import Alert, AuditEvent
from tests import builders
from tests.archive.removal.conftest import Doomed, gone, past, raw
from tests.archive.test_ingest import opened
from tests.conftest import PASSWORD, Installation, forget_everything
from vault.objects import Kind, instance_slots

pytestmark = pytest.mark.both_databases
Actors = Callable[[Any], Any]


class Killed(BaseException):
    """The process ends here: nothing of ours catches it."""


def kill(*_: Any) -> Any:
    raise Killed


def test_keys_rows_and_packs_are_gone_and_a_certificate_stays(
    doomed: Doomed, installation: Installation, keeper: Any, actor_of: Actors
) -> None:
    certificate = destruction.destroy(actor_of(keeper), doomed.uid)
    assert gone(doomed)
    for table in (Study, Instance, Pack, Patient, Phrase, StudyKey, Access, Withdrawn):
        assert not table.objects.exists(), table
    row = Destroyed.objects.get(id=certificate)
    assert row.completed_at is not None
    (place,) = anchors.places()
    assert list(place.notes(certificates.origin(), 1 << 20)) == [row.note]
    assert all(str(key) in row.note for key in doomed.key_ids)
    event = AuditEvent.objects.get(action=Action.DESTROYED)
    assert (event.study_uid, event.outcome, event.actor_name) == (doomed.uid, "ok", "keeper")


def test_no_page_of_the_key_table_and_no_journal_holds_the_key(
    doomed: Doomed, installation: Installation, keeper: Any, actor_of: Actors
) -> None:
    other = keys.ensure("study", ["1.2.3"])["1.2.3"].id
    kept = bytes(StudyKey.objects.get(id=other).wrapped)
    before = raw(installation)
    assert all(wrapped in before for wrapped in (*doomed.wrapped.values(), kept))
    destruction.destroy(actor_of(keeper), doomed.uid)
    after = raw(installation)
    assert not any(wrapped in after for wrapped in doomed.wrapped.values())
    assert kept in after


def test_a_restored_copy_of_a_pack_does_not_open(
    doomed: Doomed, technologist: Any, radiologist: Any, keeper: Any, tmp_path: Any, actor_of: Actors
) -> None:
    ingest.stop()
    removal.restore(actor_of(technologist), doomed.uid)
    receipt = gate.disclose(actor_of(radiologist), Action.VIEW, doomed.uid, found=True)
    removal.trash(actor_of(technologist), doomed.uid)
    past(doomed.uid)
    shutil.copytree(doomed.folder, tmp_path / "copy")
    one = doomed.instance
    slots = instance_slots(doomed.uid, one.series.uid, one.uid)

    def tried() -> bytes:
        sealed = packs.read(one.pack.name, one.offset, one.length)
        return keys.unlock(receipt, doomed.uid).object(one.key_id, Kind.INSTANCE, one.id, 0, slots, sealed)

    assert tried() == doomed.sent
    destruction.destroy(actor_of(keeper), doomed.uid)
    shutil.copytree(tmp_path / "copy", doomed.folder)
    with pytest.raises(Damaged):
        tried()
    with pytest.raises(Unavailable):
        keys.seal(one.key_id, Kind.INSTANCE, one.id, slots, b"x")


def test_only_a_keeper_with_a_fresh_factor_destroys(
    doomed: Doomed,
    keeper: Any,
    radiologist: Any,
    technologist: Any,
    outsider: Any,
    administrator: Any,
    privacy_officer: Any,
    actor_of: Actors,
) -> None:
    for person in (radiologist, technologist, outsider, administrator, privacy_officer):
        with pytest.raises(Forbidden):
            destruction.destroy(actor_of(person), doomed.uid)
    with pytest.raises(StepUpNeeded):
        destruction.destroy(replace(actor_of(keeper), stepped_up_at=time.time() - 301), doomed.uid)
    with pytest.raises(NotVisible):
        destruction.destroy(actor_of(keeper), "1.2.3.4")
    assert StudyKey.objects.filter(id__in=doomed.key_ids).count() == 2
    assert AuditEvent.objects.filter(action=Action.DESTROYED).exclude(outcome="ok").count() == 7


def test_a_study_that_is_not_trashed_too_young_or_held_is_not_destroyed(
    doomed: Doomed, technologist: Any, privacy_officer: Any, keeper: Any, actor_of: Actors
) -> None:
    removal.hold(actor_of(privacy_officer), doomed.uid, "Court order")
    with pytest.raises(Unsuitable, match="hold"):
        destruction.destroy(actor_of(keeper), doomed.uid)
    removal.release(actor_of(privacy_officer), doomed.uid)
    Withdrawn.objects.update(at=timezone.now())
    with pytest.raises(Unsuitable, match="from"):
        destruction.destroy(actor_of(keeper), doomed.uid)
    removal.restore(actor_of(technologist), doomed.uid)
    with pytest.raises(Unsuitable, match="trash"):
        destruction.destroy(actor_of(keeper), doomed.uid)
    assert StudyKey.objects.filter(id__in=doomed.key_ids).count() == 2
    assert not Destroyed.objects.exists()
    assert not AuditEvent.objects.filter(action=Action.DESTROYED, outcome="ok").exists()


def test_killed_within_the_transaction_nothing_has_happened(
    doomed: Doomed, technologist: Any, radiologist: Any, keeper: Any, actor_of: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("archive.jobs.promise", kill)
        with pytest.raises(Killed):
            destruction.destroy(actor_of(keeper), doomed.uid)
    removal.restore(actor_of(technologist), doomed.uid)
    assert opened(actor_of(radiologist), Instance.objects.get()) == doomed.sent
    assert not Destroyed.objects.exists()


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize("again", ["job", "command"])
def test_killed_between_two_steps_it_is_taken_up_again(
    doomed: Doomed,
    installation: Installation,
    keeper: Any,
    actor_of: Actors,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    again: str,
) -> None:
    whole = destruction.STEPS
    with monkeypatch.context() as patched:
        patched.setattr(destruction, "STEPS", (*whole[:step], kill))
        with pytest.raises(Killed):
            destruction.destroy(actor_of(keeper), doomed.uid)
    assert not StudyKey.objects.filter(id__in=doomed.key_ids).exists()
    assert Destroyed.objects.get().completed_at is None
    forget_everything()
    if again == "job":
        assert tasks.run(Job.objects.get(kind="destroy").id)
    else:
        destruction.destroy(actor_of(keeper), doomed.uid)
    assert Destroyed.objects.get().completed_at is not None
    assert gone(doomed)
    assert not any(wrapped in raw(installation) for wrapped in doomed.wrapped.values())
    (file,) = (installation.root / "anchors").glob("*destroyed*")
    assert file.read_text().count('"certificate"') == 1
    assert AuditEvent.objects.filter(action=Action.DESTROYED, outcome="ok", study_uid=doomed.uid).count() == 1


def test_an_anchor_that_cannot_be_written_is_told_and_tried_again(
    doomed: Doomed, keeper: Any, actor_of: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "full")

    with monkeypatch.context() as patched:
        patched.setattr(anchors.Folder, "append", full)
        with pytest.raises(Unavailable):
            destruction.destroy(actor_of(keeper), doomed.uid)
    assert Alert.objects.filter(kind="anchor").exists()
    assert tasks.run(Job.objects.get(kind="destroy").id)
    assert gone(doomed)


def test_the_patients_key_stays_as_long_as_another_study_does(
    doomed: Doomed, sender: Any, radiologist: Any, keeper: Any, actor_of: Actors
) -> None:
    sent = builders.part10(builders.ct_slice(doomed.identity))
    ingest.store(sender, sent)
    destruction.destroy(actor_of(keeper), doomed.uid)
    assert Patient.objects.count() == 1
    assert StudyKey.objects.filter(scope="patient").count() == 1
    assert opened(actor_of(radiologist), Instance.objects.get()) == sent


def test_the_same_study_sent_again_has_a_new_key_and_a_new_life(
    doomed: Doomed, sender: Any, radiologist: Any, keeper: Any, actor_of: Actors
) -> None:
    destruction.destroy(actor_of(keeper), doomed.uid)
    assert ingest.store(sender, doomed.sent).status == "stored"
    assert StudyKey.objects.filter(id__in=doomed.key_ids).count() == 0
    assert scope.covers(actor_of(radiologist), doomed.uid) is None
    assert opened(actor_of(radiologist), Instance.objects.get()) == doomed.sent


def test_a_process_that_serves_drops_its_keys_when_rights_change_elsewhere(
    installation: Installation, sender: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = ingest.store(sender, builders.part10(builders.ct_slice()))
    key = StudyKey.objects.get(scope="study").id
    epoch.start()
    time.sleep(0.2)
    keys.ensure("study", [stored.study_uid])
    assert keys.ready(key)
    command = [sys.executable, "manage.py", "study", "trash", stored.study_uid]
    subprocess.run(command, env=installation.environment, check=True, capture_output=True)
    time.sleep(2)
    assert not keys.ready(key)


def test_the_command_asks_for_both_factors_of_a_keeper(
    doomed: Doomed, keeper: Any, technologist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = {person.username: factors.issue(person)[1] for person in (keeper, technologist)}

    def command(name: str, password: str, code: str) -> None:
        answers = iter((password, code))
        monkeypatch.setattr("getpass.getpass", lambda _prompt: next(answers))
        call_command("study", "destroy", doomed.uid, "--as", name)

    for name, password, code in (
        ("keeper", "wrong", codes["keeper"][0]),
        ("keeper", PASSWORD, "000000"),
        ("nobody", PASSWORD, codes["keeper"][0]),
        ("technologist", PASSWORD, codes["technologist"][0]),
    ):
        with pytest.raises(CommandError):
            command(name, password, code)
    assert StudyKey.objects.filter(id__in=doomed.key_ids).count() == 2
    TotpDevice.objects.update(throttling_failure_count=0)
    command("keeper", PASSWORD, codes["keeper"][1])
    assert gone(doomed)


def test_a_journal_that_cannot_be_emptied_leaves_the_certificate_unfinished(
    doomed: Doomed, keeper: Any, actor_of: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy() -> None:
        raise Unavailable("Long readers keep the write-ahead log from being emptied.")

    monkeypatch.setattr(erasing, "journals", busy)
    with pytest.raises(Unavailable):
        destruction.destroy(actor_of(keeper), doomed.uid)
    assert Destroyed.objects.get().completed_at is None
    assert Job.objects.get(kind="destroy").state == "due"
