"""Whoever loses a right hears no byte later than two seconds after, on every process, with and without Redis.

Everything is measured where the clients are, from the moment at which the change was answered, which is after its
commit. Others read on meanwhile: it is the one who is cut off, not the house that is closed.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from pydicom.dataset import Dataset

from tests import builders, services
from tests.conftest import REQUIRED
from tests.e2e.breaking import watching
from tests.e2e.conftest import Login, populate
from tests.e2e.revoking import WHOLE, Modality, Reader, Redis, form, served_by
from tests.e2e.running import Archive, running, wait_for
from tests.e2e.test_unwritable import signed_in
from tests.e2e.traffic import FRAMES, asked, frame_url, stow

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.redis, pytest.mark.postgres]
LIMIT = 2.0
WORKERS = 3
MOST_READERS = 40
AFTERWARDS = 4.0
STATES = ("running", "stopped", "hanging")


@dataclass
class Place:
    """A running archive with a broker of its own, and a study large enough to be under way for a while."""

    archive: Archive
    redis: Redis
    logins: dict[str, Login]
    study: list[Dataset]

    def broker(self, state: str) -> AbstractContextManager[None]:
        if state == "running":
            return nullcontext()
        return self.redis.gone() if state == "stopped" else self.redis.hanging()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if services.program("redis-server") is None:
        services.absent("redis", REQUIRED)
    if not services.postgres_answers():
        services.absent("postgres", REQUIRED)
    root, url = tmp_path_factory.mktemp("kill-switch"), services.create_database("kill")
    redis = Redis(root).start()
    extra = {"PACS_DATABASE_URL": url, "PACS_REDIS_URL": redis.url, "PACS_WEB_WORKERS": str(WORKERS)}
    archive = Archive(root / "custos", extra)
    (archive.root / "tmp").mkdir(parents=True)
    try:
        archive.manage("setup")
        logins = {**populate(archive), **populate(archive, "more")}
        study = builders.study(24, side=512)
        with running(archive):
            sender = archive.session(logins["tom"].token)
            assert stow(sender, archive, study).status_code == 200
            yield Place(archive, redis, logins, study)
    finally:
        redis.stop()
        services.drop_database(url)


def by_token(place: Place, token: str, url: str, accept: str) -> Reader:
    session = place.archive.session(token)
    return Reader.of(lambda: session.get(url, headers={"Accept": accept}, stream=True, timeout=20))


def by_cookie(place: Place, person: requests.Session, url: str) -> Reader:
    return Reader.of(
        lambda: person.get(url, headers={"Accept": FRAMES}, stream=True, timeout=20, allow_redirects=False)
    )


def zipped(place: Place, username: str) -> Reader:
    """A browser that downloads the study as a zip, again and again."""
    post = form(signed_in(place.archive, username), place.archive, "/me/")
    path = f"/studies/{place.study[0].StudyInstanceUID}/download/"
    return Reader.of(lambda: post(path, {"purpose": "care"}, stream=True))


def on_every_process(place: Place, make: Callable[[], Reader]) -> list[Reader]:
    """As many readers as it takes until each web process has served one of them."""
    readers, serving = list[Reader](), set[int]()
    while len(serving) < WORKERS:
        assert len(readers) < MOST_READERS, f"{MOST_READERS} connections came to {len(serving)} processes alone"
        readers.append(make())
        answer = readers[-1].ask()
        assert answer.status_code == 200
        serving.add(served_by(place.archive, readers[-1].port))
        assert answer.content
        serving.discard(0)
    return readers


def assert_cut_off(cut: list[Reader], changed: float, statuses: set[int]) -> None:
    """Each of them was hearing something when it happened, hears nothing from two seconds after, and knows why."""
    late = [round(at - changed, 2) for one in cut for at in one.heard if at > changed + LIMIT]
    assert not late, f"bytes {late} seconds after"
    assert any(answer.began < changed < answer.ended for one in cut for answer in one.answers), "nothing was under way"
    for number, one in enumerate(cut):
        assert any(at < changed for at in one.heard), f"reader {number} had read nothing"
        told = {answer.status for answer in one.answers if answer.began > changed + LIMIT}
        assert told, f"reader {number} was not answered any more"
        assert told <= statuses, f"reader {number} heard {told}"


def assert_not_disturbed(others: list[Reader], changed: float) -> None:
    for one in others:
        after = [answer.status for answer in one.answers if answer.began > changed]
        assert after
        assert set(after) == {200}


@pytest.mark.parametrize("state", STATES)
def test_a_disabled_person_hears_nothing_two_seconds_later(place: Place, state: str) -> None:
    name = {"running": "rosa", "stopped": "ruth", "hanging": "remy"}[state]
    archive, token = place.archive, place.logins[name].token
    frame = frame_url(archive, place.study[0])
    whole = f"{archive.url}/dicom-web/studies/{place.study[0].StudyInstanceUID}"
    person, post = signed_in(archive, name), form(signed_in(archive, "ada"), archive, "/me/")
    key = asked(archive, f"SELECT id FROM accounts_person WHERE username = '{name}'")
    cut = [
        *on_every_process(place, lambda: by_token(place, token, frame, FRAMES)),
        *on_every_process(place, lambda: by_token(place, token, whole, WHOLE)),
        by_cookie(place, person, frame),
        zipped(place, name),
    ]
    others = [by_token(place, place.logins["tom"].token, frame, FRAMES)]
    with place.broker(state), watching(*cut, *others):
        wait_for(lambda: all(one.got(200) > 0 for one in (*cut, *others)), 60, "the first answers")
        answer = post(f"/people/{key}/disable/")
        changed = time.monotonic()
        assert (answer.status_code, answer.headers["Location"]) == (302, "/people/")
        time.sleep(LIMIT + AFTERWARDS)
    # A stream under way breaks off (0); programs hear 401, pages lead to the way in.
    assert_cut_off(cut, changed, {0, 401, 302, 403})
    assert_not_disturbed(others, changed)


@pytest.mark.parametrize("state", STATES)
def test_a_revoked_token_hears_nothing_two_seconds_later(place: Place, state: str) -> None:
    archive, name = place.archive, "tom"
    made = archive.told("token", "add", name, "--days", "1")
    frame = frame_url(archive, place.study[0])
    whole = f"{archive.url}/dicom-web/studies/{place.study[0].StudyInstanceUID}"
    person = signed_in(archive, name)
    post = form(signed_in(archive, name), archive, "/me/")
    cut = [
        *on_every_process(place, lambda: by_token(place, made["token"], frame, FRAMES)),
        *on_every_process(place, lambda: by_token(place, made["token"], whole, WHOLE)),
    ]
    others = [by_token(place, place.logins[name].token, frame, FRAMES), by_cookie(place, person, frame)]
    key = asked(archive, "SELECT id FROM accounts_token ORDER BY created_at DESC LIMIT 1")
    with place.broker(state), watching(*cut, *others):
        wait_for(lambda: all(one.got(200) > 0 for one in (*cut, *others)), 60, "the first answers")
        answer = post(f"/me/tokens/{key}/revoke/")
        changed = time.monotonic()
        assert (answer.status_code, answer.headers["Location"]) == (302, "/me/")
        time.sleep(LIMIT + AFTERWARDS)
    assert_cut_off(cut, changed, {0, 401})
    assert_not_disturbed(others, changed)


@pytest.mark.parametrize("state", STATES)
def test_a_disabled_device_stores_nothing_two_seconds_later(place: Place, state: str) -> None:
    archive = place.archive
    post = form(signed_in(archive, "ada"), archive, "/me/")
    key = asked(archive, "SELECT id FROM accounts_device WHERE ae_title = 'CT_ONE'")
    path = f"/devices/{key}/active/"
    one, another, bystander = (Modality(archive.dicom_port, title) for title in ("CT_ONE", "CT_ONE", "ECHO_ONE"))
    try:
        with place.broker(state), one.sending(), another.sending(), bystander.sending():
            answer = post(path, {"active": "no"})
            changed = time.monotonic()
            assert answer.status_code == 302
            time.sleep(LIMIT + AFTERWARDS)
    finally:
        assert post(path, {"active": "yes"}).status_code == 302
    for sender in (one, another):
        assert not [round(at - changed, 2) for at in sender.stored if at > changed + LIMIT]
        assert [at for at in sender.refused if at > changed]
    assert [at for at in bystander.stored if at > changed + LIMIT]


def test_a_study_that_was_read_is_still_there_for_whom_it_is(place: Place, tmp_path: Path) -> None:
    answer = place.archive.session(place.logins["tom"].token).get(
        f"{place.archive.url}/dicom-web/studies/{place.study[0].StudyInstanceUID}", headers={"Accept": WHOLE}
    )
    assert answer.status_code == 200
    assert all(ds.PixelData in answer.content for ds in place.study)
