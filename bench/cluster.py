"""A PostgreSQL server of one's own on loopback: durable as an operator's, and free to be stopped or killed."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

PLACES = "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin"
START_SECONDS = 60


@dataclass
class Cluster:
    """One server; all of its processes can be signalled together."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """The address of its database `postgres`."""
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, also after it was killed, and wait until it answers. Raises RuntimeError when it does not."""
        durable = ["-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "full_page_writes=on"]
        here = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-p", str(self.port)]
        words = (self.folder / "server.log").open("ab")
        with words:
            self.process = subprocess.Popen(
                [binary("postgres"), "-D", str(self.folder / "data"), *here, *durable],
                stdout=words,
                stderr=words,
                start_new_session=True,
                **_somebody(),
            )
        self.wait()

    def again(self) -> None:
        """Start it if it has ended by itself; it answers when this returns. Raises RuntimeError when it does not."""
        assert self.process is not None
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(3)
        if self.process.poll() is None:
            self.wait()
        else:
            self.start()

    def wait(self) -> None:
        """Return once it answers."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                psycopg2.connect(self.url, connect_timeout=2).close()
            except psycopg2.OperationalError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"the server in {self.folder} does not answer")

    def signal(self, number: signal.Signals) -> None:
        """Signal every process of the server, the first one first; after SIGKILL nothing of it is left."""
        assert self.process is not None
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        children = [int(pid) for pid in task.read_text().split()]
        self.process.send_signal(number)
        for pid in children:
            # Each is the leader of a session of its own; one that has ended meanwhile is what was wanted.
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGKILL:
            self.process.wait(30)

    def stop(self) -> None:
        """End it at once, whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)


@contextmanager
def running(folder: Path | None = None) -> Iterator[Cluster]:
    """A fresh server, in a folder of its own or an empty one that is given; gone with its files when the block ends."""
    folder = folder or Path(tempfile.mkdtemp(prefix="custos-cluster-"))
    if who := _somebody():
        shutil.chown(folder, who["user"], who["group"])
    cluster = Cluster(folder, _free_port())
    try:
        made = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [binary("initdb"), "-D", str(folder / "data"), *made],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **_somebody(),
        )
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def create_database(cluster: Cluster, name: str) -> str:
    """Create a database; return its URL."""
    with closing(psycopg2.connect(cluster.url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}"')
    return cluster.url.removesuffix("postgres") + name


def binary(name: str) -> str:
    """The path of a program of the server. Raises FileNotFoundError where none is installed."""
    found = [path for place in PLACES for path in sorted(Path("/").glob(f"{place[1:]}/{name}"))]
    where = str(found[-1]) if found else shutil.which(name)
    if where is None:
        raise FileNotFoundError(f"PostgreSQL's {name} is not installed")
    return where


def _somebody() -> dict[str, Any]:
    """Whom the server runs as: it refuses root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
