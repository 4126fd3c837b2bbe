"""What clients do to a running archive: send studies, read them, and break the record under it."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import redis
import requests
from pydicom.dataset import Dataset
from urllib3.exceptions import HTTPError

from tests import builders
from tests.e2e.running import Archive

FRAMES = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
BOUNDARY = "custos-test-boundary"
REFUSE = {
    "sqlite": (
        "CREATE TRIGGER planted BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'planted'); END",
        "DROP TRIGGER IF EXISTS planted",
    ),
    "postgres": (
        "CREATE FUNCTION planted() RETURNS trigger AS 'BEGIN RAISE EXCEPTION ''planted''; END' LANGUAGE plpgsql;"
        "CREATE TRIGGER planted BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION planted()",
        "DROP FUNCTION IF EXISTS planted() CASCADE",
    ),
}


def stow(
    client: requests.Session, archive: Archive, study: Iterable[Dataset], timeout: float = 120
) -> requests.Response:
    """Send data sets in one STOW-RS request (PS3.18 §10.5)."""
    return stow_files(client, archive, [builders.part10(ds) for ds in study], timeout)


def stow_files(
    client: requests.Session, archive: Archive, files: Iterable[bytes], timeout: float = 120
) -> requests.Response:
    """Send DICOM files as they are in one STOW-RS request."""
    parts = b"".join(
        b"--%s\r\nContent-Type: application/dicom\r\n\r\n%s\r\n" % (BOUNDARY.encode(), file) for file in files
    )
    return client.post(
        f"{archive.url}/dicom-web/studies",
        data=parts + b"--%s--\r\n" % BOUNDARY.encode(),
        headers={"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'},
        timeout=timeout,
    )


def frame_url(archive: Archive, ds: Dataset, frame: int = 1) -> str:
    return (
        f"{archive.url}/dicom-web/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}"
        f"/instances/{ds.SOPInstanceUID}/frames/{frame}"
    )


def execute(archive: Archive, statement: str) -> None:
    """Do something to the database that the program would never do, as somebody with its password would."""
    url = archive.extra.get("PACS_DATABASE_URL")
    if url:
        with closing(psycopg2.connect(url)) as large, large, large.cursor() as cursor:
            cursor.execute(statement)
    else:
        place = archive.root / "data" / "index.sqlite3"
        with closing(sqlite3.connect(place, timeout=30)) as small, small:
            small.execute(statement)


def asked(archive: Archive, question: str) -> Any:
    """The one value that a query of the index gives."""
    url = archive.extra.get("PACS_DATABASE_URL")
    if url:
        with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(question)
            (value,) = cursor.fetchone() or (None,)
    else:
        place = f"file:{archive.root / 'data' / 'index.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(place, uri=True, timeout=30)) as index:
            (value,) = index.execute(question).fetchone()
    return value


def empty_broker(archive: Archive) -> None:
    """Lose every message that waits for a worker."""
    url = archive.extra.get("PACS_REDIS_URL")
    if url:
        redis.Redis.from_url(url).flushdb()
    for message in (archive.root / "data" / "broker" / "messages").glob("*"):
        message.unlink(missing_ok=True)


@contextmanager
def record_refused(archive: Archive) -> Iterator[None]:
    """Let no event be written as long as the block lasts."""
    kind = "postgres" if urlsplit(archive.extra.get("PACS_DATABASE_URL", "")).scheme else "sqlite"
    plant, remove = REFUSE[kind]
    execute(archive, plant)
    try:
        yield
    finally:
        execute(archive, remove)


def drained(answer: requests.Response) -> int:
    """Read what still comes, up to the end or to where the connection breaks off; return the number of bytes."""
    count = 0
    with suppress(requests.RequestException, HTTPError, OSError):
        while piece := answer.raw.read(1 << 16):
            count += len(piece)
    return count
