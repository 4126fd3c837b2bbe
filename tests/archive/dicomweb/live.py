"""The web server as it runs in the field, on the installation of a test, for real clients to talk to."""

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.conftest import Installation

ROOT = Path(__file__).resolve().parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def web_server(place: Installation) -> Iterator[str]:
    """The base URL of a running server; it ends with the block."""
    port = free_port()
    environment = {
        **place.environment,
        "PACS_TLS": "off",
        "PACS_WEB_PORT": str(port),
        "PACS_WEB_WORKERS": "1",
        "PACS_SECRET_KEY": secrets.token_hex(40),
    }
    log = (place.root / "web.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "web"], cwd=ROOT, env=environment, stdout=log, stderr=log
    )
    try:
        _wait(f"http://127.0.0.1:{port}/healthz", process, place.root / "web.log")
        yield f"http://127.0.0.1:{port}/dicom-web"
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        log.close()


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if requests.get(url, timeout=1).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise AssertionError(log.read_text()[-3000:])
