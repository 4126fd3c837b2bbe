"""Whatever makes the record unwritable, and in the middle of whatever: nothing leaves two seconds later, and it heals.

One archive goes through all causes without being started anew. Everything is measured where the clients are.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from pydicom.dataset import Dataset

from bench import cluster
from bench.cluster import Cluster
from tests import builders, services
from tests.conftest import REQUIRED
from tests.e2e import accounting, breaking
from tests.e2e.breaking import Watcher
from tests.e2e.conftest import Login, SetUp, populate
from tests.e2e.running import ROOT, Archive, running, wait_for
from tests.e2e.traffic import FRAMES, frame_url, record_refused, stow

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
LIMIT = 2.0
SLACK = 0.7  # for what the sockets still held, and for the clocks of a busy machine
BROKEN_SECONDS = 8.0
PATIENCE = 5.0  # seconds for which a client waits: what was under way when a database hangs is not answered before
SMALL_DISK = 160  # megabytes
SMALL_CLUSTER = 320
Cause = Callable[[], AbstractContextManager[None]]


@dataclass
class Place:
    """A running archive, who may do what there, and every way to break its record."""

    archive: Archive
    logins: dict[str, Login]
    causes: dict[str, Cause]


@pytest.fixture(scope="module")
def small(prepared: SetUp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """On SQLite, on a small disk of its own where this user may mount one."""
    archive = Archive(tmp_path_factory.mktemp("unwritable") / "custos")
    shutil.copytree(prepared.root, archive.root)
    causes: dict[str, Cause] = {
        "refused": lambda: record_refused(archive),
        "locked": lambda: breaking.turn_held(archive),
    }
    with ExitStack() as stack:
        data = archive.root / "data"
        with suppress(subprocess.CalledProcessError):
            stack.enter_context(breaking.small_disk(data, SMALL_DISK))
            causes["full"] = lambda: breaking.disk_full(data)
        stack.enter_context(running(archive))
        yield Place(archive, prepared.logins, causes)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, bool]]:
    """A PostgreSQL server of our own, because it is stopped and killed, and whether its disk is a small one."""
    try:
        cluster.binary("initdb")
    except FileNotFoundError:
        services.absent("postgres", REQUIRED)
    with ExitStack() as stack:
        # Not below pytest's own folder, which nobody else may enter.
        folder = Path(tempfile.mkdtemp(prefix="custos-small-disk-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        own = folder / "cluster"
        own.mkdir()
        small = False
        with suppress(subprocess.CalledProcessError):
            stack.enter_context(breaking.small_disk(own, SMALL_CLUSTER))
            small = True
        yield stack.enter_context(cluster.running(own)), small


@pytest.fixture(scope="module")
def large(server: tuple[Cluster, bool], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """On PostgreSQL, with Redis."""
    database, small = server
    extra = {"PACS_DATABASE_URL": cluster.create_database(database, "unwritable"), "PACS_REDIS_URL": services.REDIS}
    archive = Archive(tmp_path_factory.mktemp("unwritable-large"), extra)
    (archive.root / "tmp").mkdir()
    archive.manage("setup")
    logins = populate(archive)
    causes: dict[str, Cause] = {
        "refused": lambda: record_refused(archive),
        "locked": lambda: breaking.turn_held(archive),
        "stopped": lambda: breaking.database_stopped(database),
        "killed": lambda: breaking.database_killed(database),
    }
    if small:
        causes["full"] = lambda: breaking.database_disk_full(database)
    with running(archive):
        yield Place(archive, logins, causes)


@pytest.mark.parametrize("cause", ["refused", "locked", "full"])
def test_nothing_leaves_a_small_archive(small: Place, cause: str, dcmtk: Callable[[str], str], tmp_path: Path) -> None:
    if cause not in small.causes:
        pytest.skip("nobody but root mounts a small disk")
    closes_and_opens_again(small, small.causes[cause], dcmtk("storescu"), tmp_path, full=cause == "full")


@pytest.mark.parametrize("cause", ["refused", "locked", "stopped", "killed", "full"])
def test_nothing_leaves_a_large_archive(large: Place, cause: str, dcmtk: Callable[[str], str], tmp_path: Path) -> None:
    if cause not in large.causes:
        pytest.skip("nobody but root mounts a small disk")
    closes_and_opens_again(large, large.causes[cause], dcmtk("storescu"), tmp_path, full=cause == "full")


def closes_and_opens_again(place: Place, cause: Cause, storescu: str, folder: Path, *, full: bool = False) -> None:
    """Break the record within an open lease, a running download, sending, and half an object; then mend it.

    On a `full` disk the database may still have room within its own files; what can be recorded may then leave.
    """
    archive = place.archive
    sender, study = archive.session(place.logins["tom"].token), builders.study(8, side=512)
    assert stow(sender, archive, study).status_code == 200
    acknowledged = {ds.SOPInstanceUID: ds for ds in study}
    before = served_by(archive)
    person = signed_in(archive, "rosa")
    asking = watchers(place, person, study, acknowledged)

    with breaking.watching(*asking), breaking.half_way(archive.dicom_port, 1 << 20) as half:
        wait_for(lambda: min(one.got(200) for one in asking) > 1, 60, "the first answers")
        with half_sent(storescu, half.port, folder) as store:
            assert half.arrived.wait(30)
            broken = time.monotonic()
            with cause():
                time.sleep(BROKEN_SECONDS)
                page = person.get(f"{archive.url}/studies/", timeout=20)
                half.go.set()
                told, _ = store.communicate(timeout=60)
                mended = time.monotonic()
        wait_for(lambda: all(one.answers[-1].status == 200 for one in asking), 40, "recovery without a restart")

    closed = broken + LIMIT + SLACK
    allowed = {(503, True), (200, False)} if full else {(503, True)}
    for number, one in enumerate(asking):
        assert full or not [at - broken for at in one.heard if closed < at < mended]
        within = [answer for answer in one.answers if answer.began > closed and answer.ended < mended]
        # Whoever sends may be kept waiting for the turn; whoever reads may not.
        assert within or one is asking[-1], f"watcher {number} was not answered"
        assert {(answer.status, answer.retry_after) for answer in within} <= allowed, f"watcher {number}"
    assert full or (page.status_code, "Retry-After" in page.headers) == (503, True)
    assert full or "paused" in page.text
    assert "Success" not in told
    assert "OutOfResources" in told
    assert served_by(archive) == before
    all_there(place, acknowledged)
    if full:
        wait_for(lambda: not unrecorded(place, asking, study), 60, "the record of everything that left")


def unrecorded(place: Place, asking: list[Watcher], study: list[Dataset]) -> list[str]:
    """What the watchers with a token were given by an archive on a full disk, and its record does not say."""
    program = [sys.executable, "-m", "tests.e2e.telling"]
    environment = {**place.archive.environment, "DJANGO_SETTINGS_MODULE": "pacs.settings"}
    told = subprocess.run(program, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    facts = accounting.of_record(json.loads(told)["events"])
    frames, whole, searches, *_ = asking
    uid, pixels = study[0].StudyInstanceUID, sum(len(ds.PixelData) for ds in study)
    sent = sum(count for fact, count in facts.items() if fact[:3] == ("sent", "rosa", uid))
    found = sum(count for fact, count in facts.items() if fact[:4] == ("event", "rosa", "study:search", "ok"))
    missing = (
        [] if sent >= frames.received + whole.got(200) * pixels else [f"{frames.received} bytes, {sent} on record"]
    )
    return missing if found >= searches.got(200) else [*missing, f"{searches.got(200)} searches, {found} on record"]


def signed_in(archive: Archive, username: str) -> requests.Session:
    """A browser of somebody who gave both factors."""
    program = [sys.executable, "-m", "tests.e2e.signing_in", username]
    environment = {**archive.environment, "DJANGO_SETTINGS_MODULE": "pacs.settings"}
    told = subprocess.run(program, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    client = archive.session("")
    del client.headers["Authorization"]
    client.headers["Cookie"] = "=".join(told.split())
    return client


def zipped(person: requests.Session, archive: Archive, study_uid: str) -> Callable[[], requests.Response]:
    """What downloads a study as a zip, from the page that asks what for."""
    page = f"{archive.url}/studies/{study_uid}/download/"
    form = person.get(page, timeout=20)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
    assert token, form.text
    headers = {"Referer": page, "Cookie": f"{person.headers['Cookie']!s}; __Host-csrf={form.cookies['__Host-csrf']}"}
    entries = {"csrfmiddlewaretoken": token[1], "purpose": "care"}
    return lambda: person.post(page, data=entries, headers=headers, stream=True, timeout=PATIENCE)


def watchers(
    place: Place, person: requests.Session, study: list[Dataset], acknowledged: dict[str, Dataset]
) -> list[Watcher]:
    """Programs that fetch frames, studies, and search; a person with pages, frames and a zip; last, a sender."""
    archive = place.archive
    frame, root = frame_url(archive, study[0]), f"{archive.url}/dicom-web/studies"
    readers = [archive.session(place.logins["rosa"].token) for _ in range(3)]
    sender = archive.session(place.logins["tom"].token)

    def send() -> requests.Response:
        one = builders.study(1)
        answer = stow(sender, archive, one, timeout=60)
        if answer.status_code == 200:
            acknowledged[one[0].SOPInstanceUID] = one[0]
        return answer

    asked: list[Callable[[], requests.Response]] = [
        lambda: readers[0].get(frame, headers={"Accept": FRAMES}, stream=True, timeout=PATIENCE),
        lambda: readers[1].get(f"{root}/{study[0].StudyInstanceUID}", stream=True, timeout=PATIENCE),
        lambda: readers[2].get(root, params={"limit": "5"}, stream=True, timeout=PATIENCE),
        lambda: person.get(f"{archive.url}/studies/", stream=True, timeout=PATIENCE),
        lambda: person.get(frame, headers={"Accept": FRAMES}, stream=True, timeout=PATIENCE),
        zipped(person, archive, study[0].StudyInstanceUID),
        send,
    ]
    return [Watcher(ask) for ask in asked]


def half_sent(storescu: str, port: int, folder: Path) -> "subprocess.Popen[str]":
    """A modality that sends one large image."""
    file = folder / "large.dcm"
    file.write_bytes(builders.part10(builders.ct_slice(side=1400)))
    program = [storescu, "-v", "-aet", "CT_ONE", "-aec", "CUSTOS", "127.0.0.1", str(port), str(file)]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def served_by(archive: Archive) -> set[int]:
    """The processes that serve: they live through all of it."""
    return {*archive.processes("granian"), *archive.processes("serve dimse")}


def all_there(place: Place, acknowledged: dict[str, Dataset]) -> None:
    reader = place.archive.session(place.logins["rosa"].token)
    for ds in acknowledged.values():
        assert reader.get(frame_url(place.archive, ds), headers={"Accept": FRAMES}, timeout=30).status_code == 200
