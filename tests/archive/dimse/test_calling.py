"""An echo to a device: it goes where the device is registered and nowhere else, and never takes longer than it may."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts import enrolment
from accounts.models import Device
from archive.dimse import calling
from archive.dimse.calling import Outcome, Secured
from archive.dimse.server import Server
from tests.archive.dimse import peers
from tests.archive.dimse.secured import Shown, foreign


@contextmanager
def listening(act: Callable[[socket.socket], None]) -> Iterator[int]:
    """Somebody on a free port who does this to whoever connects; the act ends with the test."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def serve() -> None:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            with sock:
                act(sock)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]


def test_a_device_that_knows_us_answers(scp: Server) -> None:
    Device.objects.filter(ae_title="CT_ONE").update(ae_title="CUSTOS")
    assert calling.echo("CUSTOS", "127.0.0.1/32", scp.port, None) == Outcome.ANSWERED


def test_a_device_that_does_not_know_us_refuses(scp: Server) -> None:
    assert calling.echo("CUSTOS", "127.0.0.1/32", scp.port, None) == Outcome.REJECTED


@pytest.mark.parametrize(
    ("address", "port", "outcome"),
    [
        ("127.0.0.1/32", None, Outcome.NO_PORT),
        ("127.0.0.0/24", 104, Outcome.A_RANGE),
        ("0.0.0.0/32", 104, Outcome.NO_HOST),
        ("224.0.0.1/32", 104, Outcome.NO_HOST),
        ("ff02::1/128", 104, Outcome.NO_HOST),
        ("255.255.255.255/32", 104, Outcome.NO_HOST),
        ("192.0.2.1/32", 104, Outcome.NEEDS_TLS),
        ("::/0", 104, Outcome.A_RANGE),
    ],
)
def test_nothing_is_called_but_one_registered_machine_on_an_allowed_network(
    installation: Any, monkeypatch: pytest.MonkeyPatch, address: str, port: int | None, outcome: Outcome
) -> None:
    def forbidden(*_args: object, **_named: object) -> None:
        pytest.fail("a connection was opened")

    monkeypatch.setattr(calling, "create_connection", forbidden)
    assert calling.echo("CT_ONE", address, port, None) == outcome


def test_nobody_there_is_told_at_once(installation: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert calling.echo("CT_ONE", "127.0.0.1/32", port, None) == Outcome.UNREACHABLE


def _drip(sock: socket.socket) -> None:
    """One byte of an endless PDU at a time."""
    try:
        sock.sendall(b"\x02\x00\x00\x00\xff\xff")
        while True:
            sock.sendall(b"\0")
            time.sleep(0.05)
    except OSError:
        return


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (lambda sock: time.sleep(3), Outcome.SILENT),
        (_drip, Outcome.SILENT),
        (lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n"), Outcome.NO_DICOM),
        (lambda sock: sock.sendall(b"\x02\x00\xff\xff\xff\xff"), Outcome.NO_DICOM),
        (lambda sock: sock.sendall(b"\x02\x00\x00\x00\x00\x00" + b"\x04\x00\x00\x00\x00\x00"), Outcome.NO_DICOM),
        (lambda sock: sock.sendall(b"\x07\x00\x00\x00\x00\x04\0\0\0\0"), Outcome.NO_DICOM),
        (lambda sock: None, Outcome.NO_DICOM),
    ],
    ids=["silent", "dripping", "web server", "giant", "empty", "abort", "gone"],
)
def test_whoever_listens_there_instead_is_named_in_time_and_costs_nothing(
    installation: Any, monkeypatch: pytest.MonkeyPatch, act: Callable[[socket.socket], None], outcome: Outcome
) -> None:
    monkeypatch.setattr(calling, "SECONDS", 1.0)
    with listening(act) as port:
        began = time.monotonic()
        assert calling.echo("CT_ONE", "127.0.0.1/32", port, None) == outcome
        assert time.monotonic() - began < 2


def test_who_waits_for_silent_devices_never_takes_more_than_two_threads(
    installation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "SECONDS", 2.0)
    told: list[Outcome] = []
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        port = server.getsockname()[1]
        threads = [
            threading.Thread(target=lambda: told.append(calling.echo("X", "127.0.0.1/32", port, None)))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert sorted(told) == [Outcome.BUSY] * 4 + [Outcome.SILENT] * 2


@pytest.fixture
def storescp(dcmtk: Callable[[str], str], tmp_path: Path) -> Iterator[Callable[[Shown], int]]:
    """DCMTK's storescp over TLS, which asks whoever calls for a certificate of the same authority."""
    running: list[subprocess.Popen[bytes]] = []

    def start(shown: Shown) -> int:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        call = [dcmtk("storescp"), "-aet", "CT_ONE", "+tls", str(shown.key), str(shown.certificate)]
        call += ["+cf", str(shown.authority), "-od", str(tmp_path), str(port)]
        running.append(subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                peers.connect(port).close()
            except OSError:
                time.sleep(0.05)
            else:
                return port
        pytest.fail("storescp does not listen")

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.mark.dcmtk
def test_over_tls_the_device_must_show_its_own_certificate_and_is_shown_ours(
    secured: Device, shown: Shown, storescp: Callable[[Shown], int], tmp_path: Path
) -> None:
    own = enrolment.own()
    secured.refresh_from_db()
    with_own = Secured(secured.certificate, own)
    port = storescp(shown)
    assert calling.echo("CT_ONE", "127.0.0.1/32", port, with_own) == Outcome.ANSWERED
    other = foreign(tmp_path / "other")
    assert calling.echo("CT_ONE", "127.0.0.1/32", storescp(other), with_own) == Outcome.OTHER_CERTIFICATE
    (tmp_path / "both.pem").write_bytes(other.key.read_bytes() + other.certificate.read_bytes())
    stranger = Secured(secured.certificate, tmp_path / "both.pem")
    assert calling.echo("CT_ONE", "127.0.0.1/32", port, stranger) == Outcome.TLS_FAILED
    enrolment.revoke(secured)
    assert calling.echo("CT_ONE", "127.0.0.1/32", port, Secured("", own)) == Outcome.NO_CERTIFICATE


def test_the_certificate_that_is_shown_to_devices_lasts_until_it_ends_soon(
    secured: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = enrolment.own().read_bytes()
    assert enrolment.own().read_bytes() == first
    assert enrolment.own().stat().st_mode & 0o777 == 0o400
    monkeypatch.setattr(enrolment, "RENEW_BEFORE", timedelta(days=enrolment.DAYS + 1))
    assert enrolment.own().read_bytes() != first
