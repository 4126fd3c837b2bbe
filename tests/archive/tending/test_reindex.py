"""Search tokens made anew are those of a fresh archive; a search beside it misses nobody, a kill loses nothing."""

import json
from io import StringIO
from threading import Event, Thread
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.errors import Forbidden
from archive import query, removal, tasks
from archive.models import (
    Instance,
    Job,
    Patient,
    PatientToken,
    Phrase,
    PhraseToken,
    Reindexing,
    Study,
    StudyToken,
)
from archive.query import Criteria, Page
from archive.tending import reindexing, retokening
from audit.models import AuditEvent
from tests import builders
from tests.archive.fixity.conftest import open_alerts
from tests.archive.tending.conftest import SHELL, Archive

pytestmark = pytest.mark.both_databases
Tokens = dict[str, set[tuple[Any, ...]]]


@pytest.fixture(autouse=True)
def level(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets a test choose the level; full is where it begins."""

    def choose(name: str) -> None:
        monkeypatch.setattr(settings, "PACS_SEARCH", name)

    choose("full")
    return choose


def people(archive: Archive) -> list[builders.Identity]:
    """Three patients with two studies each; the second study of each says another name."""
    made = [builders.Identity() for _ in range(3)]
    for who in made:
        archive.store(builders.ct_slice(who))
        archive.store(builders.ct_slice(who, PatientName=f"{builders.word()}^OTHER"))
    return made


def tokens() -> Tokens:
    """All tokens, told by whose they are."""
    return {
        "patients": set(PatientToken.objects.values_list("patient__pseudonym", "column", "token")),
        "studies": set(StudyToken.objects.values_list("study__uid", "column", "token")),
        "phrases": set(PhraseToken.objects.values_list("phrase__column", "phrase__digest", "column", "token")),
    }


def run() -> reindexing.Reindexed:
    return reindexing.run(SHELL)


def found(archive: Archive, pattern: str) -> set[str]:
    actor = archive.actor_of(archive.reader)
    return {row.uid for row in query.studies(actor, Criteria(patient_name=pattern), Page()).rows}


@pytest.mark.parametrize(
    ("first", "second"), [("full", "exact"), ("exact", "full"), ("full", "prefix"), ("prefix", "exact")]
)
def test_tokens_made_anew_are_those_of_a_fresh_archive(archive: Archive, level: Any, first: str, second: str) -> None:
    level(first)
    people(archive)
    fresh = tokens()
    level(second)
    people(archive)
    stored = {name: of - fresh[name] for name, of in tokens().items()}
    run()
    changed = tokens()
    assert all(changed[name] > stored[name] for name in stored), "a pass makes others than a store does"
    assert all(changed[name] - stored[name] != fresh[name] for name in stored), "nothing was made anew"
    level(first)
    run()
    assert all(tokens()[name] > fresh[name] for name in fresh)
    level(second)
    run()
    assert tokens() == changed


def test_a_pass_is_on_record_study_by_study_and_as_a_whole(archive: Archive, level: Any) -> None:
    people(archive)
    level("exact")
    out = StringIO()
    call_command("archive", "reindex", "--json", stdout=out)
    told = json.loads(out.getvalue())
    phrases = Phrase.objects.count()
    assert told == {"level": "exact", "patients": 3, "studies": 6, "phrases": phrases, "trashed": 0, "damaged": []}
    events = AuditEvent.objects.filter(action="archive:reindexed", outcome="ok").order_by("seq")
    opened = list(events.filter(actor_name="tend").values_list("study_uid", "count"))
    assert {uid for uid, _ in opened} == {*Study.objects.values_list("uid", flat=True), ""}
    assert sum(count for uid, count in opened if not uid) == phrases
    last = events.last()
    assert last is not None
    assert (last.actor_kind, last.count) == ("shell", 6)


def test_who_does_not_tend_the_archive_makes_nothing_anew(archive: Archive) -> None:
    people(archive)
    before = tokens()
    with pytest.raises(Forbidden):
        reindexing.run(archive.actor_of(archive.reader))
    assert tokens() == before


@pytest.mark.parametrize(
    ("at", "when", "nth"),
    [
        ("archive.tending.reindexing._advance", "before", 2),
        ("archive.tending.reindexing._advance", "after", 2),
        ("archive.tending.retokening._replaced", "after", 2),
        ("archive.tending.retokening.of_phrases", "before", 1),
        ("archive.tending.reindexing._finish", "before", 1),
    ],
)
@pytest.mark.one_database
def test_a_pass_that_was_killed_goes_on(archive: Archive, level: Any, at: str, when: str, nth: int) -> None:
    for _ in range(2 * reindexing.MOST_STUDIES):
        archive.store(builders.ct_slice(who := builders.Identity()))
    archive.store(builders.ct_slice(who, PatientName="ANOTHER^NAME"))
    full = tokens()
    level("exact")
    archive.extra["PACS_SEARCH"] = "exact"
    archive.killed(at, when, nth, "reindex")
    halfway = tokens()
    assert Reindexing.objects.get().finished_at is None
    done = archive.command("reindex", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["patients"], told["studies"]) == (20, 21), "a patient was done twice, or not at all"
    resumed = tokens()
    assert resumed != full
    assert halfway != resumed or at.endswith("_finish")
    assert run().row.level == "exact"
    assert tokens() == resumed


def test_searches_beside_a_pass_miss_nobody(archive: Archive, level: Any) -> None:
    made = people(archive)
    names = {who.name: found(archive, who.name) for who in made}
    assert all(len(uids) == 1 for uids in names.values())
    ended, missed, asked = Event(), list[str](), 0

    def search() -> None:
        nonlocal asked
        while not ended.is_set():
            missed.extend(name for name, uids in names.items() if found(archive, name) != uids)
            asked += 1
        connection.close()

    searching = Thread(target=search)
    searching.start()
    try:
        for name in ("exact", "full", "prefix", "full", "exact"):
            level(name)
            run()
    finally:
        ended.set()
        searching.join()
    assert asked > 1
    assert missed == []


def test_a_study_stored_while_it_runs_has_right_tokens(
    archive: Archive, level: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = people(archive)[0]
    level("exact")
    opened, came = retokening._open, list[Instance]()

    def _open(patient: Patient, *rest: Any) -> Any:
        """Between a patient's being opened and its tokens' being replaced, another study and another accession come."""
        result = opened(patient, *rest)
        if len(came) < 3:
            came.append(archive.store(builders.ct_slice(who)))
            came.append(archive.store(builders.ct_slice(builders.Identity())))
        return result

    monkeypatch.setattr(retokening, "_open", _open)
    run()
    monkeypatch.undo()
    level("exact")
    now = tokens()
    assert found(archive, who.name) >= {came[0].study.uid}
    run()
    assert tokens() == now


def test_a_cell_filled_between_opening_and_replacing_keeps_its_tokens(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = archive.store(builders.ct_slice(who := builders.Identity(), AccessionNumber="", StudyID=""))
    opened, came = retokening._open, list[Instance]()

    def _open(patient: Patient, *rest: Any) -> Any:
        result = opened(patient, *rest)
        if not came:
            came.append(archive.store(builders.ct_slice(who, study_uid=first.study.uid)))
        return result

    monkeypatch.setattr(retokening, "_open", _open)
    run()
    actor = archive.actor_of(archive.reader)
    rows = query.studies(actor, Criteria(accession_number=who.accession), Page()).rows
    assert [row.uid for row in rows] == [first.study.uid]


def test_a_damaged_cell_is_told_and_passed_over(archive: Archive, level: Any) -> None:
    people(archive)
    one = Study.objects.exclude(accession_cell=b"").order_by("id")[0]
    cell = bytearray(one.accession_cell)
    cell[-1] ^= 1
    Study.objects.filter(id=one.id).update(accession_cell=bytes(cell))
    before = set(StudyToken.objects.filter(study=one, column=5).values_list("token", flat=True))
    level("exact")
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("archive", "reindex", "--json", stdout=out)
    assert refused.value.returncode == 3
    assert json.loads(out.getvalue())["damaged"] == [f"study.accession_cell {one.id}"]
    assert set(StudyToken.objects.filter(study=one, column=5).values_list("token", flat=True)) == before
    assert open_alerts() == 1
    others = StudyToken.objects.filter(column=5).exclude(study=one).values_list("study", flat=True)
    assert len(others) == len(set(others)) == 5, "the others have one exact token each"


def test_what_is_in_the_trash_is_opened_by_nobody_and_right_once_restored(
    archive: Archive, level: Any, technologist: Any
) -> None:
    who = builders.Identity()
    alone = archive.store(builders.ct_slice(who)).study
    level("exact")
    run()
    exact = tokens()
    level("full")
    run()
    actor = archive.actor_of(technologist)
    removal.trash(actor, alone.uid)
    level("exact")
    opened = AuditEvent.objects.filter(action="archive:reindexed", study_uid=alone.uid).count()
    assert run().row.trashed == 1
    assert AuditEvent.objects.filter(action="archive:reindexed", study_uid=alone.uid).count() == opened
    assert not tokens()["patients"]
    assert not tokens()["studies"]
    removal.restore(actor, alone.uid)
    assert tasks.run(Job.objects.get(kind="reindex", state="due").id)
    assert tokens() == exact
    assert found(archive, who.name) == {alone.uid}


def test_another_study_of_a_patient_whose_studies_lie_in_the_trash_is_found(
    archive: Archive, technologist: Any
) -> None:
    who = builders.Identity()
    removal.trash(archive.actor_of(technologist), archive.store(builders.ct_slice(who)).study.uid)
    run()
    other = archive.store(builders.ct_slice(who)).study
    assert tasks.run(Job.objects.get(kind="reindex", state="due").id)
    assert found(archive, who.name) == {other.uid}
