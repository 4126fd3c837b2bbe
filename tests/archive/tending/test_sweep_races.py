"""A sweep beside a writer that has written bytes into an old pack and is about to name them: nothing is lost."""

from threading import Thread
from typing import Any

import pytest
from django.db import connection

from archive import flushing, packs
from archive.models import Instance
from audit import log
from tests import builders
from tests.archive.tending.conftest import Archive, check
from tests.archive.tending.test_sweep import run
from vault.objects import HEADER_SIZE

pytestmark = pytest.mark.both_databases


def lost() -> list[str]:
    """What is named and not there (rows that a test has deleted make the counts untrue)."""
    report = check()
    return [*report.missing_packs, *report.missing_objects, *report.misplaced_objects]


@pytest.mark.parametrize("named_before", [True, False])
def test_an_image_that_is_being_stored_into_an_old_pack_survives_a_sweep_between_its_bytes_and_its_rows(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, named_before: bool
) -> None:
    slices = builders.study(3)
    row = archive.store(slices[0])
    archive.store(builders.ct_slice())
    name = row.pack.name
    if not named_before:
        under_its_key = packs.read(row.pack.name, row.offset, HEADER_SIZE)
        packs.forget()
        name = packs.append(row.study_id, b"head", under_its_key + b"of a refused image").name
    swept = list[int]()

    def begin(places: Any) -> Any:
        made = list(places)
        packs.flush(made)
        if not swept:
            # The pack is old and nothing in it is named; this one's rows are not written yet.
            Instance.objects.filter(id=row.id).delete()
            archive.age(8, name)
            assert {place.name for place in made} == {name}
            swept.append(run().packs)
        return lambda: packs.flush(made)

    monkeypatch.setattr(flushing, "begin", begin)
    stored = archive.store(slices[1])
    assert swept == [1]
    assert stored.pack.name != name
    del archive.sent[row.uid]
    assert archive.store(slices[2]).pack_id == stored.pack_id
    assert archive.reads()
    assert not lost()


def test_a_sweep_beside_a_transaction_that_names_a_pack_lets_one_of_them_win(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = builders.study(2)
    row = archive.store(slices[0])
    other = archive.store(builders.ct_slice())
    Instance.objects.filter(id=row.id).delete()
    real, sweeping = log.append, list[Thread]()

    def beside() -> None:
        run()
        connection.close()

    def append(events: Any) -> None:
        # Its rows are written and not yet committed: the sweep looks now, on its own connection.
        if not sweeping and Instance.objects.filter(uid=slices[1].SOPInstanceUID, pack=row.pack_id).exists():
            archive.age(8, row.pack.name)
            sweeping.append(Thread(target=beside))
            sweeping[0].start()
            if connection.vendor == "postgresql":
                sweeping[0].join()
        real(events)

    monkeypatch.setattr(log, "append", append)
    del archive.sent[row.uid]
    archive.store(slices[1])
    sweeping[0].join()
    assert archive.reads()
    assert not lost()
    assert other.pack.name in archive.lying()
