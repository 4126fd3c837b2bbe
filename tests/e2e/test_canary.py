"""Promise one, from outside: after every door was used, rightly and wrongly, no word of a patient is readable."""

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import gettempdir

import psycopg2
import pytest
import redis
import requests
from psycopg2 import sql

from tests import builders
from tests.canary.objects import Canary
from tests.e2e.conftest import Login
from tests.e2e.running import Archive, wait_for
from tests.e2e.sweep import changed_since, readable, sweep
from tests.e2e.traffic import FRAMES, stow, stow_files

pytestmark = [pytest.mark.dcmtk, pytest.mark.slow]
POSTGRES_FILES = Path("/var/lib/postgresql")
POSTGRES_LOGS = Path("/var/log/postgresql")


def send(dcmsend: str, archive: Archive, folder: Path) -> None:
    to = [dcmsend, "-aet", "CT_ONE", "-aec", "CUSTOS", "127.0.0.1", str(archive.dicom_port), "+sd", str(folder)]
    subprocess.run(to, check=True, capture_output=True, timeout=120)


def write(folder: Path, canary: Canary) -> None:
    folder.mkdir()
    for number, ds in enumerate(canary.all()):
        (folder / f"{number}.dcm").write_bytes(builders.part10(ds))


def read_everything(reader: requests.Session, archive: Archive, canary: Canary) -> None:
    """Find the study by each criterion, then take it by each way out."""
    root = f"{archive.url}/dicom-web"
    for criterion in (
        {"PatientName": canary.who.name.split("^")[0].lower() + "*"},
        {"PatientID": canary.who.patient_id},
        {"AccessionNumber": canary.who.accession},
        {"StudyDescription": canary.who.description},
        {"ReferringPhysicianName": "*" + canary.who.referring[2:9] + "*"},
    ):
        assert len(reader.get(f"{root}/studies", params=criterion, timeout=30).json()) == 1, criterion
    study = f"{root}/studies/{canary.study_uid}"
    assert canary.private.encode() in reader.get(f"{study}/metadata", timeout=60).content
    whole = reader.get(study, headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'})
    assert all(word.encode() in whole.content for word in canary.words())
    (series,) = (one for one in reader.get(f"{study}/series").json() if one["00080060"]["Value"] == ["CT"])
    place = f"{study}/series/{series['0020000E']['Value'][0]}"
    instance = reader.get(f"{place}/instances").json()[0]["00080018"]["Value"][0]
    frame = reader.get(f"{place}/instances/{instance}/frames/1", headers={"Accept": FRAMES})
    assert canary.pattern in frame.content
    for way in (f"{place}/instances/{instance}/rendered", f"{place}/thumbnail"):
        wait_for(partial(picture, reader, way), 30, way)


def picture(reader: requests.Session, way: str) -> bool:
    return reader.get(way, headers={"Accept": "image/jpeg"}, timeout=30).status_code == 200


def go_wrong(reader: requests.Session, archive: Archive, canary: Canary, typed: str) -> None:
    """Use the doors as people and programs do who make mistakes: with the word where it does not belong."""
    root = f"{archive.url}/dicom-web"
    stranger = archive.session(typed)
    assert stranger.get(f"{root}/studies", params={"PatientName": typed}).status_code in (401, 403)
    assert reader.get(f"{root}/studies", params={"PatientName": typed, "NoSuchThing": typed}).status_code == 200
    assert reader.get(f"{root}/studies/{typed}").status_code in (400, 404)
    assert reader.get(f"{archive.url}/{typed}/?name={typed}").status_code in (401, 403, 404)
    whole = builders.part10(canary.image())
    assert stow_files(reader, archive, [whole[: len(whole) // 2]]).status_code >= 400
    assert stow_files(reader, archive, [b"\0" * 128 + b"DICM" + typed.encode() * 40]).status_code >= 400
    client = requests.Session()
    client.trust_env, client.verify = False, str(archive.authority)
    page = client.get(f"{archive.url}/sign-in/")
    token = client.cookies.get("__Host-csrftoken") or client.cookies.get("csrftoken") or ""
    client.post(
        page.url,
        data={"username": typed, "password": typed, "csrfmiddlewaretoken": token},
        headers={"Referer": page.url, "X-CSRFToken": token},
    )


def care(archive: Archive, canary: Canary, reason: str) -> None:
    """What an operator does to a study by command."""
    archive.manage("archive", "scrub")
    archive.manage("archive", "check")
    archive.manage("study", "hold", canary.study_uid, "--reason", reason)
    archive.manage("study", "trash", canary.study_uid)
    archive.manage("study", "restore", canary.study_uid)
    place = archive.root / "vault"
    place.mkdir()
    archive.manage("backup", "create", str(place))
    archive.manage("keys", "rekey", canary.study_uid)
    archive.manage("archive", "reindex")
    archive.manage("archive", "compact")
    archive.manage("archive", "sweep", "--dry-run")
    archive.manage("backup", "create", str(place))
    archive.manage("backup", "verify", str(place))
    archive.manage("archive", "check")
    archive.manage("audit", "export", "--csv")


def kept_by_services(archive: Archive, words: list[str], began: float) -> list[str]:
    """What can be read in the database as it answers, in its files and journals, and in the broker."""
    lines = []
    if url := archive.extra.get("PACS_DATABASE_URL"):
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in cursor.fetchall():
                cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
                content = b"\n".join(
                    bytes(value) if isinstance(value, memoryview) else str(value).encode()
                    for row in cursor.fetchall()
                    for value in row
                )
                lines += [f"{word} in table {table}" for word in readable(content, words)]
        if os.access(POSTGRES_FILES, os.R_OK):
            with closing(psycopg2.connect(url)) as connection:
                connection.autocommit = True
                connection.cursor().execute("CHECKPOINT")
            files = [path for place in (POSTGRES_FILES, POSTGRES_LOGS) if place.exists() for path in place.rglob("*")]
            lines += sweep(words, (path for path in files if path.is_file() and path.stat().st_mtime >= began))
    if broker := archive.extra.get("PACS_REDIS_URL"):
        client = redis.Redis.from_url(broker)
        kept = b"\n".join(client.dump(key) or b"" for key in client.scan_iter())
        lines += [f"{word} in the broker" for word in readable(kept, words)]
    return lines


@pytest.mark.both_sizes
@pytest.mark.timeout(300)
def test_after_every_door_was_used_no_word_of_a_patient_is_readable_anywhere(
    archive: Archive, logins: dict[str, Login], dcmtk: Callable[[str], str], tmp_path: Path
) -> None:
    began, canary, other = time.time() - 1, Canary(), Canary()
    reason, typed = builders.word(), builders.word()
    write(tmp_path / "sent", canary)
    send(dcmtk("dcmsend"), archive, tmp_path / "sent")
    reader, keeper = (archive.session(logins[name].token) for name in ("rosa", "tom"))
    assert stow(keeper, archive, other.all()).status_code == 200
    assert stow(keeper, archive, [canary.changed(canary.image(7)), other.image(1)]).status_code == 200
    read_everything(reader, archive, canary)
    go_wrong(reader, archive, canary, typed)
    care(archive, canary, reason)
    time.sleep(2)  # deliveries are in their journals within a second

    words = [*canary.words(), *other.words(), reason, typed]
    shared = changed_since(began, Path(gettempdir()), without=tmp_path.parent)
    assert sweep(words, [archive.root, *shared], archive.processes()) == []
    assert kept_by_services(archive, words, began) == []
    # What may be read is found there, so the sweep looked where the study is.
    shown = [canary.study_uid]
    assert [*sweep(shown, [archive.root]), *kept_by_services(archive, shown, began)] != []
