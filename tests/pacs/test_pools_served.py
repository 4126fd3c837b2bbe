"""The pools behind a real granian: who reads or sends slowly stops nobody else."""

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator

import pytest

from pacs.pools import LIMITS, LONGEST_FORM, THREADS
from tests.pacs.serving import granian

FRAME = "/dicom-web/studies/1.2/series/1.3/instances/1.4/frames/1"

SOON = 3.0
"""Seconds; a pool that was stopped would keep its visitors for its whole patience, and a server for ever."""


@pytest.fixture
def port() -> Iterator[int]:
    with granian("tests.pacs.stalled_app:application") as chosen:
        yield chosen


def get(port: int, path: str, timeout: float = 5.0) -> tuple[int, bytes, float]:
    """Ask once on a new connection; return status, body and seconds."""
    began = time.monotonic()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)) as asked:
        asked.request("GET", path)
        answer = asked.getresponse()
        body = answer.read()
    return answer.status, body, time.monotonic() - began


def stall(port: int, request: bytes, count: int) -> list[socket.socket]:
    """Open connections that send ``request`` and then neither send nor read."""
    opened = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port), timeout=5)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.sendall(request)
        opened.append(one)
    return opened


def stream_request() -> bytes:
    return b"GET /dicom-web/studies/1.2 HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_frames_answer_while_more_readers_stall_than_there_are_threads(port: int) -> None:
    stalled = stall(port, stream_request(), THREADS + 16)
    try:
        time.sleep(0.5)
        seconds = []
        for _ in range(30):
            status, body, took = get(port, FRAME)
            assert (status, body) == (200, b"small ")
            seconds.append(took)
        assert max(seconds) < SOON
        assert get(port, "/studies/")[0] == 200
        assert get(port, "/healthz")[0] == 200
    finally:
        for one in stalled:
            one.close()


def test_a_full_stream_pool_says_so_and_recovers_when_readers_leave(port: int) -> None:
    limit = LIMITS["stream"]
    stalled = stall(port, stream_request(), limit.active)
    try:
        time.sleep(0.3)
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=limit.patience + 3)
        asked.request("GET", "/dicom-web/studies/1.2/series/1.3")
        answer = asked.getresponse()
        assert (answer.status, answer.getheader("Retry-After")) == (503, "2")
        asked.close()
    finally:
        for one in stalled:
            one.close()
    deadline = time.monotonic() + 5
    while (status := get(port, "/dicom-web/studies/1.2/series/1.3")[0]) != 200:
        assert status == 503
        assert time.monotonic() < deadline, "slots of readers that left were never given back"


def test_readers_who_stall_on_bounded_answers_hold_no_frame_slot(port: int) -> None:
    limit = LIMITS["pixel"]
    request = f"GET {FRAME}/big HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    stalled = stall(port, request, limit.active * 3)
    try:
        time.sleep(0.3)
        assert max(get(port, FRAME)[2] for _ in range(10)) < SOON
    finally:
        for one in stalled:
            one.close()


def test_senders_who_stall_in_a_form_hold_neither_pages_nor_frames(port: int) -> None:
    request = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc"
    stalled = stall(port, request, LIMITS["body"].active)
    try:
        time.sleep(0.3)
        assert get(port, "/studies/")[0] == 200
        assert get(port, FRAME)[0] == 200
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        asked.request("POST", "/sign-in/", b"one more")
        assert asked.getresponse().status == 503
        asked.close()
    finally:
        for one in stalled:
            one.close()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_form_reaches_its_page_whole(port: int, chunked: bool) -> None:
    deadline = time.monotonic() + 5
    while True:
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        body = iter([b"user", b"name=a"]) if chunked else b"username=a"
        asked.request("POST", "/sign-in/", body, encode_chunked=chunked)
        answer = asked.getresponse()
        words = answer.read()
        asked.close()
        if answer.status == 200 or time.monotonic() > deadline:
            break
    assert (answer.status, words) == (200, b"small username=a")


def test_a_form_without_end_is_refused(port: int) -> None:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    asked.putrequest("POST", "/sign-in/")
    asked.putheader("Content-Length", str(LONGEST_FORM + 2))
    asked.endheaders()
    assert asked.getresponse().status == 413
    asked.close()


def test_a_stream_of_declared_length_that_breaks_is_not_taken_for_whole(port: int) -> None:
    # Without a length the server ends a broken stream like a whole one; such answers must carry an end of their own.
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    asked.request("GET", "/dicom-web/studies/6.6")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        asked.getresponse().read()
    asked.close()


def test_what_broke_a_stream_is_not_told_to_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    with granian("tests.pacs.stalled_app:application") as port, contextlib.suppress(http.client.HTTPException, OSError):
        get(port, "/dicom-web/studies/6.6")
    assert "ZZCANARY" not in "".join(capfd.readouterr())
