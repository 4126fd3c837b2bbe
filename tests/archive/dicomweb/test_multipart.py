"""What is written comes back part by part; what is no message is refused in bounded memory."""

import io
import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.dicomweb import multipart, parts


def dribble(data: bytes, size: int) -> parts.Read:
    """A stream that never gives more than `size` bytes at once."""
    stream = io.BytesIO(data)
    return lambda n: stream.read(min(n, size))


def bodies(data: bytes, boundary: bytes = b"b", size: int = 7, most: int = 10_000) -> list[bytes]:
    return [part.body for part in parts.read_parts(dribble(data, size), boundary, most_bytes=most)]


nasty = st.lists(
    st.sampled_from([b"\r\n", b"--b", b"--", b"b", b"\r", b"\n", b" ", b"\t", b"x", b"\0", b"--bb"]), max_size=20
).map(b"".join)


def delimits(body: bytes) -> bool:
    """Whether a body holds a real delimiter line of the boundary `b`, which no writer may send."""
    return re.search(rb"\r\n--b(--)?[ \t]*\r\n", b"\r\n" + body + b"\r\n") is not None


@settings(max_examples=300)
@given(st.lists(nasty.filter(lambda body: not delimits(body)), max_size=4), st.integers(1, 9))
def test_what_is_written_comes_back_however_it_is_cut(contents: list[bytes], size: int) -> None:
    message = b"".join(multipart.write((multipart.Part("application/dicom", [c]) for c in contents), "b"))
    assert bodies(message, size=size) == contents


class Taken:
    """Takes a large body, as a store does."""

    def __init__(self) -> None:
        self.data, self.dropped = b"", False

    def add(self, data: memoryview) -> None:
        self.data += data

    def drop(self) -> None:
        self.dropped = True


@settings(max_examples=300)
@given(st.lists(nasty.filter(lambda body: not delimits(body)), max_size=4), st.integers(1, 9), st.integers(0, 40))
def test_what_is_taken_while_it_comes_is_the_same(contents: list[bytes], size: int, large: int) -> None:
    def offer(kind: str, data: memoryview) -> Taken:
        assert kind == "application/dicom"
        one = Taken()
        one.add(data)
        return one

    message = b"".join(multipart.write((multipart.Part("application/dicom", [c]) for c in contents), "b"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "LARGE", large)
        found = list(parts.read_parts(dribble(message, size), b"b", most_bytes=10_000, offer=offer))
    assert [one.taker.data if isinstance(one.taker, Taken) else one.body for one in found] == contents


def test_what_was_taken_of_a_message_that_stops_early_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LARGE", 10)
    taken = Taken()
    with pytest.raises(parts.Unreadable):
        list(parts.read_parts(dribble(b"--b\r\n\r\n" + b"x" * 100, 7), b"b", most_bytes=1000, offer=lambda *_: taken))
    assert taken.dropped


def test_what_is_taken_is_bounded_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LARGE", 10)
    with pytest.raises(parts.TooLarge):
        list(parts.read_parts(lambda n: b"--b\r\n\r\n" + b"x" * 100, b"b", most_bytes=1000, offer=lambda *_: Taken()))


@settings(max_examples=300)
@given(nasty, st.integers(1, 9))
def test_no_message_hangs_or_breaks_the_reader(message: bytes, size: int) -> None:
    with suppress(parts.Unreadable):
        bodies(message, size=size)


def test_lines_that_only_begin_like_the_boundary_are_content() -> None:
    assert bodies(b"--b\r\n\r\nx\r\n--bc\r\ny\r\n--b--z\r\n--b--") == [b"x\r\n--bc\r\ny\r\n--b--z"]


def test_a_preamble_padding_and_an_epilogue_are_tolerated() -> None:
    assert bodies(b"hello\r\n--b \t\r\nX: y\r\n\r\nbody\r\n--b-- \r\nbye") == [b"body"]


def test_a_message_that_stops_early_is_refused() -> None:
    for cut in (b"", b"--b", b"--b\r\n", b"--b\r\n\r\nbody", b"--b\r\n\r\nbody\r\n--b", b"--b\r\n\r\nbody\r\n--b-"):
        with pytest.raises(parts.Unreadable):
            bodies(cut)


def test_the_content_type_of_a_part_is_read_in_any_spelling() -> None:
    message = b'--b\r\ncontent-TYPE: Application/DICOM; Transfer-Syntax="1.2"\r\nX: y\r\n\r\n1\r\n--b--'
    (part,) = parts.read_parts(dribble(message, 3), b"b", most_bytes=10)
    assert (part.media_type, part.parameters) == ("application/dicom", {"transfer-syntax": "1.2"})


def test_a_part_over_the_limit_is_refused_before_it_is_read_to_its_end() -> None:
    given_out = 0

    def endless(n: int) -> bytes:
        nonlocal given_out
        given_out += n
        return b"--b\r\n\r\n" + b"x" * n if given_out == n else b"x" * n

    with pytest.raises(parts.TooLarge):
        list(parts.read_parts(endless, b"b", most_bytes=3 * parts.CHUNK))
    assert given_out <= 6 * parts.CHUNK


def test_headers_without_end_are_refused_in_bounded_memory() -> None:
    with pytest.raises(parts.Unreadable):
        list(parts.read_parts(lambda n: b"--b\r\nA" + b"a" * n, b"b", most_bytes=10))


def test_too_many_parts_are_refused() -> None:
    message = b"--b\r\n\r\n" + b"\r\n--b\r\n\r\n" * parts.MOST_PARTS + b"\r\n--b--"
    with pytest.raises(parts.TooLarge):
        bodies(message, size=1 << 20)


@pytest.mark.parametrize("boundary", ["", "x" * 71, "a\r\nb", "ends with space ", "é", 'quo"te'])
def test_a_boundary_that_the_standard_forbids_is_refused(boundary: str) -> None:
    with pytest.raises(parts.Unreadable):
        parts.boundary_of({"boundary": boundary})
