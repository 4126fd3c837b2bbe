"""A check tells whatever packs, keys and index do not agree on, and nothing else, also while images arrive."""

import json
from io import StringIO
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import identify
from archive import derive, keys, packs
from archive.errors import Unavailable
from archive.fixity import checking
from archive.fixity.checking import Report
from archive.models import Finding, Instance, Pack, Series, Study
from audit.models import AuditEvent
from tests import builders
from tests.archive.fixity.conftest import Store, file_of, flip, open_alerts, run
from vault.objects import HEADER_SIZE

pytestmark = pytest.mark.both_databases


def check() -> Report:
    return checking.run(identify.shell("tests"))


def of(*rows: Instance) -> set[str]:
    return {f"instance {row.id}" for row in rows}


def test_where_everything_agrees_nothing_is_told_and_the_check_is_on_record(two: Any) -> None:
    derive.preview(str(two[0].series_id), lambda done, total: None)
    out = StringIO()
    call_command("archive", "check", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told.pop("packs"), told.pop("objects")) == (Pack.objects.count(), 3)
    assert not any(told.values()), told
    event = AuditEvent.objects.get(action="archive:checked")
    assert (event.actor_kind, event.outcome, event.count) == ("shell", "ok", 3)


def test_a_missing_pack_is_told_by_name_and_ends_the_command_with_its_status(
    installation: Any, two: Any, store: Store
) -> None:
    store(builders.ct_slice())
    file_of(installation, two[0]).unlink()
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("archive", "check", "--json", stdout=out)
    assert refused.value.returncode == 3
    told = json.loads(out.getvalue())
    assert told["missing_packs"] == [f"{two[0].pack.name} (2 objects)"]
    assert told["missing_objects"] == []


def test_what_a_cut_pack_has_lost_is_told(installation: Any, two: Any) -> None:
    path, last = file_of(installation, two[0]), max(two, key=lambda row: row.offset)
    path.write_bytes(path.read_bytes()[: last.offset + last.length - 1])
    report = check()
    assert set(report.missing_objects) == of(last)
    assert not report.whole


def test_records_behind_a_changed_length_are_told(installation: Any, two: Any) -> None:
    flip(file_of(installation, two[0]), 3)
    assert set(check().missing_objects) == of(*two)


def test_objects_that_swapped_places_are_told_without_any_key(installation: Any, two: Any) -> None:
    path = file_of(installation, two[0])
    data = bytearray(path.read_bytes())
    # As much of each as the shorter one has, so that nothing else in the pack moves.
    length = min(row.length for row in two)
    first, second = (slice(row.offset, row.offset + length) for row in two)
    data[first], data[second] = data[second], data[first]
    path.write_bytes(data)
    assert set(check().misplaced_objects) == of(*two)


def test_a_header_that_is_none_is_told(installation: Any, two: Any) -> None:
    flip(file_of(installation, two[0]), two[0].offset)
    assert set(check().misplaced_objects) == of(two[0])


def test_packs_and_records_that_nobody_names_are_told_and_are_no_loss(two: Any) -> None:
    one = two[0]
    under_its_key = packs.read(one.pack.name, one.offset, HEADER_SIZE)
    packs.flush([packs.append(one.study_id, b"head", under_its_key + b"of a crash")])
    stranger = packs.append(uuid4(), b"head", b"of another crash")
    packs.flush([stranger])
    report = check()
    assert report.unnamed_records == 1
    assert [name.split(" ")[0] for name in report.unnamed_packs] == [stranger.name]
    assert report.whole


def test_objects_whose_key_is_gone_are_told_and_keys_of_nobody_counted(two: Any) -> None:
    keys.ensure("study", ["1.2.3"])
    report = check()
    assert (report.unused_keys, report.whole) == (1, True)
    Instance.objects.filter(id=two[0].id).update(key_id=uuid4())
    assert set(check().objects_without_key) == of(two[0])


@pytest.mark.parametrize("model", [Study, Series])
def test_a_count_that_is_not_true_is_told(two: Any, model: Any) -> None:
    model.objects.update(instance_count=7)
    report = check()
    assert report.wrong_counts == [f"{model.__name__.lower()} {model.objects.get().id} says 7 images and has 2"]
    assert not report.whole


def test_a_check_beside_an_ingest_misses_nothing(store: Store) -> None:
    store(builders.ct_slice())

    def send() -> None:
        for _ in range(6):
            for ds in builders.study(3):
                store(ds)
        connection.close()

    sending = Thread(target=send)
    sending.start()
    passes = 0
    while sending.is_alive():
        report = check()
        assert report.whole, report
        passes += 1
    sending.join()
    assert passes > 0
    report = check()
    assert (report.objects, report.unnamed_packs, report.unnamed_records) == (19, [], 0)


def test_packs_that_are_away_are_not_called_missing(installation: Any, two: Any) -> None:
    (installation.data / "packs").rename(installation.data / "elsewhere")
    with pytest.raises(Unavailable):
        check()


def test_a_finding_on_what_was_removed_ends_with_the_next_pass(installation: Any, two: Any) -> None:
    flip(file_of(installation, two[0]), two[0].offset + 200)
    run()
    assert open_alerts() == 1
    Instance.objects.filter(id=two[0].id).delete()
    assert run().damaged == 0
    assert open_alerts() == 0
    assert Finding.objects.get().mended_at is not None
