"""The restore drill: on a machine with only the backup and the root key, or three shares, everything is there again."""

import json
import shutil
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from accounts import factors, identify, people
from accounts.models import Person, Restricted
from archive import ingest
from archive.backup import creating, places, sections, snapshot
from archive.backup.restoring import require_empty
from archive.errors import Unsuitable
from archive.fixity import checking
from archive.keeping import recovering
from archive.models import Job, Study
from audit import checkpoints
from audit.models import AuditEvent
from tests import services
from tests.accounts.browsing import Browser, code
from tests.archive.backup.conftest import Actors, Clinic, Machine, everything, same_root
from tests.conftest import PASSWORD, _point_at, forget_everything

BOTH = pytest.mark.both_databases
RESTORE = ("backup", "restore")


def rows(table: str) -> list[bytes]:
    """Every row of a table that travels, as a backup holds it."""
    section = sections.section(table)
    return [sections.encoded(row) for row in section.rows.values_list(*(field.attname for field in section.fields))]


def tables() -> dict[str, list[bytes]]:
    kept = {*(one.table for one in sections.sections()), *sections.IN_KEY_PART}
    return {table: rows(table) for table in kept - {"accounts_accessepoch", "archive_backupplace", "audit_alert"}}


@BOTH
def test_with_the_root_key_every_row_and_every_image_come_back(clinic: Clinic, elsewhere: Machine) -> None:
    clinic.backup()  # which registers the place, on record
    before = tables()
    made = clinic.backup()
    same_root(clinic, elsewhere)
    done = elsewhere.told(*RESTORE, str(clinic.vault))
    assert (done["name"], done["studies"], done["left_out"], done["packs"]) == (made["backup"], 3, 0, 3)
    elsewhere.here()
    after = tables()
    events, kept = after.pop("audit_event"), before.pop("audit_event")
    assert events[: len(kept)] == kept
    assert [json.loads(row)[5] for row in events[len(kept) :]] == ["log:opened", "backup:restored"]
    assert after == before
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == clinic.sent


@BOTH
def test_the_drill_with_only_the_backup_and_three_shares(
    clinic: Clinic, elsewhere: Machine, actor_of: Actors, tmp_path: Path
) -> None:
    """Ten studies byte for byte, a sign-in with the second factor, and a record that says what was lost."""
    clinic.receive(9)
    keeper = people.create("keeper", password=PASSWORD, roles=["keeper"], groups=[])
    uri = factors.issue(keeper)[0]
    shares = recovering.export(actor_of(keeper), 3, 5)
    checkpoints.sign_due(at_once=True)
    clinic.backup()
    kept, sent = AuditEvent.objects.count() - 1, dict(clinic.sent)  # the backup's own event came after its snapshot
    clinic.receive(1)
    checkpoints.sign_due(at_once=True)
    lost = AuditEvent.objects.count()
    outside = tmp_path / "noted outside"
    shutil.copytree(clinic.place.root / "anchors", outside)
    ingest.stop()
    clinic.place.root.rename(tmp_path / "burnt")  # the old machine is not there any more

    few = elsewhere.command(*RESTORE, str(clinic.vault), "--shares", given="\n".join(shares[:2]))
    assert (few.returncode, "3 different shares are needed" in few.stderr) == (1, True)
    done = elsewhere.told(*RESTORE, str(clinic.vault), "--shares", given="\n".join(shares[1:4]))
    assert done["studies"] == 12
    found = everything(elsewhere, clinic.radiologist, clinic.actor_of)
    assert (len(found), found) == (24, sent)
    status = elsewhere.told("keys", "status")
    assert {one["root"] for one in status["epochs"]} == {status["root_id"]}
    browser = Browser()
    browser.give_password(Person.objects.get(username="keeper"))
    assert browser.send("/sign-in/code/", code=code(uri)).status_code == 302
    assert browser.open("/destruction/").status_code == 200
    told = elsewhere.told("audit", "verify", "--anchor", str(outside), status=4)
    (finding,) = told["findings"]
    assert f"rows {kept + 1} to {lost}, which were signed ({outside})" in finding["text"]
    (tmp_path / "burnt").rename(clinic.place.root)


def test_the_restored_record_verifies_against_an_outside_checkpoint_and_says_what_was_lost(
    clinic: Clinic, elsewhere: Machine
) -> None:
    checkpoints.sign_due(at_once=True)
    clinic.backup()
    kept = AuditEvent.objects.count() - 1  # the backup's own event came after its snapshot
    clinic.receive(2)
    checkpoints.sign_due(at_once=True)
    lost = AuditEvent.objects.count()
    outside = elsewhere.place.root / "outside"
    shutil.copytree(clinic.place.root / "anchors", outside)

    same_root(clinic, elsewhere)
    elsewhere.told(*RESTORE, str(clinic.vault))
    told = elsewhere.told("audit", "verify", "--anchor", str(outside), status=4)
    (finding,) = told["findings"]
    assert finding["wrong"] == "restored"
    assert f"rows {kept + 1} to {lost}, which were signed ({outside})" in finding["text"]


def test_with_its_anchors_at_hand_the_restore_itself_says_what_was_lost(clinic: Clinic, elsewhere: Machine) -> None:
    clinic.backup()
    clinic.receive(1)
    checkpoints.sign_due(at_once=True)
    lost = AuditEvent.objects.count()
    same_root(clinic, elsewhere)
    shutil.copytree(clinic.place.root / "anchors", elsewhere.place.root / "anchors")
    done = elsewhere.command(*RESTORE, str(clinic.vault))
    assert done.returncode == 0, done.stderr
    assert f"to {lost}, which an anchor knows" in done.stderr


def test_a_small_archive_can_become_a_large_one_and_back(clinic: Clinic, elsewhere: Machine) -> None:
    """A backup of one kind of database restores into the other."""
    if not services.postgres_answers():
        pytest.skip("there is no other kind of database here")
    clinic.backup()
    same_root(clinic, elsewhere)
    small = connection.vendor == "sqlite"
    url = services.create_database("other") if small else f"sqlite:{elsewhere.place.root / 'data' / 'index.sqlite3'}"
    elsewhere.place = type(elsewhere.place)(elsewhere.place.root, url)
    try:
        elsewhere.told(*RESTORE, str(clinic.vault))
        assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == clinic.sent
        assert connection.vendor == ("postgresql" if small else "sqlite")
        # The database goes on numbering behind what was restored.
        people.create("another", password=PASSWORD, roles=["clinician"], groups=[])
        clinic.receive(1)
    finally:
        forget_everything()
        connection.close()
        _point_at(clinic.place)
        if small:
            services.drop_database(url)


@BOTH
def test_the_restored_archive_goes_on(clinic: Clinic, elsewhere: Machine) -> None:
    clinic.backup()
    same_root(clinic, elsewhere)
    elsewhere.told(*RESTORE, str(clinic.vault))
    elsewhere.here()
    clinic.receive(1)
    clinic.work()
    assert Study.objects.count() == 4
    assert not Job.objects.filter(state="failed").exists()
    assert checking.run(clinic.actor_of(Person.objects.get(username="administrator"))).whole
    again = elsewhere.told("backup", "create", str(clinic.vault))
    assert elsewhere.told("backup", "verify", str(clinic.vault))["name"] == again["backup"]


@pytest.mark.parametrize(
    ("place", "when", "nth"),
    [
        ("archive.backup.restoring._bring", "after", 2),
        ("archive.disk.sync_folder", "before", 3),
        ("archive.backup.loading.insert", "after", 5),
        ("audit.log.append", "after", 1),
        ("archive.certificates.replay", "before", 1),
    ],
)
def test_killed_at_any_instant_it_is_given_again(
    clinic: Clinic, elsewhere: Machine, place: str, when: str, nth: int
) -> None:
    clinic.backup()
    same_root(clinic, elsewhere)
    elsewhere.killed(place, when, nth, *RESTORE, str(clinic.vault))
    again = elsewhere.command(*RESTORE, str(clinic.vault), "--json")
    done_before = place.endswith("replay")
    assert again.returncode == (1 if done_before else 0), again.stderr
    assert not done_before or "is not empty" in again.stderr
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == clinic.sent
    assert AuditEvent.objects.filter(action="log:opened").count() == 1


def test_it_restores_into_nothing_but_an_empty_installation(clinic: Clinic, elsewhere: Machine) -> None:
    with pytest.raises(Unsuitable, match="not empty"):
        require_empty()
    clinic.backup()
    busy = clinic.command(*RESTORE, str(clinic.vault))
    assert (busy.returncode, "is not empty" in busy.stderr) == (1, True)

    same_root(clinic, elsewhere)
    foreign = elsewhere.place.data / "packs" / "ab" / ("ab" * 16) / f"{'0' * 16}-000001.pack"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"somebody else's")
    refused = elsewhere.command(*RESTORE, str(clinic.vault))
    assert (refused.returncode, "one that is not of this backup" in refused.stderr) == (1, True)
    assert foreign.read_bytes() == b"somebody else's"


def test_a_pack_in_use_under_a_name_of_the_backup_is_never_touched(clinic: Clinic, elsewhere: Machine) -> None:
    """Whoever points an empty database at the packs of a living archive must not lose one of them."""
    clinic.backup()
    same_root(clinic, elsewhere)
    packs = elsewhere.place.data / "packs"
    shutil.copytree(clinic.place.data / "packs", packs)
    (one, *_) = sorted(packs.rglob("*.pack"))
    longer = one.read_bytes() + b"more"
    one.write_bytes(longer)
    refused = elsewhere.command(*RESTORE, str(clinic.vault))
    assert (refused.returncode, "another one under a name of this backup" in refused.stderr) == (1, True)
    assert one.read_bytes() == longer


def test_another_root_opens_nothing_and_says_so(clinic: Clinic, elsewhere: Machine) -> None:
    clinic.backup()
    call_command("keys", "create-root", str(elsewhere.place.root / "root.key"))
    refused = elsewhere.command(*RESTORE, str(clinic.vault))
    assert (refused.returncode, "is not the one that wrapped the keys of this backup" in refused.stderr) == (1, True)
    assert not (elsewhere.place.data / "packs").exists()


def test_a_damaged_part_stops_the_restore_before_the_database_has_anything(clinic: Clinic, elsewhere: Machine) -> None:
    clinic.backup()
    same_root(clinic, elsewhere)
    (part, *_) = sorted(path for path in (clinic.vault / "parts").rglob("*") if path.is_file())
    damaged = bytearray(part.read_bytes())
    damaged[-1] ^= 1
    part.write_bytes(damaged)
    refused = elsewhere.command(*RESTORE, str(clinic.vault))
    assert (refused.returncode, part.name in refused.stderr) == (3, True)
    elsewhere.here()
    require_empty()


def test_a_backup_of_other_tables_is_refused_by_name(
    clinic: Clinic, elsewhere: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "schema", lambda: {"archive": "0999_to_come"})
    creating.create(identify.shell("root"), clinic.vault, None, lambda *_: None)
    assert places.registered(identify.shell("root"))
    same_root(clinic, elsewhere)
    refused = elsewhere.command(*RESTORE, str(clinic.vault))
    assert (refused.returncode, "archive 0999_to_come" in refused.stderr) == (1, True)


def test_an_older_backup_can_be_chosen(clinic: Clinic, elsewhere: Machine) -> None:
    first = clinic.backup()["backup"]
    sent = dict(clinic.sent)
    clinic.receive(1)
    second = clinic.backup()["backup"]
    assert [one["backup"] for one in clinic.told("backup", "list", str(clinic.vault))["backups"]] == [first, second]
    same_root(clinic, elsewhere)
    assert elsewhere.told(*RESTORE, str(clinic.vault), "--backup", first)["name"] == first
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == sent


@BOTH
def test_every_table_is_in_the_backup_or_left_out_by_name(clinic: Clinic) -> None:
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor)) - {"django_migrations"}
    travelling = {one.table for one in sections.sections()}
    assert there == travelling | sections.IN_KEY_PART | sections.LEFT_OUT
    assert not travelling & (sections.IN_KEY_PART | sections.LEFT_OUT)


@BOTH
def test_the_keys_of_a_backup_and_the_packs_that_survived_are_enough(clinic: Clinic, elsewhere: Machine) -> None:
    clinic.backup()
    ingest.stop()
    same_root(clinic, elsewhere)
    assert elsewhere.told(*RESTORE, str(clinic.vault), "--keys-only") == {"keys": 6}
    shutil.copytree(clinic.place.data / "packs", elsewhere.place.data / "packs")
    assert elsewhere.command("setup", "--no-link").returncode == 0
    elsewhere.told("archive", "check", "--rebuild")
    elsewhere.here()
    assert AuditEvent.objects.get(action="backup:restored", outcome="ok").count == 6
    uids = list(Study.objects.values_list("uid", flat=True))
    assert len(uids) == Restricted.objects.count() == 3
    # Nobody is there to read them yet: people are made again, and decide whose the studies are.
    elsewhere.told("group", "add", "Radiology")
    elsewhere.told("person", "add", "radiologist", "--role", "clinician", "--group", "Radiology")
    for uid in uids:
        elsewhere.told("study", "reconcile", uid, "--group", "Radiology")
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == clinic.sent
