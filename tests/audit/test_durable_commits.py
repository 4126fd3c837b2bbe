"""What a commit of the record returned for is on the disk: the database is killed, with all it had in memory."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg2
import pytest

from bench import cluster
from bench.cluster import Cluster
from tests import services
from tests.audit.racing import PIPE, Writer
from tests.conftest import REQUIRED, Installation

ROOT = Path(__file__).resolve().parents[2]
TOLD = 40
UNFLUSHED = "from audit import placing\nplacing.FLUSH = 'SELECT 1'"


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server of our own, because it is killed."""
    try:
        cluster.binary("initdb")
    except FileNotFoundError:
        services.absent("postgres", REQUIRED)
    with cluster.running() as started:
        yield started


@pytest.fixture(scope="module")
def place(server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation on that server."""
    made = Installation(tmp_path_factory.mktemp("durable"), cluster.create_database(server, "durable"))
    setup = [sys.executable, "manage.py", "setup", "--no-link"]
    subprocess.run(setup, cwd=ROOT, env=made.environment, check=True, stdout=subprocess.DEVNULL, timeout=120)
    return made


def told_and_kept(server: Cluster, writer: Writer) -> tuple[set[UUID], set[UUID]]:
    """Which events the writer was told are durable when the server was killed under it, and which were there after."""
    pipe = writer.start()
    while len(writer.durable) < TOLD:
        writer.hear(os.read(pipe, PIPE))
    server.signal(signal.SIGKILL)
    writer.kill()
    server.start()
    with psycopg2.connect(writer.environment["PACS_DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id::text FROM audit_event WHERE actor_name = %s", [writer.name])
        kept = {UUID(name) for (name,) in cursor.fetchall()}
    connection.close()
    return set(writer.durable.values()), kept


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_database_is_killed(server: Cluster, place: Installation) -> None:
    for number in range(3):
        told, kept = told_and_kept(server, Writer(f"honest-{number}", place.environment, 10**6))
        assert len(told) >= TOLD
        assert told <= kept


@pytest.mark.slow
def test_a_commit_that_does_not_wait_for_the_disk_would_be_found(server: Cluster, place: Installation) -> None:
    losses = []
    for number in range(5):
        told, kept = told_and_kept(server, Writer(f"hasty-{number}", place.environment, 10**6, UNFLUSHED))
        losses.append(len(told - kept))
        if any(losses):
            return
    raise AssertionError(f"nothing was lost: {losses}")
