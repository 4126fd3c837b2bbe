"""A whole archive as an operator runs it: `manage.py serve all` on free loopback ports, watched from outside."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(condition: Callable[[], Any], seconds: float = 30, what: str = "the condition") -> Any:
    """Return the first true value of `condition`; fail in words when it does not come in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come true within {seconds} s")


@dataclass
class Archive:
    """One installation below `root`, and the program running on it."""

    root: Path
    extra: dict[str, str] = field(default_factory=dict)
    web_port: int = field(default_factory=free_port)
    dicom_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PACS_")}
        return {
            **kept,
            "PACS_DATA_DIR": str(self.root / "data"),
            "PACS_KEK_URL": f"file:{self.root / 'root.key'}",
            "PACS_ANCHORS": f"file:{self.root / 'anchors'}",
            "PACS_WEB_PORT": str(self.web_port),
            "PACS_DICOM_PORT": str(self.dicom_port),
            "TMPDIR": str(self.root / "tmp"),
            **self.extra,
        }

    @property
    def url(self) -> str:
        return f"{'http' if self.extra.get('PACS_TLS') == 'off' else 'https'}://localhost:{self.web_port}"

    @property
    def authority(self) -> Path:
        """The certificate of the installation's own CA, for clients to trust."""
        return self.root / "tls" / "authority.pem"

    @property
    def log(self) -> Path:
        return self.root / "serve.log"

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def told(self, *arguments: str) -> dict[str, Any]:
        """What a command printed with --json."""
        answer: dict[str, Any] = json.loads(self.manage(*arguments, "--json").stdout)
        return answer

    def start(self) -> "Archive":
        (self.root / "tmp").mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "all"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self.ready, 60, f"readiness (see {self.log})")
        return self

    def ready(self) -> bool:
        assert self.process is None or self.process.poll() is None, self.log.read_text()[-4000:]
        try:
            web = requests.get(f"{self.url}/readyz", verify=str(self.authority), timeout=5).status_code == 200
            # The port is open while nobody receives; who does hangs up on one who has nothing to say.
            with socket.create_connection(("127.0.0.1", self.dicom_port), timeout=2) as sock:
                sock.shutdown(socket.SHUT_WR)
                sock.recv(1)
        except (OSError, requests.RequestException):
            return False
        return web

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        self.process = None

    def processes(self, role: str = "") -> list[int]:
        """The pids below `serve all`, or those whose command line holds the role: `granian`, `serve dimse`, …"""
        assert self.process is not None
        found = list(_below(self.process.pid))
        return [pid for pid in found if role in _command(pid)] if role else found

    def web_workers(self) -> list[int]:
        """The web processes: children of the web server, which is the only one of its kind."""
        parents = {pid: parent(pid) for pid in self.processes("granian")}
        return sorted(pid for pid, above in parents.items() if above in parents)

    def session(self, token: str) -> requests.Session:
        """An HTTP client that presents an API token."""
        client = requests.Session()
        client.trust_env = False  # a bundle named by the environment would replace the authority
        client.verify = str(self.authority)
        client.headers["Authorization"] = f"Bearer {token}"
        return client


def parent(pid: int) -> int:
    """The process that started this one; 0 where it has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _below(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield int(child)
            yield from _below(int(child))


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@contextmanager
def running(archive: Archive) -> Iterator[Archive]:
    """Start, and stop whatever happens."""
    try:
        yield archive.start()
    finally:
        archive.stop()


def lines(values: Iterable[object]) -> str:
    return "\n".join(str(value) for value in values)
