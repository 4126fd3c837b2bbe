"""Acknowledged is durable: killed at any moment, watched from outside, raced by another process."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from secrets import randbelow
from typing import Any

import pytest
from django.db import connection

from archive import ingest, packs
from archive.models import Instance, Pack, Patient, Study
from tests import builders
from tests.archive.test_ingest import opened
from tests.conftest import REQUIRED, Installation
from tests.services import absent

Actors = Callable[[Any], Any]
ROOT = Path(__file__).resolve().parents[2]


def begin(place: Installation, objects: list[bytes], *, threads: int = 4, under: list[str] | None = None) -> Any:
    """Start a process that stores these objects; it waits until it has all of them."""
    process = subprocess.Popen(
        [*(under or []), sys.executable, "-m", "tests.archive.storing", str(threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=place.environment,
    )
    assert process.stdin is not None
    for data in objects:
        process.stdin.write(len(data).to_bytes(4, "big") + data)
    process.stdin.close()
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n", process.stderr.read() if process.stderr else ""
    return process


def acknowledged(process: Any) -> list[tuple[str, str]]:
    """What the process said until its end."""
    lines = process.stdout.read().decode().splitlines()
    process.wait(60)
    process.stderr.close()
    process.stdout.close()
    return [(status, uid) for status, uid in (line.split() for line in lines)]


@pytest.mark.both_databases
@pytest.mark.parametrize("after", range(3))
def test_killed_at_any_moment_nothing_acknowledged_is_lost(
    installation: Installation, modality: Any, radiologist: Any, actor_of: Actors, after: int
) -> None:
    slices = [ds for _ in range(4) for ds in builders.study(30)]
    sent = {str(ds.SOPInstanceUID): builders.part10(ds) for ds in slices}
    process = begin(installation, list(sent.values()))
    time.sleep((after * 250 + randbelow(250)) / 1000)
    process.kill()
    said = acknowledged(process)

    rows = {row.uid: row for row in Instance.objects.select_related("pack", "study", "series")}
    assert {uid for _, uid in said} <= rows.keys()
    actor = actor_of(radiologist)
    for uid, row in rows.items():
        assert opened(actor, row) == sent[uid]
    for study in Study.objects.all():
        assert study.instance_count == study.instances.count() == sum(s.instance_count for s in study.series.all())
        assert study.size == sum(study.instances.values_list("size", flat=True))
    # Sent again, everything is there once.
    again = begin(installation, list(sent.values()))
    statuses = dict((uid, status) for status, uid in acknowledged(again))
    assert again.returncode == 0
    assert set(statuses) == set(sent)
    assert {statuses[uid] for uid in rows} <= {"same"}
    assert Instance.objects.count() == len(sent)
    assert set(Study.objects.values_list("instance_count", flat=True)) == {30}


@pytest.mark.both_databases
def test_two_processes_with_the_same_objects_store_each_once(installation: Installation, modality: Any) -> None:
    identity = builders.Identity()
    sent = [builders.part10(ds) for _ in range(6) for ds in builders.study(8, identity)]
    processes = [begin(installation, sent, threads=6) for _ in range(2)]
    said = [pair for process in processes for pair in acknowledged(process)]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(status for status, _ in said) == ["same"] * 48 + ["stored"] * 48
    assert Instance.objects.count() == 48
    assert (Study.objects.count(), Patient.objects.count()) == (6, 1)
    assert set(Study.objects.values_list("instance_count", flat=True)) == {8}


@pytest.mark.postgres
def test_a_database_that_drops_its_connections_costs_no_object(
    installation: Installation, modality: Any, actor_of: Actors
) -> None:
    slices = [builders.part10(ds) for ds in builders.study(3)]
    for data in slices:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert ingest.store(actor_of(modality), data).status in ("stored", "same")
    assert Study.objects.get().instance_count == 3


def test_one_sender_sees_pack_folder_and_journal_synced_before_each_answer(
    installation: Installation, modality: Any
) -> None:
    strace = shutil.which("strace")
    if strace is None:
        absent("strace", REQUIRED)
    trace = installation.root / "trace"
    calls = "trace=write,writev,pwrite64,fsync,fdatasync"
    watched = [str(strace), "-f", "-y", "-o", str(trace), "-e", calls, "-s", "40"]
    sent = [builders.part10(ds) for ds in builders.study(5)]
    process = begin(installation, sent, threads=1, under=watched)
    assert [status for status, _ in acknowledged(process)] == ["stored"] * 5
    answers = 0
    dirty: set[str] = set()
    written: set[str] = set()
    for line in trace.read_text().splitlines():
        called = re.match(r"\d+ +(\w+)\((\d+)<([^>]*)>", line)
        if called is None:
            continue
        call, handle, path = called.groups()
        if "write" in call and path.endswith((".pack", "-wal")):
            dirty.add(path)
            written.add(Path(path).suffix or path[-4:])
            if path.endswith(".pack") and answers == 0:
                dirty.add(str(Path(path).parent))
        elif call in ("fsync", "fdatasync"):
            dirty.discard(path)
        elif handle == "1" and '"stored' in line:
            answers += 1
            assert not dirty, line
            assert len(written) == 2, "both the pack and the database's journal are written for each answer"
            written.clear()
    assert answers == 5


def test_nothing_readable_is_left_in_the_data_directory(
    installation: Installation, modality: Any, actor_of: Actors
) -> None:
    from base64 import b64encode

    identity = builders.Identity()
    pattern = bytes(randbelow(256) for _ in range(32))
    slices = builders.study(3, identity, PixelData=pattern * 64)
    for ds in slices:
        ds.add_new(0x00091010, "LO", identity.study_id)
        ingest.store(actor_of(modality), builders.part10(ds))
        changed = builders.part10(ds)
        ds.PixelData = pattern[::-1] * 64
        assert ingest.store(actor_of(modality), builders.part10(ds)).status == "held"
        assert ingest.store(actor_of(modality), changed).status == "same"
    found = b"".join(path.read_bytes() for path in sorted(installation.root.rglob("*")) if path.is_file()).lower()
    assert str(slices[0].StudyInstanceUID).encode() in found, "the sweep reads the database"
    needles = [word.encode() for word in identity.words()] + [pattern, pattern[::-1]]
    for word in needles:
        for form in (word, word.hex().encode(), *(b64encode(b"x" * shift + word)[4:-4] for shift in range(3))):
            assert form.lower() not in found
    for text in identity.words():
        assert text.encode("utf-16-le").lower() not in found
        assert text.encode("utf-16-be").lower() not in found


def test_a_record_of_a_pack_names_what_the_rows_name(
    installation: Installation, modality: Any, actor_of: Actors
) -> None:
    for ds in builders.study(4):
        ingest.store(actor_of(modality), builders.part10(ds))
    places = {(offset, length) for pack in Pack.objects.all() for _, offset, length in packs.records(pack.name)}
    assert places == set(Instance.objects.values_list("offset", "length"))
