"""What comes in pieces becomes what was sent: PDUs from a stream, files from fragments, whatever came before."""

import socket
from contextlib import closing
from itertools import pairwise
from threading import Thread

from hypothesis import given
from hypothesis import strategies as st

from archive.dimse import pdus, wire
from archive.dimse.messages import Assembly
from archive.dimse.pdus import Fragment
from archive.dimse.wire import LONGEST_PDU, Wire
from tests import builders
from tests.archive.dimse import peers

HEAD = b"the head of a file"

Cuts = st.lists(st.integers(1, 5_000), max_size=5)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data cut at these places, as far as it has them."""
    places = [0, *sorted({cut for cut in cuts if cut < len(data)}), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=5_000), Cuts), min_size=1, max_size=5))
def test_a_file_is_its_head_and_what_came_however_long_the_one_before_was(sent: list[tuple[bytes, list[int]]]) -> None:
    assembly = Assembly(head=lambda *_: HEAD)
    command = peers.command_set(1, sop_class=builders.CT_IMAGE, sop_uid="1.2", dataset=True)
    for data, cuts in sent:
        assert assembly.add(Fragment(1, True, True, memoryview(command))) is None
        *begun, last = pieces(data, cuts)
        for piece in begun:
            assert assembly.add(Fragment(1, False, False, memoryview(piece))) is None
        message = assembly.add(Fragment(1, False, True, memoryview(last)))
        assert message is not None
        assert message.has_data
        assert message.file.added == len(data)
        assert message.file.taken() == HEAD + data
        assert message.file.taken() == b"", "what was taken is not here any more"
        assembly.release()


def test_a_data_set_without_a_byte_is_none() -> None:
    assembly = Assembly(head=lambda *_: HEAD)
    command = peers.command_set(1, sop_class=builders.CT_IMAGE, sop_uid="1.2", dataset=True)
    assembly.add(Fragment(1, True, True, memoryview(command)))
    message = assembly.add(Fragment(1, False, True, memoryview(b"")))
    assert message is not None
    assert not message.has_data


Lengths = st.one_of(
    st.integers(0, 300),
    st.sampled_from([wire.EAGER - 6, wire.EAGER, wire.EAGER + 1, LONGEST_PDU // 2, LONGEST_PDU - 1, LONGEST_PDU]),
)


@given(st.lists(Lengths, min_size=1, max_size=6), st.lists(st.integers(1, 400_000), min_size=1, max_size=4))
def test_pdus_of_any_length_come_off_the_wire_as_they_were_sent(lengths: list[int], cuts: list[int]) -> None:
    bodies = [bytes([number + 1]) * length for number, length in enumerate(lengths)]
    stream = b"".join(bytes((pdus.DATA, 0)) + len(body).to_bytes(4, "big") + body for body in bodies)
    server = socket.create_server(("127.0.0.1", 0))
    with closing(server), socket.create_connection(server.getsockname()) as sending:
        receiving, _ = server.accept()
        with receiving:

            def send() -> None:
                for piece in pieces(stream, cuts):
                    sending.sendall(piece)

            thread = Thread(target=send)
            thread.start()
            ours = Wire(receiving)
            for body in bodies:
                pdu = ours.read(10)
                assert pdu.kind == pdus.DATA
                assert bytes(pdu.body) == body
            thread.join()
