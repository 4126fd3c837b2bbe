"""Whatever was changed, cut, moved or lost is found, told once, and forgiven when it verifies again."""

import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from archive import derive, newcomers, reconcile
from archive.models import Finding, Held, Instance, Job, Rendition
from audit import alerts
from audit.models import Alert
from tests import builders
from tests.archive.fixity.conftest import Store, file_of, flip, open_alerts, run

pytestmark = pytest.mark.both_databases
ROOT = Path(__file__).resolve().parents[3]


REGIONS: dict[str, Callable[[Instance], int]] = {
    "header": lambda one: 20,
    "salt": lambda one: 60,
    "commitment": lambda one: 80,
    "first chunk": lambda one: 104 + 100,
    "first tag": lambda one: 104 + 16384 + 3,
    "second chunk": lambda one: 104 + 16400 + 5,
    "last tag": lambda one: one.length - 1,
}


@pytest.mark.parametrize("region", REGIONS)
def test_one_bit_in_any_region_of_an_object_is_found_and_its_neighbour_verifies(
    installation: Any, two: Any, region: str
) -> None:
    one, other = two
    flip(file_of(installation, one), one.offset + REGIONS[region](one))
    with pytest.raises(CommandError) as refused:
        call_command("archive", "scrub", "--json", stdout=StringIO())
    assert refused.value.returncode == 3
    one.refresh_from_db()
    other.refresh_from_db()
    assert one.damaged_at is not None
    assert one.verified_at is None
    assert (other.damaged_at, other.verified_at is None) == (None, False)
    finding = Finding.objects.get()
    assert (finding.object_id, finding.what, finding.mended_at) == (one.id, "instance", None)
    assert Alert.objects.filter(kind="damaged", subject=str(one.id)).count() == open_alerts() == 1


def test_a_changed_length_hides_every_record_behind_it_from_a_rebuild_and_each_is_told(
    installation: Any, two: Any
) -> None:
    one, other = two
    flip(file_of(installation, one), 3)
    assert run().damaged == 2
    assert set(Finding.objects.values_list("object_id", "what")) == {(one.id, "head"), (other.id, "head")}


def test_a_digest_that_differs_from_the_recorded_one_is_told_with_both(two: Any) -> None:
    one, _ = two
    run()
    true = Instance.objects.get(id=one.id).sha256
    Instance.objects.filter(id=one.id).update(sha256="0" * 64)
    assert run().damaged == 1
    finding = Finding.objects.get()
    assert (finding.object_id, finding.expected, finding.found) == (one.id, "0" * 64, true)
    assert Instance.objects.get(id=one.id).damaged_at is not None


def test_a_changed_frame_table_in_the_index_is_found(two: Any) -> None:
    one, _ = two
    cell = bytearray(one.frame_table_cell)
    cell[-1] ^= 1
    Instance.objects.filter(id=one.id).update(frame_table_cell=bytes(cell))
    assert run().damaged == 1
    assert Finding.objects.get().what == "instance.frame_table_cell"
    assert Instance.objects.get(id=one.id).damaged_at is not None


def test_two_objects_that_swapped_places_are_both_found(installation: Any, two: Any) -> None:
    one, other = two
    assert one.length == other.length
    path = file_of(installation, one)
    data = bytearray(path.read_bytes())
    first, second = (slice(row.offset, row.offset + row.length) for row in two)
    data[first], data[second] = data[second], data[first]
    path.write_bytes(data)
    assert run().damaged == 2
    assert set(Finding.objects.values_list("object_id", flat=True)) == {one.id, other.id}


def test_a_pack_cut_short_damages_what_it_lost_and_nothing_before(installation: Any, two: Any) -> None:
    one, other = two
    path = file_of(installation, one)
    last = max(two, key=lambda row: row.offset)
    path.write_bytes(path.read_bytes()[: last.offset + last.length - 1])
    assert run().damaged == 1
    assert Finding.objects.get().object_id == last.id
    path.write_bytes(path.read_bytes()[: min(one.offset, other.offset) + 10])
    assert run().damaged == 2


def test_a_missing_pack_is_found_and_the_command_ends_with_its_own_status(
    installation: Any, two: Any, store: Store
) -> None:
    store(builders.ct_slice())
    file_of(installation, two[0]).unlink()
    command = [sys.executable, str(ROOT / "manage.py"), "archive", "scrub"]
    done = subprocess.run(command, env=installation.environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 3, done.stderr
    assert "2 damaged" in done.stderr
    assert set(Finding.objects.values_list("object_id", flat=True)) == {row.id for row in two}
    assert open_alerts() == 3  # of each image and of the pack


@pytest.mark.parametrize("how", ["away", "empty"])
def test_a_disk_that_is_not_mounted_marks_nothing(installation: Any, two: Any, how: str) -> None:
    place = installation.data / "packs"
    place.rename(installation.data / "elsewhere")
    if how == "empty":
        place.mkdir()
    with pytest.raises(CommandError):
        call_command("archive", "scrub", stdout=StringIO())
    assert not Finding.objects.exists()
    assert not Instance.objects.exclude(damaged_at=None).exists()


def test_damage_found_again_and_again_is_one_alert_even_after_somebody_saw_it(installation: Any, two: Any) -> None:
    one, _ = two
    flip(file_of(installation, one), one.offset + 200)
    run()
    run()
    alert = Alert.objects.get(kind="damaged")
    assert alert.times == 1
    alerts.see(alert.id, "ada")
    assert run().damaged == 1
    assert Alert.objects.count() == 1
    assert Finding.objects.count() == 1


def test_what_verifies_again_loses_its_mark_and_its_alert_and_keeps_its_history(installation: Any, two: Any) -> None:
    one, _ = two
    flip(file_of(installation, one), one.offset + 200)
    run()
    flip(file_of(installation, one), one.offset + 200)
    assert run().damaged == 0
    one.refresh_from_db()
    assert (one.damaged_at, one.verified_at is None) == (None, False)
    assert open_alerts() == 0
    assert Finding.objects.get().mended_at is not None
    flip(file_of(installation, one), one.offset + 200)
    run()
    assert (open_alerts(), Finding.objects.count()) == (1, 2)


def test_a_damaged_preview_is_thrown_away_and_made_again(installation: Any, store: Store) -> None:
    one = store(builders.ct_slice())
    derive.preview(str(one.series_id), lambda done, total: None)
    derive.metadata(str(one.series_id), lambda done, total: None)
    Job.objects.all().delete()
    for kept in Rendition.objects.select_related("pack"):
        flip(file_of(installation, kept), kept.offset + kept.length - 1)
    assert run().damaged == 2
    assert not Rendition.objects.exists()
    assert set(Job.objects.values_list("kind", "subject")) == {
        ("preview", str(one.series_id)),
        ("metadata", str(one.series_id)),
    }
    assert open_alerts() == 2
    derive.preview(str(one.series_id), lambda done, total: None)
    assert run().damaged == 0


def test_originals_that_stepped_back_and_newcomers_held_back_are_read_too(
    installation: Any, store: Store, technologist: Any, actor_of: Any
) -> None:
    ds = builders.ct_slice()
    before = store(ds)
    for turn in (1, 2):
        newer = builders.ct_slice(
            study_uid=ds.StudyInstanceUID, series_uid=ds.SeriesInstanceUID, sop_uid=ds.SOPInstanceUID
        )
        store(newer)
        held = Held.objects.get(state="comparing")
        newcomers.compare(str(held.id), lambda done, total: None)
        if turn == 1:
            reconcile.accept(actor_of(technologist), held.id)
    assert (Instance.objects.count(), Held.objects.count()) == (2, 2)
    assert run().objects_read == 4
    waiting = Held.objects.select_related("pack").get(state="held")
    flip(file_of(installation, before), before.offset + 200)
    flip(file_of(installation, waiting), waiting.offset + 200)
    assert run().damaged == 2
    assert set(Finding.objects.values_list("object_id", "what")) == {
        (before.id, "instance"),
        (waiting.id, "quarantined"),
    }
