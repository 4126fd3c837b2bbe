"""Who reads and sends while a right is taken away, on which process each is served, and a Redis that can be stopped."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import requests
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE

from tests import builders
from tests.e2e.breaking import Watcher
from tests.e2e.running import Archive, free_port, wait_for

WHOLE = 'multipart/related; type="application/dicom"'


@dataclass
class Redis:
    """A broker of our own, on a port of its own."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> "Redis":
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        keeping = ["--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(["redis-server", *place, *keeping], stdout=subprocess.DEVNULL)
        return self

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(10)
            self.process = None

    @contextmanager
    def gone(self) -> Iterator[None]:
        """No broker is there."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """The broker takes connections and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@dataclass
class Reader(Watcher):
    """Somebody who reads over one connection that is kept; `port` is this end of it."""

    port: int = 0

    @classmethod
    def of(cls, ask: Callable[[], requests.Response]) -> "Reader":
        reader = cls(ask)

        def asked() -> requests.Response:
            answer = ask()
            connection = answer.raw.connection
            if connection is not None and connection.sock is not None:
                reader.port = connection.sock.getsockname()[1]
            return answer

        reader.ask = asked
        return reader


def served_by(archive: Archive, port: int) -> int:
    """The process that holds the other end of a connection; 0 where nobody does."""
    here, there = f":{archive.web_port:04X}", f":{port:04X}"
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = row.split()
            if columns[1].endswith(here) and columns[2].endswith(there):
                return _holder(archive, f"socket:[{columns[9]}]")
    return 0


def _holder(archive: Archive, socket: str) -> int:
    for pid in archive.processes("granian"):
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            with suppress(OSError):
                if str(descriptor.readlink()) == socket:
                    return pid
    return 0


@dataclass
class Modality:
    """A device that sends one image after the other, and begins again whenever it is cut off."""

    port: int
    title: str = "CT_ONE"
    stored: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        ae = AE(self.title)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 10
        ae.add_requested_context(builders.CT_IMAGE, ExplicitVRLittleEndian)
        while not self.ended.wait(0.05):
            association = ae.associate("127.0.0.1", self.port, ae_title="CUSTOS")
            while association.is_established and not self.ended.is_set():
                image = builders.ct_slice(side=128)
                builders.part10(image)
                with suppress(RuntimeError, ValueError, OSError):
                    status = association.send_c_store(image)
                    (self.stored if status and status.Status == 0 else self.refused).append(time.monotonic())
            if association.is_rejected:
                self.refused.append(time.monotonic())
            elif association.is_established:
                association.release()

    @contextmanager
    def sending(self) -> Iterator["Modality"]:
        """Send for as long as the block lasts."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            wait_for(lambda: len(self.stored) > 3, 60, "the first images")
            yield self
        finally:
            self.ended.set()
            thread.join(60)


def form(client: requests.Session, archive: Archive, page: str) -> Callable[..., requests.Response]:
    """What posts forms as this browser does, with the token of the page."""
    client.get(f"{archive.url}{page}", timeout=20)
    token = client.cookies.get("__Host-csrf", "")
    cookies = f"{client.headers['Cookie']!s}; __Host-csrf={token}"
    headers = {"X-CSRFToken": token, "Referer": f"{archive.url}/", "Cookie": cookies}

    def post(path: str, form: dict[str, str] | None = None, *, stream: bool = False) -> requests.Response:
        url = f"{archive.url}{path}"
        return client.post(url, data=form or {}, headers=headers, timeout=20, allow_redirects=False, stream=stream)

    return post
