"""What the clients of the web works believe: a request is stored, or a study whole, only if the answer says so."""

import socket
from threading import Thread

import pytest

from bench import poster
from bench.works.study import fetched


def test_a_request_holds_as_many_instances_as_it_should_and_says_how_long_it_is() -> None:
    requests = list(poster.encoded([b"one", b"two", b"three"], 2, {"Host": "here"}))
    assert [body.count(b"Content-Type: application/dicom") for _, body in requests] == [2, 1]
    for head, body in requests:
        assert f"Content-Length: {len(body)}\r\n".encode() in head
        assert head.endswith(b"\r\n\r\n")
        assert body.endswith(f"--{poster.BOUNDARY}--\r\n".encode())


@pytest.mark.parametrize(
    ("status", "body"),
    [(202, b"{}"), (409, b""), (200, b'{"00081198": {"vr": "SQ", "Value": [{}]}}')],
)
def test_what_was_not_stored_whole_ends_the_measure(status: int, body: bytes) -> None:
    with pytest.raises(SystemExit):
        poster.require_stored(status, body)


def test_what_was_stored_does_not_end_it() -> None:
    poster.require_stored(200, b'{"00081199": {"vr": "SQ", "Value": [{}]}}')


def test_an_answer_is_read_to_its_length_and_not_beyond() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 4\r\n\r\n{}")
    Thread(target=lambda: theirs.sendall(b"{}")).start()
    assert poster.answer(ours) == (200, b"{}{}")
    ours.close()
    theirs.close()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\n\r\ncut", b"HTTP/1.1 503 Busy\r\n\r\n" + b"-" * 99])
def test_a_study_that_did_not_come_whole_is_no_figure(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            wire, _ = server.accept()
            with wire:
                wire.recv(1 << 16)
                wire.sendall(answer)

        Thread(target=serve).start()
        with pytest.raises(RuntimeError):
            fetched(f"http://127.0.0.1:{server.getsockname()[1]}", "/", {}, 60)
