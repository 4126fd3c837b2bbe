"""The certificate of our own authority: strict tools accept it, it is renewed in time, its key is nobody else's."""

import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pacs import tls


@pytest.fixture(autouse=True)
def place(tmp_path: Path, settings: Any) -> Path:
    settings.PACS_SECRETS_DIR = tmp_path
    settings.PACS_TLS = "self"
    settings.PACS_HOSTS = ("archive.clinic.example", "[::1]")
    return tmp_path / "tls"


def test_a_strict_verifier_accepts_the_certificate_for_every_chosen_name(place: Path) -> None:
    assert tls.settle()
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(place / "authority.pem")]
    ended = subprocess.run([*command, str(place / "server.pem")], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "archive.clinic.example"])
def test_a_client_that_trusts_the_authority_reaches_each_name(place: Path, name: str) -> None:
    tls.settle()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(place / "server.pem", place / "server.key")
    trusting = ssl.create_default_context(cafile=str(tls.authority_certificate()))
    ours, theirs = socket.socketpair()

    def serve() -> None:
        served.wrap_socket(ours, server_side=True).close()

    thread = threading.Thread(target=serve)
    thread.start()
    trusting.wrap_socket(theirs, server_hostname=name).close()
    thread.join(5)


def test_keys_are_closed_to_others(place: Path) -> None:
    tls.settle()
    assert place.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o400}


def test_settling_again_changes_nothing(place: Path) -> None:
    tls.settle()
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    assert not tls.settle()
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before


def test_another_name_brings_a_new_certificate_from_the_same_authority(place: Path, settings: Any) -> None:
    tls.settle()
    authority, server = (place / "authority.pem").read_bytes(), (place / "server.pem").read_bytes()
    settings.PACS_HOSTS = ("pacs.clinic.example",)
    assert tls.settle()
    assert (place / "authority.pem").read_bytes() == authority
    assert (place / "server.pem").read_bytes() != server


def test_a_certificate_is_due_two_months_before_its_end_and_not_earlier(place: Path) -> None:
    tls.settle()
    now = datetime.now(UTC)
    assert not tls.due(now + timedelta(days=tls.DAYS - 61))
    assert tls.due(now + timedelta(days=tls.DAYS - 59))


@pytest.mark.parametrize("lost", ["server.pem", "server.key", "server.json", "authority.pem"])
def test_a_lost_file_is_made_again(place: Path, lost: str) -> None:
    tls.settle()
    (place / lost).unlink()
    assert tls.due(datetime.now(UTC))
    assert tls.settle()
    assert not tls.due(datetime.now(UTC))


@pytest.mark.parametrize("kind", ["proxy", "off", "files"])
def test_no_authority_is_made_where_none_is_wanted(place: Path, settings: Any, kind: str) -> None:
    settings.PACS_TLS = kind
    assert not tls.settle()
    assert not place.exists()
