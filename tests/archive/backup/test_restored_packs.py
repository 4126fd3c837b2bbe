"""What a restore makes of packs is what they were."""

import pytest

from accounts.models import Person
from archive import ingest
from archive.fixity import checking
from tests import builders
from tests.archive.backup.conftest import Clinic, Machine, same_root


@pytest.mark.both_databases
def test_packs_that_were_backed_up_in_several_runs_come_back_byte_for_byte(clinic: Clinic, elsewhere: Machine) -> None:
    study = builders.study(6, side=32)
    for ds in study:
        ingest.store(clinic.sender, builders.part10(ds))
        clinic.backup()
    same_root(clinic, elsewhere)
    elsewhere.told("backup", "restore", str(clinic.vault))
    for pack in (elsewhere.place.data / "packs").rglob("*.pack"):
        there = (clinic.place.data / "packs" / pack.relative_to(elsewhere.place.data / "packs")).read_bytes()
        assert pack.read_bytes() == there[: pack.stat().st_size]
    elsewhere.here()
    assert checking.run(clinic.actor_of(Person.objects.get(username="administrator"))).whole
