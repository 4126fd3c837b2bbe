"""Backups of an archive whose packs are cared for: released copies, compaction and sweep between two of them."""

import pytest

from archive import ingest, packs
from archive.models import Held, Instance
from tests import builders
from tests.archive.backup.conftest import Clinic, Machine, everything, same_root

IMPLICIT = "1.2.840.10008.1.2"


@pytest.mark.both_databases
def test_what_was_released_and_compacted_is_backed_up_proved_and_restored(clinic: Clinic, elsewhere: Machine) -> None:
    study = builders.study(2)
    for ds in study:
        clinic.sent[str(ds.SOPInstanceUID)] = builders.part10(ds)
        ingest.store(clinic.sender, builders.part10(ds))
        assert ingest.store(clinic.sender, builders.part10(ds, IMPLICIT)).status == "held"
    clinic.work()
    packs.forget()
    assert [(one.state, one.pack, one.length) for one in Held.objects.all()] == [("same", None, 0)] * 2
    before = clinic.backup()
    old = Instance.objects.get(uid=study[0].SOPInstanceUID).pack.name
    assert clinic.told("archive", "compact", "--dead", "5")["objects"] >= 2
    clinic.backup()  # while the old pack still lies there
    clinic.work()
    assert not list(clinic.place.data.rglob(f"{old}.pack"))
    made = clinic.backup()
    for one in (before, made):
        clinic.told("backup", "verify", str(clinic.vault), "--backup", one["backup"])
    same_root(clinic, elsewhere)
    assert elsewhere.told("backup", "restore", str(clinic.vault))["studies"] == 4
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == clinic.sent
    # What a restored index does not name may be what it lost: nobody throws it away for a week.
    assert "restored on" in elsewhere.command("archive", "sweep").stderr
    assert "restored on" in elsewhere.command("archive", "compact").stderr
    assert elsewhere.told("archive", "check")["missing_packs"] == []
