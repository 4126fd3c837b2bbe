"""Reading `multipart/related` requests as a stream (RFC 2046 §5.1): bounded in parts, headers and bytes.

The body of a part may hold anything, also lines that begin like the boundary: a delimiter counts only where a line
holds it and nothing more. Only one part at a time is in memory; of a large one that
is taken as it comes, but a piece.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from archive.dicomweb.accept import media_type

Read = Callable[[int], bytes]

CHUNK = 1024 * 1024
LARGE = 4 * CHUNK
MOST_OFFERED = 32 * CHUNK
"""A body of which nobody has taken so much is gathered whole."""

MOST_PARTS = 10_000
MOST_HEADER = 8192
MOST_PREAMBLE = 64 * 1024

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")


class Unreadable(Exception):
    """The request body is no multipart message as announced: HTTP 400."""


class TooLarge(Exception):
    """A part, or the number of parts, is over the limit: HTTP 413."""


class Taker(Protocol):
    """Takes a large body piece by piece."""

    def add(self, data: memoryview) -> None:
        """Take the next bytes."""

    def drop(self) -> None:
        """Leave nothing of a body that will never be whole."""


Offer = Callable[[str, memoryview], Taker | None]
"""Asked with the media type of a part and the begin of its body, once that is large: who takes it, if anybody."""


@dataclass(frozen=True, slots=True)
class Received:
    """One part of a request: its media type in lower case, the parameters of that, its whole body or who has it."""

    media_type: str
    parameters: dict[str, str]
    body: bytes
    taker: Taker | None = None


def boundary_of(parameters: dict[str, str]) -> bytes:
    """The boundary that a Content-Type names; raises Unreadable where it names none that RFC 2046 allows."""
    boundary = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise Unreadable("The Content-Type names no usable boundary.")
    return boundary.encode("ascii")


def read_parts(read: Read, boundary: bytes, *, most_bytes: int, offer: Offer | None = None) -> Iterator[Received]:
    """The parts in order. `read(n)` gives up to n bytes and b"" at its end; no part is over `most_bytes`.

    A large body may be taken before it is whole: then it is the receiver's to drop, too.
    """
    source = _Source(read, b"\r\n--" + boundary)
    last = source.preamble()
    for number in range(MOST_PARTS + 1):
        if last:
            return
        if number == MOST_PARTS:
            raise TooLarge(f"A request holds at most {MOST_PARTS} parts.")
        kind, parameters = source.headers()
        large = Large(kind, offer)
        try:
            body, last = source.body(most_bytes, large)
        except BaseException:
            large.drop()
            raise
        yield Received(kind, parameters, body, large.taker)


class Large:
    """The body of one part, should it become large and be taken."""

    def __init__(self, kind: str, offer: Offer | None) -> None:
        self._kind, self._offer = kind, offer
        self._next = LARGE
        self.taker: Taker | None = None

    def take(self, data: memoryview) -> bool:
        """Tell whether these bytes were taken."""
        if self.taker is not None:
            self.taker.add(data)
        elif self._offer is not None and self._next <= len(data) <= MOST_OFFERED:
            self._next = 2 * len(data)
            self.taker = self._offer(self._kind, data)
        return self.taker is not None

    def drop(self) -> None:
        if self.taker is not None:
            self.taker.drop()


class _Source:
    """A window on the stream. `buffer` always begins where the reader stands."""

    def __init__(self, read: Read, delimiter: bytes) -> None:
        self.read = read
        self.delimiter = delimiter
        # A line break before the first byte lets a message begin with its delimiter.
        self.buffer = bytearray(b"\r\n")

    def preamble(self) -> bool:
        """Skip to behind the first delimiter; True when the message already ends there."""
        _, last = self.body(MOST_PREAMBLE, Large("", None))
        return last

    def headers(self) -> tuple[str, dict[str, str]]:
        """Read one part's header lines."""
        # The blank line follows at once where a part has no headers.
        end = -1
        while not self.buffer.startswith(b"\r\n") and (end := self.buffer.find(b"\r\n\r\n")) < 0:
            if len(self.buffer) > MOST_HEADER:
                raise Unreadable("A part's headers are too long.")
            self._more()
        if end < 0:
            del self.buffer[:2]
            return "", {}
        if end > MOST_HEADER:
            raise Unreadable("A part's headers are too long.")
        lines = bytes(self.buffer[:end]).split(b"\r\n")
        del self.buffer[: end + 4]
        for line in lines:
            name, colon, value = line.partition(b":")
            if colon and name.strip().lower() == b"content-type":
                return media_type(value.decode("latin-1").strip())
        return "", {}

    def body(self, most: int, large: Large) -> tuple[bytes, bool]:
        """Read up to behind the next delimiter: what stood before it, and whether it was the closing one.

        What was taken because it is large is not in what is returned.
        """
        searched = passed = 0
        while True:
            at = self.buffer.find(self.delimiter, searched)
            if at < 0:
                searched = max(0, len(self.buffer) - len(self.delimiter))
                self._bound(passed + searched, most)
                if self._passed(large, searched):
                    passed, searched = passed + searched, 0
                self._more()
                continue
            self._bound(passed + at, most)
            ended = self._line_end(at + len(self.delimiter))
            if ended is None:
                searched = at + 1
                continue
            after, last = ended
            if large.taker is not None:
                self._passed(large, at)
                del self.buffer[: after - at]
                return b"", last
            body = bytes(memoryview(self.buffer)[:at])
            del self.buffer[:after]
            return body, last

    def _passed(self, large: Large, length: int) -> bool:
        """Let so many bytes go by, if somebody takes them."""
        with memoryview(self.buffer) as whole, whole[:length] as data:
            taken = large.take(data)
        if taken:
            del self.buffer[:length]
        return taken

    def _line_end(self, at: int) -> tuple[int, bool] | None:
        """Where the delimiter's line ends and whether it closes the message; None when it is no delimiter after all."""
        closes = self._reaches(at + 2) and self.buffer[at : at + 2] == b"--"
        padded = at + 2 if closes else at
        begin = padded
        # Transport padding: spaces and tabs that a gateway may have added.
        while self._reaches(padded + 1) and self.buffer[padded] in b" \t" and padded - begin < MOST_HEADER:
            padded += 1
        if self._reaches(padded + 2):
            return (padded + 2, closes) if self.buffer[padded : padded + 2] == b"\r\n" else None
        # The closing delimiter may be the last thing in the message, with no line break behind it.
        return (len(self.buffer), True) if closes and padded == len(self.buffer) else None

    def _reaches(self, length: int) -> bool:
        """Whether the buffer could be filled to that length."""
        while len(self.buffer) < length:
            chunk = self.read(CHUNK)
            if not chunk:
                return False
            self.buffer += chunk
        return True

    def _bound(self, length: int, most: int) -> None:
        if length > most:
            raise TooLarge("A part of the request is too large.")

    def _more(self) -> None:
        if not self._reaches(len(self.buffer) + 1):
            raise Unreadable("The request ends before its closing boundary.")
