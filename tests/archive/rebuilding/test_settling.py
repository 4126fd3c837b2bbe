"""What was acknowledged ahead of its rows has them again, once and under its sender, however its process ended."""

import subprocess
import sys
from typing import Any

import pytest
from django.db import transaction
from pydicom.dataset import Dataset

from archive import ingest
from archive.direct import whole_blocks
from archive.models import Instance, Pack, Study
from archive.rebuilding import settling
from archive.tickets import Ticket
from audit.actions import Action
from audit.models import Alert, AuditEvent
from tests.archive.owing import ahead, killed, named, told, uids
from tests.conftest import Installation

pytestmark = pytest.mark.both_databases


@pytest.fixture
def sender(modality: Any, actor_of: Any) -> Any:
    return actor_of(modality)


def test_a_killed_process_leaves_what_it_acknowledged_to_the_next_one(
    sender: Any, series: list[Dataset], modality: Any
) -> None:
    with killed():
        for one in series[1:4]:
            assert ahead(sender, one).result(5).status == "stored"
    assert named() == uids(series[0])
    assert Pack.objects.filter(owed=True).count() == 1
    assert settling.run() == 3
    assert named() == uids(*series[:4])
    assert Study.objects.get().instance_count == 4
    assert not Pack.objects.filter(owed=True).exists()
    events = AuditEvent.objects.filter(action=Action.STORE)
    assert {(one.actor_key, one.actor_ae_title, one.patient) for one in events} == {
        (sender.key, sender.ae_title, events[0].patient)
    }
    assert told() == 4
    assert set(Instance.objects.values_list("sender", flat=True)) == {sender.ae_title}
    assert settling.run() == 0


def test_what_was_settled_half_is_settled_once(
    sender: Any, series: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed():
        for one in series[1:4]:
            ahead(sender, one).result(5)
    restore, done = ingest.restore, list[Ticket]()

    def cut(ticket: Ticket) -> Ticket:
        if done:
            raise OSError(5, "cut off")
        done.append(restore(ticket))
        return done[0]

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "restore", cut)
        settling.run()
    assert len(named()) == 2
    assert Pack.objects.filter(owed=True).exists()
    settling.run()
    assert named() == uids(*series[:4])
    assert told() + AuditEvent.objects.filter(action=Action.DUPLICATE).count() >= 4
    assert Study.objects.get().instance_count == 4


def test_a_pack_that_is_being_written_is_nobody_elses_to_settle(sender: Any, series: list[Dataset]) -> None:
    ahead(sender, series[1]).result(5)
    assert settling.run() == 0
    assert named() == uids(series[0])
    assert Pack.objects.filter(owed=True).exists()


def test_a_record_that_was_cut_off_hides_none_and_is_no_object(
    sender: Any, series: list[Dataset], installation: Installation
) -> None:
    with killed():
        ahead(sender, series[1]).result(5)
    (pack,) = (installation.data / "packs").rglob("*.pack")
    with pack.open("ab") as file:
        file.write(pack.read_bytes()[:4000])
        file.truncate(file.tell() - 7)
    assert settling.run() == 1
    assert named() == uids(*series[:2])
    assert not Pack.objects.filter(owed=True).exists()


def test_what_was_acknowledged_and_does_not_open_any_more_is_told_and_hides_no_other(
    sender: Any, series: list[Dataset], installation: Installation
) -> None:
    with killed():
        for one in series[1:3]:
            ahead(sender, one).result(5)
    (pack,) = (installation.data / "packs").rglob("*.pack")
    row, data = Instance.objects.get(), bytearray(pack.read_bytes())
    data[whole_blocks(row.offset + row.length) + 1500] ^= 1
    pack.write_bytes(data)
    assert settling.run() == 1
    assert named() == uids(series[0], series[2])
    assert Alert.objects.filter(kind="damaged").exists()


def test_in_the_trash_it_waits_until_the_study_is_restored(
    sender: Any, series: list[Dataset], technologist: Any, actor_of: Any
) -> None:
    from archive import removal

    with killed():
        ahead(sender, series[1]).result(5)
    uid = str(series[0].StudyInstanceUID)
    removal.trash(actor_of(technologist), uid)
    settling.run()
    assert named() == uids(series[0])
    assert Pack.objects.filter(owed=True).exists()
    removal.restore(actor_of(technologist), uid)
    assert settling.run() == 1
    assert named() == uids(*series[:2])


def test_packs_with_what_is_owed_are_not_taken_for_dead(sender: Any, series: list[Dataset]) -> None:
    from archive.tending import naming

    with killed():
        ahead(sender, series[1]).result(5)
    pack = Pack.objects.get()
    Instance.objects.all().delete()
    assert naming.living_in(pack.name)
    assert naming.living() == {pack.name}
    assert naming.left_by(pack.study) == []
    with transaction.atomic():
        assert naming.put_out_of_use([pack.name]) == set()


CHILD = """
import os, sys
import django
django.setup()
from accounts import identify
from accounts.models import Device
from archive import ingest, owed
from tests import builders
owed.SECONDS = 60.0
sender = identify.device_actor(Device.objects.get(ae_title="CT_ONE"), "127.0.0.1", "CT_ONE")
for one in builders.study(5):
    ingest.submit(sender, builders.part10(one), ahead=True).result(20)
    print(one.SOPInstanceUID, flush=True)
sys.stdin.read()
"""


def test_kill_9_takes_nothing_that_was_acknowledged(installation: Installation) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD],
        env=installation.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        acknowledged = {child.stdout.readline().strip() for _ in range(5)}
        try:
            assert len(named()) == 1
            assert settling.run() == 0
        finally:
            child.kill()
    assert settling.run() == 4
    assert named() == acknowledged
    ingest.stop()
