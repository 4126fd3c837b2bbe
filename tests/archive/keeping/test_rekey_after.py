"""What a rekey leaves: damage, the log, the trash, destruction, another rekey, and an index from before."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from accounts import gate, identify
from accounts.errors import Forbidden, NotVisible
from archive import (
    certificates,
    destruction,
    keyring,
    keys,
    packs,
    removal,
    retrieve,
    turn,
)
from archive.errors import Damaged
from archive.fixity import checking, findings
from archive.keeping import recalling, rekeying
from archive.models import Instance, Pack, Study, StudyKey
from archive.retrieve import places, reading
from audit import log
from audit.actions import Action
from audit.models import AuditEvent
from tests.archive.keeping.conftest import Actors
from tests.archive.keeping.test_rekey import Rich, opened_by, work
from tests.archive.keeping.test_rekey import rich as rich
from tests.archive.removal.conftest import past
from tests.conftest import forget_everything

pytestmark = pytest.mark.both_databases


def test_old_bytes_put_in_the_new_place_do_not_open(rich: Rich, radiologist: Any, actor_of: Actors) -> None:
    one = Instance.objects.select_related("pack").filter(study__uid=rich.uid, current=True)[0]
    old = packs.read(one.pack.name, one.offset, one.length)
    call_command("keys", "rekey", rich.uid, "--json")
    path, now = rich.place.data / "packs", Instance.objects.select_related("pack").get(id=one.id)
    assert now.length == one.length
    whole = bytearray((path / f"{now.pack.name}.pack").read_bytes())
    whole[now.offset : now.offset + now.length] = old
    (path / f"{now.pack.name}.pack").write_bytes(whole)
    forget_everything()
    reader, found = reading.begin(actor_of(radiologist), rich.uid)
    (place,) = [place for place in found if place.id == one.id]
    with pytest.raises(Damaged):
        places.whole(reader.opener, place)


def test_what_an_index_is_made_to_say_of_a_former_key_opens_nothing(
    rich: Rich, radiologist: Any, actor_of: Actors
) -> None:
    before: dict[str, Any] = dict(Instance.objects.filter(study__uid=rich.uid, current=True).values()[0])
    files = {path: path.read_bytes() for path in (rich.place.data / "packs").rglob("*.pack")}
    call_command("keys", "rekey", rich.uid, "--json")
    old_place = Pack.objects.get(id=before["pack_id"])
    work("retire", "discard")
    # The row of before, the pack of before: everything is put back but the key's scope, which is bound to the key.
    for path, content in files.items():
        path.write_bytes(content)
    Pack.objects.filter(name=old_place.name).delete()
    Pack.objects.create(id=old_place.id, study=old_place.study, name=old_place.name)
    Instance.objects.filter(id=before["id"]).update(**{name: before[name] for name in before if name != "id"})
    forget_everything()
    reader, found = reading.begin(actor_of(radiologist), rich.uid)
    (place,) = [place for place in found if place.id == before["id"]]
    assert place.key_id == rich.key
    with pytest.raises(Damaged):
        places.whole(reader.opener, place)
    assert f"instance {place.id}" in checking.run(identify.system("tend")).objects_without_key


def damage(rich: Rich, one: Instance) -> tuple[Path, bytes]:
    path = rich.place.data / "packs" / f"{one.pack.name}.pack"
    whole = path.read_bytes()
    broken = bytearray(whole)
    broken[one.offset + one.length // 2] ^= 1
    path.write_bytes(broken)
    return path, whole


def test_what_does_not_open_stays_is_marked_and_stops_nothing(rich: Rich) -> None:
    one = Instance.objects.select_related("pack").filter(study__uid=rich.uid, current=True)[1]
    path, whole = damage(rich, one)
    done = rich.rekey()
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["left"] == [f"instance {one.id}"]
    assert findings.marked([one.id])
    key = rich.row.key_id
    assert set(Instance.objects.filter(study__uid=rich.uid).exclude(id=one.id).values_list("key_id", flat=True)) == {
        key
    }
    work("retire", "discard")
    assert StudyKey.objects.get(id=rich.key).scope == "leaving"
    assert rich.rekey().returncode == 3
    assert rich.row.key_id == key, "given again it goes on, and draws no other key"
    path.write_bytes(whole)
    done = rich.rekey()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["objects"] == 1
    work("retire", "discard")
    assert opened_by(rich.secret, rich.key, rich) == []
    assert rich.reads() == rich.plain
    call_command("archive", "scrub", "--json")
    assert not findings.marked([one.id])


def test_a_compaction_takes_away_what_lay_beside_something_damaged(rich: Rich) -> None:
    one = Instance.objects.select_related("pack").filter(study__uid=rich.uid, current=True)[1]
    damage(rich, one)
    assert rich.rekey().returncode == 3
    work("discard")
    assert len(opened_by(rich.secret, rich.key, rich)) > 3
    call_command("archive", "compact", rich.uid, "--json")
    work("discard")
    # What is left: the head and the damaged object itself in a pack of their own, and its frame table.
    assert len(opened_by(rich.secret, rich.key, rich)) == 3
    assert {key: plain for key, plain in rich.plain.items() if key != one.id}.items() <= rich.whole().items()


def test_another_key_can_be_drawn_while_damage_is_left_under_an_older_one(rich: Rich) -> None:
    damage(rich, Instance.objects.select_related("pack").filter(study__uid=rich.uid, current=True)[1])
    assert rich.rekey().returncode == 3
    second = rich.row.key_id
    assert rich.rekey("--anew").returncode == 3
    third = rich.row.key_id
    work("retire", "discard")
    scopes = dict(StudyKey.objects.filter(subject=rich.uid).values_list("id", "scope"))
    assert scopes == {rich.key: "leaving", second: "former", third: "study"}


def test_rekeyed_twice_both_keys_before_open_nothing(rich: Rich) -> None:
    drawn = []
    for generation in (1, 2):
        drawn.append((keyring.hold(StudyKey.objects.get(scope="study", subject=rich.uid)), rich.row.key_id))
        done = rich.rekey()
        assert done.returncode == 0, done.stderr
        assert min(Instance.objects.filter(study__uid=rich.uid).values_list("generation", flat=True)) == generation
    work("retire", "discard")
    assert [opened_by(secret, key, rich) for secret, key in drawn] == [[], []]
    assert rich.reads() == rich.plain
    assert sorted(StudyKey.objects.filter(subject=rich.uid).values_list("scope", flat=True)) == [
        "former",
        "former",
        "study",
    ]
    report = checking.run(identify.system("tend"))
    assert report.whole, report
    assert report.unused_keys == 0


def test_details_in_the_log_under_a_former_key_still_open_also_after_the_end_of_its_epoch(rich: Rich) -> None:
    event = AuditEvent.objects.filter(action=Action.STORE, study_uid=rich.uid, details_key=rich.key)[0]
    assert rich.rekey().returncode == 0
    work("retire", "discard")
    status = json.loads(rich.archive.command("status", "--json").stdout)["epochs"][0]
    assert (status["leaving_keys"], status["former_keys"]) == (0, 1)
    call_command("keys", "end-epoch", "1")
    forget_everything()
    receipt = gate.disclose(identify.system("rekey"), Action.REKEYED, rich.uid, found=True)
    assert b"instances" in keys.unlock(receipt, rich.uid).cell(log.DETAILS, event.id, bytes(event.details))
    assert rich.reads() == rich.plain


def test_a_study_in_the_trash_or_on_hold_is_sealed_anew_and_stays_where_it_is(
    rich: Rich, technologist: Any, radiologist: Any, privacy_officer: Any, actor_of: Actors
) -> None:
    removal.hold(actor_of(privacy_officer), rich.uid, "court order")
    removal.trash(actor_of(technologist), rich.uid)
    assert rich.rekey().returncode == 0
    with pytest.raises(NotVisible):
        next(iter(retrieve.instances(actor_of(radiologist), rich.uid)))
    work("retire", "discard")
    assert opened_by(rich.secret, rich.key, rich) == []
    removal.restore(actor_of(technologist), rich.uid)
    assert rich.reads() == rich.plain


def test_destroying_takes_every_key_that_the_study_ever_had(
    rich: Rich, technologist: Any, keeper: Any, actor_of: Actors
) -> None:
    assert rich.rekey().returncode == 0
    work("retire", "discard")
    assert rich.rekey().returncode == 0
    ids = set(StudyKey.objects.filter(subject=rich.uid).values_list("id", flat=True))
    assert len(ids) == 3
    removal.trash(actor_of(technologist), rich.uid)
    past(rich.uid)
    folder = rich.place.data / "packs" / Pack.objects.filter(study=rich.row.id)[0].name
    destruction.destroy(actor_of(keeper), rich.uid)
    assert not StudyKey.objects.filter(subject=rich.uid)
    assert not folder.parent.exists()
    ((one, _),) = certificates._anchored()
    assert ids < set(one.keys)
    work("retire", "discard")


def test_who_may_not_manage_keys_an_unknown_study_and_a_taken_turn_change_nothing(
    rich: Rich, radiologist: Any, administrator: Any, actor_of: Actors
) -> None:
    for actor in (actor_of(radiologist), actor_of(administrator), identify.system("derive")):
        with pytest.raises(Forbidden):
            rekeying.rekey(actor, rich.uid)
    with pytest.raises(NotVisible):
        rekeying.rekey(identify.shell("tests"), "1.2.3")
    assert rich.archive.command("rekey", "1.2.3").returncode == 1
    with turn.tending():
        assert "under way" in rich.rekey().stderr
    assert rich.row.key_id == rich.key
    assert StudyKey.objects.filter(subject=rich.uid).count() == 1


def test_an_index_from_before_is_read_again_once_its_key_is_called_back(rich: Rich) -> None:
    rows: list[dict[str, Any]] = [dict(row) for row in Instance.objects.filter(study__uid=rich.uid).values()]
    files = {path: path.read_bytes() for path in (rich.place.data / "packs").rglob("*.pack")}
    names = list(Pack.objects.filter(study=rich.row.id).values())
    assert rich.rekey().returncode == 0
    work("retire", "discard")
    for path, content in files.items():
        path.write_bytes(content)
    Pack.objects.filter(name__in=[one["name"] for one in names]).delete()
    Pack.objects.bulk_create([Pack(**one) for one in names])
    for row in rows:
        Instance.objects.filter(id=row["id"]).update(**{name: row[name] for name in row if name != "id"})
    Study.objects.filter(uid=rich.uid).update(key=rich.key)
    with transaction.atomic():
        assert recalling.recall() == [rich.uid]
    assert rich.reads() == rich.plain
    assert rich.rekey().returncode == 0
    work("retire", "discard")
    assert opened_by(rich.secret, rich.key, rich) == []
    assert rich.reads() == rich.plain
