"""A real rsyslog on loopback, run with the very configuration that docs/OPERATIONS.md gives."""

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from audit.messages import frames
from tests import services
from tests.audit.messages.reading import told, valid
from tests.conftest import REQUIRED

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "OPERATIONS.md"
_LINE = re.compile(
    r'<(?P<pri>\d+)>1 (?P<time>\S+) \S+ custos \d+ (?P<kind>\S+) \[custos@32473 log="(?P<log>\d+)" '
    r'(?:seq|size)="(?P<seq>\d+)"\] (?P<body>.*)'
)


class Received(NamedTuple):
    """One audit message in the collector's file."""

    priority: int
    log: int
    seq: int
    root: Any

    @property
    def told(self) -> dict[str, str]:
        return told(self.root)


def configuration() -> str:
    """The receiver that the operator's page shows."""
    found = re.search(r"^```rsyslog\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def _program() -> str:
    """The path of rsyslogd, where its driver of TLS is installed, too; the test is skipped, or fails, where not."""
    found = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    drivers = [*Path("/usr/lib").glob("rsyslog/lmnsd_ossl.so"), *Path("/usr/lib").glob("*/rsyslog/lmnsd_ossl.so")]
    if found is None or not drivers:
        services.absent("rsyslog", REQUIRED)
    return found


class Collector:
    """One rsyslog with files and a port of its own; may be killed and started again."""

    def __init__(self, folder: Path, certificates: Path) -> None:
        self._program = _program()
        self.folder, self.file = folder, folder / "audit.log"
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        text = configuration()
        for shown, here in (
            ("/etc/rsyslog-custos", str(certificates)),
            ("/var/log/custos/audit.log", str(self.file)),
            ("192.0.2.10", "127.0.0.1"),
            ('"6514"', f'"{self.port}"'),
        ):
            assert shown in text
            text = text.replace(shown, here)
        folder.mkdir(exist_ok=True)
        (folder / "rsyslog.conf").write_text(text + f'global(workDirectory="{folder}")\n')

    @property
    def url(self) -> str:
        return f"tls://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Run it, and wait until it listens."""
        command = [self._program, "-n", "-f", str(self.folder / "rsyslog.conf"), "-i", str(self.folder / "pid")]
        (self.folder / "pid").unlink(missing_ok=True)
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, cwd=self.folder)
        until = time.monotonic() + 20
        while time.monotonic() < until and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self.folder / "output").read_text())

    def kill(self) -> None:
        """SIGKILL: what it had not written is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def lines(self) -> list[str]:
        """The whole lines of its file."""
        text = self.file.read_text(encoding="utf-8") if self.file.exists() else ""
        return text.split("\n")[:-1]

    def received(self) -> list[Received]:
        """Every audit message there, each valid."""
        found = [match for line in self.lines() if (match := _LINE.search(line))]
        return [
            Received(int(one["pri"]), int(one["log"]), int(one["seq"]), valid(one["body"].lstrip("\ufeff").encode()))
            for one in found
            if one["kind"] == frames.AUDIT
        ]

    def rows(self) -> set[int]:
        """Which rows are there, without reading the messages."""
        found = [match for line in self.lines() if (match := _LINE.search(line)) and line.endswith("</AuditMessage>")]
        return {int(one["seq"]) for one in found if one["kind"] == frames.AUDIT}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
