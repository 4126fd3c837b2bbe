"""What ends while it is open: a right to speak, within two seconds and without a word; a server certificate."""

import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import devices, enrolment, epoch, identify
from accounts.models import Device
from archive.dimse import secure, server, watch
from archive.dimse.server import Server
from keystore import authority
from pacs import tls
from tests.archive.dimse import peers
from tests.archive.dimse.secured import Shown, client, connect

ECHO = peers.data_pdu(1, peers.command_set(0x0030, sop_class=peers.VERIFICATION), command=True)


@pytest.fixture
def watched(installation: Any) -> Any:
    """The access epoch is read once a second, as in a process that serves."""
    epoch.start()
    yield
    epoch.stop()
    connection.close()


def _disabled(device: Device) -> None:
    devices.set_active(device, active=False)


def _moved(device: Device) -> None:
    devices.edit(device, "10.9.9.9", list(device.groups.all()), device.may, device.port)


def _anew(device: Device) -> None:
    enrolment.enrol(device)


def _ends(sock: socket.socket, device: Device, act: Callable[[Device], Any]) -> None:
    sock.sendall(ECHO)
    assert peers.status_of(peers.read_pdu(sock)[1]) == 0
    began = time.monotonic()
    act(device)
    assert peers.read_pdu(sock)[0] == 7
    assert time.monotonic() - began < 2
    assert peers.read_pdu(sock)[0] == 0


@pytest.mark.parametrize("act", [enrolment.revoke, _anew, _disabled, _moved])
def test_an_idle_association_over_tls_is_aborted_within_two_seconds(
    watched: None, listener: Server, shown: Shown, secured: Device, act: Callable[[Device], Any]
) -> None:
    with connect(listener.port, client(shown, shown.authority)) as sock:
        sock.sendall(peers.request_pdu())
        assert peers.read_pdu(sock)[0] == 2
        _ends(sock, secured, act)


@pytest.mark.parametrize("act", [_anew, _disabled, _moved])
def test_an_idle_association_in_the_clear_is_aborted_within_two_seconds(
    watched: None, scp: Server, secured: Device, act: Callable[[Device], Any]
) -> None:
    with peers.connect(scp.port) as sock:
        sock.sendall(peers.request_pdu())
        assert peers.read_pdu(sock)[0] == 2
        _ends(sock, secured, act)


def test_the_associations_of_others_go_on(watched: None, scp: Server, secured: Device) -> None:
    with peers.connect(scp.port) as sock, peers.connect(scp.port) as other:
        for one, title in ((sock, "CT_ONE"), (other, "ECHO_ONE")):
            one.sendall(peers.request_pdu(calling=title))
            assert peers.read_pdu(one)[0] == 2
        _ends(sock, secured, _disabled)
        other.sendall(ECHO)
        assert peers.status_of(peers.read_pdu(other)[1]) == 0


def test_a_half_sent_message_does_not_keep_a_revoked_device(watched: None, scp: Server, secured: Device) -> None:
    with peers.connect(scp.port) as sock:
        sock.sendall(peers.request_pdu())
        assert peers.read_pdu(sock)[0] == 2
        sock.sendall(ECHO[:20])
        time.sleep(0.2)
        began = time.monotonic()
        devices.set_active(secured, active=False)
        assert peers.read_pdu(sock)[0] == 7
        assert time.monotonic() - began < 2


def test_an_association_does_not_outlive_its_certificate(
    watched: None, listener: Server, shown: Shown, secured: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "AFRESH_SECONDS", 0.5)
    monkeypatch.setattr(identify, "KEEP_SECONDS", 0.1)
    with connect(listener.port, client(shown, shown.authority)) as sock:
        sock.sendall(peers.request_pdu())
        assert peers.read_pdu(sock)[0] == 2
        soon = timezone.now() + timedelta(seconds=1)
        Device.objects.filter(pk=secured.pk).update(certificate_ends=soon)
        sock.sendall(ECHO)
        assert peers.status_of(peers.read_pdu(sock)[1]) == 0
        assert peers.read_pdu(sock)[0] == 7
        assert soon < timezone.now() < soon + timedelta(seconds=3)


def _serial(sock: ssl.SSLSocket) -> Any:
    return (sock.getpeercert() or {})["serialNumber"]


def _context() -> ssl.SSLContext:
    tls.settle()
    files = tls.dicom_files()
    return secure.context(files.certificate, files.key, authority.certificate())


def test_the_servers_certificate_is_renewed_before_its_end_while_associations_go_on(
    listener: Server, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = client(shown, shown.authority)
    with connect(listener.port, trusting) as sock:
        first = _serial(sock)
        sock.sendall(peers.request_pdu())
        assert peers.read_pdu(sock)[0] == 2
        server.renew(listener, _context)
        with connect(listener.port, trusting) as other:
            assert _serial(other) == first, "nothing is due yet"
        assert tls.due(datetime.now(UTC) + timedelta(days=tls.DAYS) - tls.RENEW_BEFORE + timedelta(hours=1))
        monkeypatch.setattr(tls, "RENEW_BEFORE", timedelta(days=tls.DAYS + 1))
        server.renew(listener, _context)
        with connect(listener.port, trusting) as other:
            assert _serial(other) != first
        sock.sendall(ECHO)
        assert peers.status_of(peers.read_pdu(sock)[1]) == 0


def test_a_certificate_that_cannot_be_read_leaves_the_one_in_use(listener: Server, shown: Shown) -> None:
    def unreadable() -> ssl.SSLContext:
        raise FileNotFoundError

    server.renew(listener, unreadable)
    with connect(listener.port, client(shown, shown.authority)) as sock:
        sock.sendall(peers.request_pdu())
        assert peers.read_pdu(sock)[0] == 2
