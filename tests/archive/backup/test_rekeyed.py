"""A backup from before a study was rekeyed, beside the keys of now: it is read, sent to, and rekeyed again."""

import json

import pytest

from archive import ingest
from archive.models import Instance, Job, Study, StudyKey
from audit import log
from audit.models import AuditEvent
from tests import builders
from tests.archive.backup.conftest import Clinic, Machine, everything, same_root


@pytest.mark.both_databases
def test_an_older_backup_of_a_rekeyed_study_is_read_and_rekeyed_again(clinic: Clinic, elsewhere: Machine) -> None:
    (uid,) = clinic.receive(1)
    ingest.stop()
    older = clinic.backup()["backup"]
    known = Study.objects.get(uid=uid).key_id
    # The command replaces the keys at the place of the backups, too: the table of keys is younger than the index.
    assert clinic.told("keys", "rekey", uid)["left"] == []
    Job.objects.filter(kind__in=("retire", "discard")).update(due_at="2026-01-01T00:00:00Z")
    clinic.work()
    clinic.backup()
    assert StudyKey.objects.get(id=known).scope == "former"
    present = Study.objects.get(uid=uid).key_id
    same_root(clinic, elsewhere)
    done = elsewhere.told("backup", "restore", str(clinic.vault), "--backup", older)
    assert done["rekeyed"] == [uid]
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == clinic.sent
    told = log.open_details(AuditEvent.objects.get(action="backup:restored"))
    assert told is not None
    assert told["rekeyed"] == [uid]
    assert {one.key_id for one in Instance.objects.filter(study__uid=uid)} == {known}
    # It is sent to, under the present key; and another rekey ends what the backup had not seen.
    ds = builders.ct_slice(study_uid=uid)
    sender = clinic.actor_of(type(clinic.modality).objects.get(ae_title=clinic.modality.ae_title))
    assert ingest.store(sender, builders.part10(ds)).status == "stored"
    assert Instance.objects.get(uid=ds.SOPInstanceUID).key_id == present
    ended = elsewhere.told("keys", "rekey", uid)
    assert (ended["key"], ended["left"]) == (str(present), [])
    assert {one.key_id for one in Instance.objects.filter(study__uid=uid)} == {present}
    sent = {**clinic.sent, str(ds.SOPInstanceUID): builders.part10(ds)}
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == sent
    assert json.loads(json.dumps(elsewhere.told("archive", "check")))["objects_without_key"] == []
