"""A granian of our own on a free port, for tests that need a real server."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pacs.pools import CONNECTIONS, THREADS

ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 20.0) -> None:
    """Return once something listens on ``port``; fail when the process ended or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        with socket.socket() as probe:
            probe.settimeout(1.0)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server did not listen in time")


@contextmanager
def granian(target: str, environ: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run one worker of granian on ``target`` and give its port."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", target, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--http", "1", "--workers", "1", "--no-ws", "--log-level", "error"]
    command += ["--blocking-threads", str(THREADS), "--backpressure", str(CONNECTIONS)]
    process = subprocess.Popen(command, cwd=ROOT, env=dict(environ or os.environ), start_new_session=True)
    try:
        wait_for(port, process)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
