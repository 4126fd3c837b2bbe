"""What clients do over TLS that nobody should; the plain listener stands the same in `test_hostile`."""

import struct
import threading
import time
from contextlib import ExitStack, suppress

import pytest

from accounts import callers
from accounts.models import Caller, Device
from archive.dimse import secure
from archive.dimse.server import Server
from audit.models import AuditEvent
from tests.archive.dimse import peers
from tests.archive.dimse.secured import Shown, client, connect, refusals
from tests.archive.dimse.test_hostile import CT, EXPLICIT, resident


def associated(port: int, shown: Shown) -> float:
    began = time.monotonic()
    with connect(port, client(shown, shown.authority)) as sock:
        sock.sendall(peers.request_pdu())
        assert peers.read_pdu(sock)[0] == 2
    return time.monotonic() - began


def test_two_hundred_clients_silent_in_their_handshake_do_not_delay_a_good_one(listener: Server, shown: Shown) -> None:
    associated(listener.port, shown)
    with ExitStack() as stack:
        for number in range(200):
            sock = stack.enter_context(peers.connect(listener.port))
            if number % 2:
                sock.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert associated(listener.port, shown) < 1


def test_two_hundred_silent_clients_and_giant_lengths_leave_memory_flat_and_a_good_echo_quick(
    listener: Server, shown: Shown
) -> None:
    context = client(shown, shown.authority)
    for _ in range(3):
        associated(listener.port, shown)
    before = resident()
    with ExitStack() as stack:
        for number in range(200):
            sock = stack.enter_context(peers.connect(listener.port))
            if number % 2:
                sock.sendall(b"\x16\x03\x01\x02\x00\x01")
        for kind in (1, 4) * 5:
            giant = stack.enter_context(connect(listener.port, context))
            if kind == 4:
                giant.sendall(peers.request_pdu())
                assert peers.read_pdu(giant)[0] == 2
            with suppress(OSError):
                giant.sendall(struct.pack(">BxI", kind, 0xFFFFFFFF) + b"x" * 100_000)
        assert associated(listener.port, shown) < 1
        # Clients and listener share this process; threads and buffers of some 70 connections are within it.
        assert resident() - before < 24 * 1024 * 1024


def test_a_flood_of_unknown_titles_does_not_slow_a_good_sender(scp: Server) -> None:
    ending = threading.Event()

    def flood(number: int) -> None:
        count = 0
        while not ending.is_set():
            count += 1
            with peers.connect(scp.port) as sock:
                sock.sendall(peers.request_pdu(calling=f"T{number}X{count}"))
                peers.read_pdu(sock)

    threads = [threading.Thread(target=flood, args=(number,), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(2.5)
        for _ in range(5):
            began = time.monotonic()
            assert peers.echoes(scp.port)
            assert time.monotonic() - began < 2
    finally:
        ending.set()
        for thread in threads:
            thread.join(10)
    assert Caller.objects.count() <= callers.MOST_OF_ONE + 1
    assert AuditEvent.objects.filter(action="wire:refused").count() < 5


def test_a_silent_client_is_dropped_in_time(listener: Server, shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secure, "HANDSHAKE_SECONDS", 0.5)
    with peers.connect(listener.port) as sock:
        began = time.monotonic()
        for _ in range(40):
            try:
                sock.sendall(b"\x16\x03\x01\x02\x00\x01"[:1] if _ == 0 else b"\x03")
            except OSError:
                break
            time.sleep(0.1)
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("associate", [False, True])
def test_a_length_of_four_gib_over_tls_is_refused_without_memory(
    listener: Server, shown: Shown, associate: bool
) -> None:
    associated(listener.port, shown)
    before = resident()
    with connect(listener.port, client(shown, shown.authority)) as sock:
        if associate:
            sock.sendall(peers.request_pdu())
            assert peers.read_pdu(sock)[0] == 2
        sock.sendall(struct.pack(">BxI", 4 if associate else 1, 0xFFFFFFFF))
        assert peers.read_pdu(sock)[0] in (7, 0)
    assert resident() - before < 5 * 1024 * 1024


@pytest.mark.parametrize(
    "message",
    [
        peers.data_pdu(99, b"x", command=True),
        peers.data_pdu(1, b"no command before", command=False),
        peers.data_pdu(1, b"\0" * 20000, command=True, last=False),
        struct.pack(">BxIIBB", 4, 6, 0xFFFFFFFF, 1, 3),
        struct.pack(">BxI", 4, 0),
        peers.request_pdu(),
    ],
)
def test_messages_that_break_the_rules_over_tls_are_aborted(listener: Server, shown: Shown, message: bytes) -> None:
    with connect(listener.port, client(shown, shown.authority)) as sock:
        sock.sendall(peers.request_pdu([(CT, [EXPLICIT])]))
        assert peers.read_pdu(sock)[0] == 2
        sock.sendall(message)
        assert peers.read_pdu(sock)[0] == 7
    associated(listener.port, shown)


def test_stopping_aborts_within_tls_and_never_in_the_clear(listener: Server, shown: Shown) -> None:
    with connect(listener.port, client(shown, shown.authority)) as sock:
        sock.sendall(peers.request_pdu())
        assert peers.read_pdu(sock)[0] == 2
        listener.stop(3.0)
        assert peers.read_pdu(sock)[0] == 7


def test_plain_dicom_on_the_tls_port_is_no_handshake(listener: Server, secured: Device) -> None:
    with peers.connect(listener.port) as sock:
        sock.sendall(peers.request_pdu())
        assert peers.read_pdu(sock)[0] in (0x15, 0), "a TLS alert, or nothing"
    assert refusals() == ["the handshake failed"]
