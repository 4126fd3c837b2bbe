"""Ways to make the record of a running archive unwritable, each for a block, and those who watch its doors then."""

import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import requests

from bench.cluster import Cluster
from tests.e2e.running import Archive

THE_TURN = 0x637573746F73
PIECE = 1 << 16


@contextmanager
def turn_held(archive: Archive) -> Iterator[None]:
    """Another connection has the turn to write and does not give it back."""
    url = archive.extra.get("PACS_DATABASE_URL", "")
    if url:
        with closing(psycopg2.connect(url)) as large:
            large.cursor().execute("SELECT pg_advisory_lock(%s)", [THE_TURN])
            yield
        return
    with closing(sqlite3.connect(archive.root / "data" / "index.sqlite3", timeout=30, isolation_level=None)) as small:
        small.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def disk_full(folder: Path) -> Iterator[None]:
    """Not a byte is left on the disk of this folder."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def database_disk_full(cluster: Cluster) -> Iterator[None]:
    """Not a byte is left for the database: it refuses, or ends itself where not even its journal finds room."""
    with disk_full(cluster.folder):
        yield
    cluster.again()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A file system of its own for this folder, with what is in it. CalledProcessError where this may not be made."""
    aside = folder.with_name(f"{folder.name}-aside")
    folder.rename(aside)
    folder.mkdir(mode=0o700)
    try:
        size = f"size={megabytes}m,mode=700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", str(folder)], check=True)
    except subprocess.CalledProcessError:
        folder.rmdir()
        aside.rename(folder)
        raise
    try:
        subprocess.run(["cp", "-a", f"{aside}/.", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def database_stopped(cluster: Cluster) -> Iterator[None]:
    """The database hangs: it takes connections and answers nothing."""
    cluster.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        cluster.signal(signal.SIGCONT)


@contextmanager
def database_killed(cluster: Cluster) -> Iterator[None]:
    """The database is gone, and comes back."""
    cluster.signal(signal.SIGKILL)
    try:
        yield
    finally:
        cluster.start()


@dataclass(frozen=True)
class Answer:
    """How one request was answered; a status of 0 stands for a connection that broke off."""

    began: float
    ended: float
    status: int
    retry_after: bool


@dataclass
class Watcher:
    """Somebody who asks the same over and over, as fast as it is answered; times are monotonic seconds.

    `heard` is when each piece of an answer came that was no refusal, `received` how many bytes came so.
    """

    ask: Callable[[], requests.Response]
    answers: list[Answer] = field(default_factory=list)
    heard: list[float] = field(default_factory=list)
    received: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.ended.wait(0.02):
            began, status, retry = time.monotonic(), 0, False
            with suppress(requests.RequestException):
                answer = self.ask()
                for piece in answer.iter_content(PIECE):
                    if answer.ok:
                        self.heard.append(time.monotonic())
                        self.received += len(piece)
                status, retry = answer.status_code, "Retry-After" in answer.headers
            self.answers.append(Answer(began, time.monotonic(), status, retry))

    def got(self, status: int) -> int:
        return sum(answer.status == status for answer in self.answers)


@contextmanager
def watching(*watchers: Watcher) -> Iterator[None]:
    """Let them ask for as long as the block lasts."""
    threads = [threading.Thread(target=watcher.run) for watcher in watchers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for watcher in watchers:
            watcher.ended.set()
        for thread in threads:
            thread.join(60)


@dataclass
class Half:
    """A way to the DICOM port that lets so many bytes through and holds what follows back until it may go."""

    target: int
    first: int
    arrived: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def serve(self, listening: socket.socket) -> None:
        near, _ = listening.accept()
        with near, socket.create_connection(("127.0.0.1", self.target)) as far:
            back = threading.Thread(target=_copy, args=(far, near))
            back.start()
            passed = 0
            with suppress(OSError):
                while piece := near.recv(PIECE):
                    far.sendall(piece)
                    passed += len(piece)
                    if passed >= self.first and not self.arrived.is_set():
                        self.arrived.set()
                        self.go.wait(60)
                far.shutdown(socket.SHUT_WR)
            back.join(60)


@contextmanager
def half_way(target: int, first: int) -> Iterator[Half]:
    """Such a way for one connection."""
    half = Half(target, first)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        half.port = listening.getsockname()[1]
        thread = threading.Thread(target=half.serve, args=(listening,))
        thread.start()
        try:
            yield half
        finally:
            half.go.set()
            thread.join(90)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
