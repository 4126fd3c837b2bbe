"""What peers do that nobody should: silence, drips, giant lengths, other protocols, death in mid-message."""

import os
import socket
import struct
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import room
from archive.dimse import association, commands, messages, negotiation, pdus
from archive.dimse.commands import Command
from archive.dimse.errors import Broken, TooSlow
from archive.dimse.messages import Assembly
from archive.dimse.pdus import Fragment
from archive.dimse.server import Server
from archive.models import Instance
from archive.room import Room
from tests import builders
from tests.archive.dimse import peers

CT, EXPLICIT = builders.CT_IMAGE, "1.2.840.10008.1.2.1"


def resident() -> int:
    """Bytes of memory this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def echo_seconds(port: int) -> float:
    began = time.monotonic()
    assert peers.echoes(port)
    return time.monotonic() - began


def test_twenty_silent_sockets_do_not_slow_a_good_echo(scp: Server) -> None:
    echo_seconds(scp.port)
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(peers.connect(scp.port))
        assert echo_seconds(scp.port) < 1


def test_two_hundred_silent_sockets_lose_theirs_and_a_good_echo_gets_through(scp: Server) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(peers.connect(scp.port)) for _ in range(200)]
        assert echo_seconds(scp.port) < 1
        assert peers.read_pdu(silent[0]) in [(7, b"\0\0\2\0"), (0, b"")]


def drip(sock: socket.socket, data: bytes) -> None:
    for position in range(len(data)):
        sock.sendall(data[position : position + 1])
        time.sleep(0.1)


def test_who_drips_its_request_is_dropped_in_time(scp: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(association, "ASSOCIATE_SECONDS", 0.5)
    request = peers.request_pdu()
    with peers.connect(scp.port) as sock:
        began = time.monotonic()
        with pytest.raises(OSError):
            drip(sock, request)
        assert time.monotonic() - began < 3


def test_a_length_of_four_gib_is_refused_without_memory(scp: Server) -> None:
    peers.echoes(scp.port)
    before = resident()
    for kind in (1, 4):
        with peers.connect(scp.port) as sock:
            if kind == 4:
                sock.sendall(peers.request_pdu())
                assert peers.read_pdu(sock)[0] == 2
            sock.sendall(struct.pack(">BxI", kind, 0xFFFFFFFF))
            assert peers.read_pdu(sock)[0] in (7, 0)
    assert resident() - before < 5 * 1024 * 1024


@pytest.mark.parametrize(
    "bytes_",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\0" * 64, b"\xff" * 64],
    ids=["http", "tls", "zeros", "ones"],
)
def test_other_protocols_are_hung_up_on(scp: Server, bytes_: bytes) -> None:
    with peers.connect(scp.port) as sock:
        sock.sendall(bytes_)
        assert peers.read_pdu(sock)[0] in (7, 0)
    assert peers.echoes(scp.port)


@pytest.mark.parametrize(
    "message",
    [
        peers.data_pdu(99, b"x", command=True),
        peers.data_pdu(1, b"no command before", command=False),
        peers.data_pdu(1, b"\0" * 7, command=True),
        peers.data_pdu(1, b"\x08\0\x05\0\x04\0\0\0abcd", command=True),
        peers.data_pdu(1, b"\0" * 20000, command=True, last=False),
        struct.pack(">BxIIBB", 4, 6, 0xFFFFFFFF, 1, 3),
        struct.pack(">BxIIBB", 4, 6, 0, 1, 3),
        struct.pack(">BxI", 4, 0),
        struct.pack(">BxI", 4, 3) + b"abc",
        peers.request_pdu(),
        struct.pack(">BxII", 6, 4, 0),
    ],
)
def test_messages_that_break_the_rules_are_aborted_and_the_listener_lives(scp: Server, message: bytes) -> None:
    with peers.connect(scp.port) as sock:
        sock.sendall(peers.request_pdu([(CT, [EXPLICIT])]))
        assert peers.read_pdu(sock)[0] == 2
        sock.sendall(message)
        assert peers.read_pdu(sock)[0] == 7
    assert peers.echoes(scp.port)


def test_an_operation_nobody_registered_is_refused_and_the_association_lives(scp: Server) -> None:
    find = peers.command_set(0x0020, sop_class=CT, dataset=True)
    with peers.connect(scp.port) as sock:
        sock.sendall(peers.request_pdu([(CT, [EXPLICIT])]))
        peers.read_pdu(sock)
        sock.sendall(peers.data_pdu(1, find, command=True) + peers.data_pdu(1, b"abcd", command=False))
        _kind, body = peers.read_pdu(sock)
        assert peers.status_of(body) == 0x0211
        sock.sendall(struct.pack(">BxII", 5, 4, 0))
        assert peers.read_pdu(sock)[0] == 6


def test_a_client_that_dies_in_mid_message_leaves_nothing_half_visible(scp: Server) -> None:
    (ds,) = builders.study(slices=1, side=512)
    whole = builders.part10(ds)
    sock = peers.connect(scp.port)
    sock.sendall(peers.request_pdu([(CT, [EXPLICIT])]))
    assert peers.read_pdu(sock)[0] == 2
    command = peers.command_set(0x0001, sop_class=CT, sop_uid=ds.SOPInstanceUID, dataset=True)
    half = peers.data_pdu(1, whole[-200_000:-100_000], command=False, last=False)
    sock.sendall(peers.data_pdu(1, command, command=True) + half)
    # A reset, as from a machine that lost its power.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    assert peers.echoes(scp.port)
    assert Instance.objects.count() == 0
    assert peers.sends(scp.port, ds) == [0]
    assert Instance.objects.count() == 1


def test_an_object_larger_than_is_taken_is_read_away_and_answered_a700(
    scp: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(association, "Assembly", lambda **told: Assembly(largest=100_000, **told))
    large, small = builders.study(slices=1, side=512)[0], builders.study(slices=1)[0]
    assert peers.sends(scp.port, large, small) == [0xA700, 0]
    assert Instance.objects.count() == 1


def test_large_messages_share_bounded_memory_and_give_it_back(scp: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ALWAYS", 100_000)
    monkeypatch.setattr(room, "ROOM", shared := Room(600_000))
    greedy = Assembly()
    greedy.add(Fragment(1, True, True, memoryview(peers.command_set(1, sop_class=CT, sop_uid="1.2", dataset=True))))
    greedy.add(Fragment(1, False, False, memoryview(bytes(400_000))))
    large = builders.study(slices=3, side=512)
    small = builders.study(slices=1)[0]
    assert peers.sends(scp.port, large[0], small) == [0xA700, 0], "a small one is taken whatever others send"
    greedy.release()
    assert peers.sends(scp.port, *large) == [0, 0, 0], "one after the other fits"
    deadline = time.monotonic() + 5
    while not shared.take(600_000):
        assert time.monotonic() < deadline, "what an ended association held is given back"
        time.sleep(0.05)


def test_a_message_slower_than_the_least_rate_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 61.0, 61.0])
    monkeypatch.setattr(messages, "monotonic", lambda: next(clock))
    assembly = Assembly()
    command = peers.command_set(0x0001, sop_class=CT, sop_uid="1.2", dataset=True)
    assembly.add(Fragment(1, True, True, memoryview(command)))
    with pytest.raises(TooSlow):
        assembly.add(Fragment(1, False, False, memoryview(b"x")))


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def test_items_that_the_standard_may_add_are_skipped(scp: Server) -> None:
    body = bytearray(peers.request_pdu()[6:])
    user = body.rindex(b"\x50\0")
    added = item(0x5F, b"from a later edition")
    length = int.from_bytes(body[user + 2 : user + 4], "big")
    body[user + 2 : user + 4] = (length + len(added)).to_bytes(2, "big")
    whole = bytes(body) + added + item(0x77, b"unheard of")
    with peers.connect(scp.port) as sock:
        sock.sendall(struct.pack(">BxI", 1, len(whole)) + whole)
        assert peers.read_pdu(sock)[0] == 2


@pytest.mark.parametrize("kind", [0x10, 0x20, 0x50, 0x77])
def test_a_request_of_tens_of_thousands_of_items_costs_little(kind: int) -> None:
    head = peers.request_pdu()[6 : 6 + negotiation.FIXED]
    crowded = head + item(kind, b"") * 60_000
    before, began = resident(), time.monotonic()
    with pytest.raises(Broken):
        negotiation.read_request(memoryview(crowded))
    assert time.monotonic() - began < 1
    assert resident() - before < 4 * 1024 * 1024


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400))
def test_arbitrary_bytes_as_request_command_or_data_are_refused_in_our_words(data: bytes) -> None:
    for read in (
        lambda: negotiation.read_request(memoryview(data)),
        lambda: commands.read(data),
        lambda: list(pdus.fragments(memoryview(data))),
    ):
        try:
            read()
        except Broken:
            continue


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_request_with_any_byte_changed_is_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(peers.request_pdu([(CT, [EXPLICIT])])[6:])
    position = data.draw(st.integers(0, len(body) - 1))
    body[position] = data.draw(st.integers(0, 255))
    try:
        request = negotiation.read_request(memoryview(bytes(body)))
    except Broken:
        return
    assert len(request.proposals) <= negotiation.MOST_CONTEXTS


@given(st.integers(1, 70_000), st.binary(min_size=1, max_size=600))
def test_a_response_never_exceeds_what_the_peer_receives(longest: int, encoded: bytes) -> None:
    written, position, received = pdus.command(5, encoded, longest), 0, b""
    while position < len(written):
        length = int.from_bytes(written[position + 2 : position + 6], "big")
        assert length <= max(longest, pdus.LEAST_PDU)
        for fragment in pdus.fragments(memoryview(written)[position + 6 : position + 6 + length]):
            received += bytes(fragment.data)
            last = fragment.is_last
        position += 6 + length
        assert last == (position == len(written))
    assert received == encoded


def test_a_response_says_what_it_answers() -> None:
    request = Command(0x0001, 7, CT, "1.2.3", True)
    answered = commands.read(commands.response(request, 0xA700, "é" * 100))
    assert (answered.field, answered.sop_class, answered.sop_uid) == (0x8001, CT, "1.2.3")
    assert not answered.is_request
    assert not answered.has_dataset


def test_stopping_lets_a_message_under_way_be_finished_and_aborts_those_at_rest(scp: Server) -> None:
    from threading import Thread

    (ds,) = builders.study(slices=1)
    whole = builders.part10(ds)
    dataset = whole[144 + int.from_bytes(whole[140:144], "little") :]
    with peers.connect(scp.port) as resting, peers.connect(scp.port) as busy:
        for sock in (resting, busy):
            sock.sendall(peers.request_pdu([(CT, [EXPLICIT])]))
            assert peers.read_pdu(sock)[0] == 2
        command = peers.command_set(0x0001, sop_class=CT, sop_uid=ds.SOPInstanceUID, dataset=True)
        busy.sendall(peers.data_pdu(1, command, command=True))
        time.sleep(0.2)
        stopping = Thread(target=scp.stop, args=(6.0,))
        stopping.start()
        assert peers.read_pdu(resting)[0] == 7
        time.sleep(1.5)
        busy.sendall(peers.data_pdu(1, dataset, command=False))
        _kind, body = peers.read_pdu(busy)
        assert peers.status_of(body) == 0
        with pytest.raises(OSError):
            peers.connect(scp.port, timeout=1)
        stopping.join(10)
    assert Instance.objects.count() == 1
