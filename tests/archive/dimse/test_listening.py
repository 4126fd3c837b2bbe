"""Several listeners on one socket, as the receiving processes of one archive have it."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from pydicom.uid import ExplicitVRLittleEndian

from archive import ingest
from archive.dimse.crowd import Crowd
from archive.dimse.listening import FEW, LOOK_SECONDS, Listener, bound
from archive.dimse.server import Server
from tests import builders
from tests.archive.dimse import peers
from tests.conftest import Installation

Pair = SimpleNamespace


def _shared(sock: socket.socket, crowd: Crowd) -> Server:
    """A listener as a process has it that inherited the socket: by a descriptor of its own."""
    return Server("127.0.0.1", 0, crowd, handed=sock.dup()).start()


@pytest.fixture
def pair(installation: Installation) -> Iterator[Pair]:
    """Two listeners on one socket: their port, their crowds, and themselves."""
    with bound("127.0.0.1", 0) as sock:
        crowds = [Crowd(from_one=2), Crowd(from_one=2)]
        servers = [_shared(sock, crowd) for crowd in crowds]
        yield Pair(port=servers[0].port, crowds=crowds, servers=servers)
        for server in servers:
            server.stop(1.0)
    ingest.stop()


def _associations(held: ExitStack, port: int, count: int) -> list[bool]:
    wanted = [(peers.VERIFICATION, ["1.2.840.10008.1.2"])]
    made = [held.enter_context(peers.associated(port, wanted)) for _ in range(count)]
    return [association.is_established for association in made]


def test_nobody_gets_in_before_somebody_listens() -> None:
    with bound("127.0.0.1", 0) as sock, pytest.raises(ConnectionRefusedError):
        socket.create_connection(sock.getsockname(), timeout=5)


def test_associations_are_spread_evenly_over_those_that_share_a_socket(pair: Pair) -> None:
    with ExitStack() as held:
        assert _associations(held, pair.port, 4) == [True] * 4
        assert [len(crowd.associated()) for crowd in pair.crowds] == [2, 2]


def test_the_images_of_one_study_arrive_whole_by_both(pair: Pair) -> None:
    study = builders.study(8)
    with ExitStack() as held:
        made = [
            held.enter_context(peers.associated(pair.port, [(builders.CT_IMAGE, [ExplicitVRLittleEndian])]))
            for _ in "ab"
        ]
        assert [len(crowd.associated()) for crowd in pair.crowds] == [1, 1]
        statuses = [made[number % 2].send_c_store(peers.as_file(ds)).Status for number, ds in enumerate(study)]
    assert statuses == [0] * 8


def test_the_one_that_stays_takes_everybody_when_the_other_ends(pair: Pair) -> None:
    pair.servers[0].stop(0.0)
    assert all(peers.echoes(pair.port) for _ in range(5))


def test_a_listener_that_others_share_looks_up_in_time_whether_it_is_to_end() -> None:
    with bound("127.0.0.1", 0) as sock:
        listener = Listener(sock, lambda: 0, shared=True)
        sock.settimeout(LOOK_SECONDS * 4)
        assert listener.accept() is None


def test_who_connects_is_taken_however_many_are_served() -> None:
    for busy in (0, FEW - 1, FEW, 60):
        with bound("127.0.0.1", 0) as sock, socket.socket() as client:
            listener = Listener(sock.dup(), lambda busy=busy: busy, shared=True)  # type: ignore[misc]
            client.connect(sock.getsockname())
            accepted = listener.accept()
            assert accepted is not None
            assert accepted[1] == "127.0.0.1"
            assert accepted[0].gettimeout() is None
            accepted[0].close()
            listener.close()
