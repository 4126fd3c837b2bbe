"""A study under a new key: byte for byte, whoever dies, reads or sends meanwhile, and nothing opens by the old one."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from pydicom.uid import ImplicitVRLittleEndian

from accounts import gate, identify
from archive import ingest, keyring, keys, packs, reconcile, tasks
from archive.errors import Damaged
from archive.fixity import items
from archive.models import Held, Instance, Job, Study, StudyKey
from audit.actions import Action
from audit.models import AuditEvent
from tests import builders
from tests.archive.keeping.conftest import Held as Archive
from tests.archive.keeping.conftest import on_disk
from tests.archive.test_read_object import run as second_reader
from tests.archive.test_read_object import table as key_table
from tests.conftest import Installation, forget_everything
from vault import cells, objects
from vault.errors import Tampered
from vault.objects import HEADER_SIZE, Header

pytestmark = pytest.mark.both_databases
Actors = Callable[[Any], Any]


@dataclass(frozen=True)
class Rich:
    """A study with all that can be stored of one: what it was, object by object, and its key, kept aside."""

    place: Installation
    uid: str
    sender: Any
    identity: builders.Identity
    plain: dict[UUID, bytes]
    key: UUID
    secret: bytes
    archive: Archive
    sent: list[Any] = field(repr=False)
    implicit: bytes = field(repr=False)

    @property
    def row(self) -> Study:
        return Study.objects.select_related("patient").get(uid=self.uid)

    def rekey(self, *more: str) -> Any:
        return self.archive.command("rekey", self.uid, "--json", *more)

    def reads(self) -> dict[UUID, bytes]:
        """Every object as a process without any memory opens it, by the rows of the index. Raises Damaged."""
        return dict(self.read())

    def whole(self) -> dict[UUID, bytes]:
        """The same, without what is damaged."""
        return {one: plain for one, plain in self.read(skip=True)}

    def read(self, *, skip: bool = False) -> Iterator[tuple[UUID, bytes]]:
        forget_everything()
        receipt = gate.disclose(identify.system("rekey"), Action.REKEYED, self.uid, found=True)
        opener = keys.unlock(receipt, self.uid)
        for one in items.of_study(self.row):
            stored = packs.read(one.pack, one.offset, one.length)
            with suppress(*([Damaged] if skip else [])):
                yield one.id, opener.object(one.key_id, one.kind, one.id, one.generation, one.slots, stored)


def work(*kinds: str) -> None:
    """Do what is promised, however late it is due."""
    for _ in range(3):
        Job.objects.filter(state="due").update(due_at=timezone.now())
        for job in Job.objects.filter(state="due", **({"kind__in": kinds} if kinds else {})).values_list(
            "id", flat=True
        ):
            assert tasks.run(job)
    assert not Job.objects.exclude(state__in=("due", "done"))


@pytest.fixture
def rich(held: Archive, modality: Any, technologist: Any, actor_of: Actors) -> Rich:
    sender, person, identity = actor_of(modality), actor_of(technologist), builders.Identity()
    sent = builders.study(4, identity, side=96)
    for ds in sent:
        ingest.store(sender, builders.part10(ds))
    uid = str(sent[0].StudyInstanceUID)
    for number, decide in ((0, reconcile.accept), (1, reconcile.reject), (2, None)):
        other = deepcopy(sent[number])
        other.PixelData = bytes(len(other.PixelData))
        assert ingest.store(sender, builders.part10(other)).status == "held"
        work("compare")
        for row in reconcile.held(person, uid):
            if decide is not None:
                decide(person, row.id)
    implicit = builders.part10(sent[3], ImplicitVRLittleEndian)
    assert ingest.store(sender, implicit).status == "held"
    work("compare", "preview", "metadata", "digest")
    ingest.stop()
    packs.forget()
    study = Study.objects.get(uid=uid)
    secret = keyring.hold(StudyKey.objects.get(id=study.key_id))
    rich = Rich(held.place, uid, sender, identity, {}, study.key_id, secret, held, sent, implicit)
    rich.plain.update(rich.reads())
    assert len(rich.plain) == 5 + 2 + 3
    return rich


def opened_by(secret: bytes, key: UUID, rich: Rich) -> list[str]:
    """What one key opens of all that lies in the archive: records of packs, and cells of every row."""
    found = []
    for path in rich.place.data.rglob("*.pack"):
        name = str(path.relative_to(rich.place.data / "packs")).removesuffix(".pack")
        for head, offset, length in packs.records(name):
            for sealed in (head, packs.read(name, offset, length)):
                try:
                    header = Header.decode(sealed[:HEADER_SIZE])
                    objects.unseal(secret, header, objects.EMPTY_SLOTS, sealed)
                    found.append(f"{name} {offset}")
                except Tampered:
                    found += [f"{name} {offset} says it is under it"] if header.key_id == key else []
    rows: list[tuple[str, Any, tuple[str, ...]]] = [
        ("study", one, ("accession_cell", "study_id_cell", "name_cell")) for one in Study.objects.all()
    ]
    rows += [("instance", one, ("frame_table_cell",)) for one in Instance.objects.all()]
    for table, row, names in rows:
        for name in names:
            try:
                if cells.unseal_cell(secret, key, f"{table}.{name}", row.id, bytes(getattr(row, name))):
                    found.append(f"{table}.{name}")
            except Tampered:
                pass
    return found


def test_every_object_comes_back_byte_for_byte_and_the_old_key_opens_nothing(rich: Rich, tmp_path: Path) -> None:
    before, instances = rich.row, {one.id: one for one in Instance.objects.filter(study__uid=rich.uid)}
    assert opened_by(rich.secret, rich.key, rich)
    done = rich.rekey()
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["objects"], told["left"]) == (10, [])
    assert rich.reads() == rich.plain
    row = rich.row
    assert (row.id, str(row.key_id)) == (before.id, told["key"])
    assert row.key_id != rich.key
    for one in Instance.objects.filter(study=row):
        assert (one.key_id, one.generation) == (row.key_id, instances[one.id].generation + 1)
        assert one.sender == instances[one.id].sender
    assert not Held.objects.filter(state="same").exists()
    work("retire", "discard")
    assert opened_by(rich.secret, rich.key, rich) == []
    assert StudyKey.objects.get(id=rich.key).scope == "former"
    assert rich.reads() == rich.plain
    # And by a stranger's means: the outside reader, who knows the format alone.
    files = sorted(map(str, (rich.place.data / "packs").rglob(f"{row.id.hex}/*.pack")))
    read = second_reader(rich.place, "--keys", str(key_table(rich.place, tmp_path)), *files)
    assert read.returncode == 0, read.stdout + read.stderr
    for plain in rich.plain.values():
        assert f" {len(plain)} {hashlib.sha256(plain).hexdigest()}\n" in read.stdout


def test_heads_say_what_they_said_under_the_next_generation(rich: Rich) -> None:
    before = heads(rich)
    assert rich.rekey().returncode == 0
    after = heads(rich)
    assert after.keys() == before.keys()
    for row, told in after.items():
        assert told == {**before[row], "generation": before[row]["generation"] + 1}
    assert any("actor" in told for told in after.values())


def test_no_file_of_the_database_holds_a_wrapping_that_was_replaced(rich: Rich) -> None:
    def wrapped() -> bytes:
        return bytes(StudyKey.objects.get(id=rich.key).wrapped)

    for step in (lambda: rich.rekey(), lambda: work("retire", "discard")):
        before = wrapped()
        assert before in on_disk(rich.place, "archive_studykey")
        step()
        assert before not in on_disk(rich.place, "archive_studykey")
        assert wrapped() in on_disk(rich.place, "archive_studykey")


def heads(rich: Rich) -> dict[UUID, dict[str, Any]]:
    forget_everything()
    receipt = gate.disclose(identify.system("rekey"), Action.REKEYED, rich.uid, found=True)
    opener, found = keys.unlock(receipt, rich.uid), {}
    for one in items.of_study(rich.row):
        (head,) = [head for head, offset, _ in packs.records(one.pack) if offset == one.offset]
        kind, none = objects.Kind.HEAD, objects.EMPTY_SLOTS
        found[one.id] = json.loads(opener.object(one.key_id, kind, one.id, one.generation, none, head))
    return found


@pytest.mark.parametrize(
    ("place", "when", "nth"),
    [
        ("archive.keys.replace", "after", 1),
        ("accounts.epoch.raise_", "after", 1),
        ("archive.keeping.rekeying._begin", "before", 1),
        ("archive.keeping.rekeying._begin", "after", 1),
        ("archive.keeping.resealing._cells", "before", 1),
        ("archive.keeping.resealing._cells", "after", 1),
        ("archive.packs.append", "after", 3),
        ("archive.packs.flush", "before", 1),
        ("archive.packs.flush", "after", 1),
        ("archive.keeping.resealing._move", "after", 2),
        ("archive.keeping.resealing._moved", "after", 1),
        ("archive.keeping.rekeying._end", "before", 1),
        ("archive.jobs.promise_many", "after", 1),
        ("archive.keeping.rekeying._end", "after", 1),
        ("archive.keeping.cleaning.clean", "before", 1),
    ],
)
@pytest.mark.one_database
def test_killed_at_any_instant_all_of_it_is_read_and_given_again_it_ends(
    rich: Rich, place: str, when: str, nth: int
) -> None:
    rich.archive.killed(place, when, nth, "rekey", rich.uid)
    assert rich.reads() == rich.plain
    ended = bool(AuditEvent.objects.filter(action=Action.REKEYED, actor_kind="shell"))
    drawn = StudyKey.objects.get(scope="study", subject=rich.uid).id
    if not ended:
        done = rich.rekey()
        assert done.returncode == 0, done.stderr
        assert drawn == rich.key or json.loads(done.stdout)["key"] == str(drawn), "a key begun with is gone on with"
    assert rich.row.key_id != rich.key
    assert rich.reads() == rich.plain
    work("retire", "discard")
    assert opened_by(rich.secret, rich.key, rich) == []
    assert rich.reads() == rich.plain
    assert AuditEvent.objects.filter(action=Action.REKEYED, actor_kind="shell").count() == 1
