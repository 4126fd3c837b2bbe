"""Processes that make the certificates of one installation at the same moment leave files that belong together."""

import multiprocessing
import ssl
import subprocess
from pathlib import Path
from typing import Any

from pacs import tls


def _settle(start: Any) -> None:
    start.wait(20)
    tls.settle()


def test_key_certificate_and_authority_are_of_one_hand(settings: Any, tmp_path: Path) -> None:
    settings.PACS_SECRETS_DIR, settings.PACS_TLS = tmp_path, "self"
    context = multiprocessing.get_context("fork")
    start = context.Event()
    processes = [context.Process(target=_settle, args=(start,)) for _ in range(6)]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(tls.folder() / "server.pem", tls.folder() / "server.key")
    verify = ["openssl", "verify", "-CAfile", str(tls.authority_certificate()), str(tls.folder() / "server.pem")]
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 0
