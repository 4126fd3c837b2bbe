"""The keeper's pages: what destroying does is read first, confirmed by word and by code, and followed to its end."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Destroyed, Session, Withdrawn
from archive import certificates, destruction, endings, ingest, jobs, removal, tasks
from archive.models import Job, StudyKey
from audit import anchors
from audit.actions import Action
from audit.models import AuditEvent
from tests import builders
from tests.archive.browser.conftest import SignIn, signed_in
from tests.archive.removal.conftest import Doomed, gone

__all__ = ["signed_in"]
Actors = Callable[[Any], Any]
LIST, CERTIFICATES = "/destruction/", "/destruction/certificates/"
CANNOT_REACH = {
    "en": "Copies of the database from before: backups, replicas, archived journals.",
    "fr": "Les copies antérieures de la base de données : sauvegardes, répliques, journaux archivés.",
}
ONLY_STUDY = {"en": "It is the only study of its patient here", "fr": "C’est le seul examen de ce patient ici"}


def question(study_uid: str) -> str:
    return f"/studies/{study_uid}/destroy/"


def text(browser: Client, path: str) -> str:
    answer = browser.get(path, secure=True)
    assert answer.status_code == 200, path
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def confirmed(browser: Client, study_uid: str, end: str = "") -> Any:
    return browser.post(question(study_uid), {"end": end or study_uid[-6:]}, secure=True)


def refusals(outcome: str) -> int:
    acts = (Action.DESTROYED, Action.DESTRUCTION_READ)
    return AuditEvent.objects.filter(action__in=acts, outcome=outcome).count()


@pytest.fixture
def browser(signed_in: SignIn, keeper: Any) -> Client:
    return signed_in(keeper, fresh=True)


@pytest.fixture
def destroyed(doomed: Doomed, browser: Client) -> UUID:
    """The certificate of a study of which keys and rows are gone, and nothing else yet."""
    return UUID(confirmed(browser, doomed.uid).headers["Location"].split("/")[-2])


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_keeper_reads_confirms_and_follows_a_destruction_to_its_certificate(
    signed_in: SignIn, doomed: Doomed, keeper: Any, language: str
) -> None:
    browser = signed_in(keeper, fresh=True, language=language)
    assert f'href="{question(doomed.uid)}"' in browser.get(LIST, secure=True).content.decode()
    said = text(browser, question(doomed.uid))
    assert CANNOT_REACH[language] in said
    assert ONLY_STUDY[language] in said
    answer = confirmed(browser, doomed.uid)
    row = Destroyed.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{CERTIFICATES}{row.id}/")
    assert not StudyKey.objects.filter(id__in=doomed.key_ids).exists()
    page = browser.get(answer.headers["Location"], secure=True).content.decode()
    assert 'data-state="working"' in page
    assert f'data-poll="{CERTIFICATES}{row.id}/steps/"' in page
    assert tasks.run(Job.objects.get(kind="destroy").id)
    assert gone(doomed)
    page = browser.get(f"{CERTIFICATES}{row.id}/steps/", secure=True).content.decode()
    assert 'data-state="complete"' in page
    assert "data-poll" not in page
    listed = text(browser, CERTIFICATES)
    assert str(row.id) in listed
    assert doomed.uid in listed
    note = browser.get(f"{CERTIFICATES}{row.id}/note/", secure=True)
    assert note.headers["Content-Disposition"] == f'attachment; filename="certificate-{row.id}.txt"'
    assert certificates.read(note.content.decode()).study_uid == doomed.uid


def test_no_page_says_anything_of_the_patient_or_the_study_but_its_uid(browser: Client, doomed: Doomed) -> None:
    pages = [text(browser, path) for path in (LIST, question(doomed.uid))]
    pages.append(text(browser, confirmed(browser, doomed.uid).headers["Location"]))
    pages.append(text(browser, CERTIFICATES))
    for page in pages:
        assert doomed.uid in page.replace(" ", "")
        assert [word for word in doomed.identity.words() if word in page] == []


@pytest.mark.parametrize("typed", ["x", "", " ", "1.2.3", "......"])
def test_whoever_does_not_type_the_end_of_the_uid_destroys_nothing(browser: Client, doomed: Doomed, typed: str) -> None:
    answer = browser.post(question(doomed.uid), {"end": typed}, secure=True)
    assert answer.status_code == 400
    assert "Nothing was destroyed." in answer.content.decode()
    assert StudyKey.objects.filter(id__in=doomed.key_ids).count() == 2
    assert not Destroyed.objects.exists()


def test_the_page_says_whether_the_patient_stays(browser: Client, doomed: Doomed, sender: Any) -> None:
    ingest.store(sender, builders.part10(builders.ct_slice(doomed.identity)))
    assert "Its patient has other studies here" in text(browser, question(doomed.uid))


def test_a_held_study_and_a_young_one_say_so_and_stay(
    browser: Client, doomed: Doomed, privacy_officer: Any, actor_of: Actors
) -> None:
    removal.hold(actor_of(privacy_officer), doomed.uid, "Court order")
    assert 'data-state="held"' in browser.get(LIST, secure=True).content.decode()
    said = text(browser, question(doomed.uid))
    assert "This study is under a legal hold." in said
    assert "Destroy for ever" not in said
    assert confirmed(browser, doomed.uid).status_code == 400
    removal.release(actor_of(privacy_officer), doomed.uid)
    Withdrawn.objects.update(at=timezone.now() - timedelta(days=29))
    assert 'data-state="early"' in browser.get(LIST, secure=True).content.decode()
    said = text(browser, question(doomed.uid))
    assert "This study may be destroyed from" in said
    assert "Destroy for ever" not in said
    assert confirmed(browser, doomed.uid).status_code == 400
    assert refusals("denied") == 2
    assert StudyKey.objects.filter(id__in=doomed.key_ids).count() == 2


def test_without_a_fresh_code_the_keeper_is_asked_for_one_and_nothing_is_destroyed(
    signed_in: SignIn, browser: Client, doomed: Doomed, keeper: Any
) -> None:
    stale = signed_in(keeper)
    way = f"/step-up/?next=%2Fstudies%2F{doomed.uid}%2Fdestroy%2F"
    for answer in (stale.get(question(doomed.uid), secure=True), confirmed(stale, doomed.uid)):
        assert (answer.status_code, answer.headers["Location"]) == (302, way)
    assert text(stale, LIST)
    Session.objects.update(stepped_up_at=timezone.now() - timedelta(seconds=301))
    assert confirmed(browser, doomed.uid).headers["Location"] == way
    assert refusals("denied") == 2
    assert StudyKey.objects.filter(id__in=doomed.key_ids).count() == 2


def test_nobody_else_is_offered_or_shown_anything(
    signed_in: SignIn,
    browser: Client,
    doomed: Doomed,
    destroyed: UUID,
    radiologist: Any,
    technologist: Any,
    administrator: Any,
    privacy_officer: Any,
) -> None:
    assert f'href="{LIST}"' in browser.get("/me/", secure=True).content.decode()
    one = f"{CERTIFICATES}{destroyed}/"
    paths = [LIST, CERTIFICATES, one, f"{one}steps/", f"{one}note/", question(doomed.uid), question("1.2.3")]
    for number, person in enumerate((radiologist, technologist, administrator, privacy_officer), 1):
        other = signed_in(person, fresh=True)
        assert LIST not in other.get("/me/", secure=True).content.decode()
        for path in paths:
            assert other.get(path, secure=True).status_code == 403, path
        assert confirmed(other, doomed.uid).status_code == 403
        assert other.post(one, secure=True).status_code == 403
        assert refusals("denied") == number * (len(paths) + 2)
    assert Destroyed.objects.get().completed_at is None


def test_a_study_that_is_not_in_the_trash_is_to_a_keeper_as_if_it_were_unknown(
    browser: Client, doomed: Doomed, technologist: Any, actor_of: Actors
) -> None:
    removal.restore(actor_of(technologist), doomed.uid)
    answers = [
        *(browser.get(question(uid), secure=True) for uid in (doomed.uid, "1.2.3")),
        *(confirmed(browser, uid) for uid in (doomed.uid, "1.2.3")),
        browser.get(f"{CERTIFICATES}{uuid4()}/", secure=True),
        browser.get(f"{CERTIFICATES}{uuid4()}/note/", secure=True),
        browser.post(f"{CERTIFICATES}{uuid4()}/", secure=True),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content.decode().partition("<main")[2] for answer in answers}) == 1
    assert refusals("not-found") == len(answers)
    assert StudyKey.objects.filter(id__in=doomed.key_ids).count() == 2


def test_what_waits_says_why_and_what_has_stopped_goes_on_when_asked(
    browser: Client, doomed: Doomed, destroyed: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "full")

    one = f"{CERTIFICATES}{destroyed}/"
    with monkeypatch.context() as patched:
        patched.setattr(anchors.Folder, "append", full)
        for attempt in range(jobs.ATTEMPTS):
            Job.objects.filter(kind="destroy").update(due_at=timezone.now())
            assert tasks.run(Job.objects.get(kind="destroy").id)
            page = browser.get(one, secure=True).content.decode()
            stopped = attempt == jobs.ATTEMPTS - 1
            assert f'data-state="{"stopped" if stopped else "waiting"}"' in page
            assert "An anchor does not take the certificate." in page
            assert ("Go on" in page) is stopped
    assert "not complete yet" in text(browser, CERTIFICATES)
    assert browser.post(one, secure=True).headers["Location"] == one
    assert tasks.run(Job.objects.get(kind="destroy", state="due").id)
    assert gone(doomed)
    assert "every step is complete" in text(browser, one)
    browser.post(one, secure=True)
    assert not Job.objects.filter(kind="destroy", state="due").exists()


def test_a_step_that_is_done_is_said_to_be(
    browser: Client, doomed: Doomed, destroyed: UUID, monkeypatch: pytest.MonkeyPatch, keeper: Any, actor_of: Actors
) -> None:
    def steps() -> tuple[int, str]:
        found = endings.progress(actor_of(keeper), destroyed)
        return found.done, found.state

    job = jobs.claim(Job.objects.get(kind="destroy").id, "here")
    assert job is not None
    seen = [steps()]
    destruction.finish(str(destroyed), lambda done, total: seen.append((jobs.progress(job, done, total), steps())[1]))
    assert [*seen, steps()] == [(0, "working"), (1, "working"), (2, "working"), (3, "working"), (3, "complete")]


def test_an_unchanged_answer_costs_nothing_and_keeps_no_session_alive(
    browser: Client, doomed: Doomed, destroyed: UUID
) -> None:
    way = f"{CERTIFICATES}{destroyed}/steps/"
    first = browser.get(way, secure=True)
    again = browser.get(way, secure=True, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert tasks.run(Job.objects.get(kind="destroy").id)
    changed = browser.get(way, secure=True, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_a_certificate_that_was_changed_in_the_database_is_not_believed(
    browser: Client, doomed: Doomed, destroyed: UUID
) -> None:
    row = Destroyed.objects.get()
    Destroyed.objects.update(note=row.note.replace('"actor":"keeper"', '"actor":"nobody"'))
    said = text(browser, f"{CERTIFICATES}{destroyed}/")
    assert "The signature of this certificate does not verify." in said
    assert "nobody" not in said.replace("nobody can open it", "")


def test_certificates_are_listed_page_by_page_and_each_once(
    browser: Client, keeper: Any, actor_of: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    Destroyed.objects.bulk_create(Destroyed(study_uid=f"1.2.{number}", note="") for number in range(7))
    Destroyed.objects.filter(study_uid__in=["1.2.2", "1.2.3", "1.2.4"]).update(created_at=timezone.now())
    monkeypatch.setattr(endings, "MOST", 2)
    seen: list[str] = []
    path = CERTIFICATES
    while path:
        page = browser.get(path, secure=True).content.decode()
        seen += re.findall(r'data-certificate="([^"]+)"', page)
        older = re.search(r'href="(\?before=[^"]+)"', page)
        path = CERTIFICATES + older.group(1) if older else ""
    assert sorted(seen) == sorted(str(one) for one in Destroyed.objects.values_list("id", flat=True))
    assert browser.get(f"{CERTIFICATES}?before=x", secure=True).status_code == 200


def test_what_destroys_needs_the_pages_own_token(browser: Client, doomed: Doomed) -> None:
    browser.handler.enforce_csrf_checks = True
    assert confirmed(browser, doomed.uid).status_code == 403
    assert not Destroyed.objects.exists()
