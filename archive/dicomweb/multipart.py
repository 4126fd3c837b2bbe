"""Writing `multipart/related` answers (PS3.18 §8.6.1.2.1, RFC 2387): exact CRLFs, random boundaries."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from secrets import token_hex

_BREAK = "\r\n"


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its Content-Type (with transfer-syntax), the pieces of its body, and where it can be fetched alone."""

    content_type: str
    pieces: Iterable[bytes]
    location: str = ""


def new_boundary() -> str:
    """A boundary that no body holds by chance: 128 random bits."""
    return token_hex(16)


def content_type(inner: str, boundary: str, transfer_syntax: str = "") -> str:
    """The Content-Type of the whole answer."""
    syntax = f"; transfer-syntax={transfer_syntax}" if transfer_syntax else ""
    return f'multipart/related; type="{inner}"{syntax}; boundary={boundary}'


def _head(content_type: str, location: str, boundary: str, *, first: bool) -> bytes:
    where = f"Content-Location: {location}\r\n" if location else ""
    return f"{'' if first else _BREAK}--{boundary}{_BREAK}Content-Type: {content_type}\r\n{where}\r\n".encode("ascii")


def _tail(boundary: str) -> bytes:
    return f"\r\n--{boundary}--\r\n".encode("ascii")


def length(planned: Iterable[tuple[str, str, int]], boundary: str) -> int:
    """The size of a whole answer whose parts are known by content type, location and size."""
    heads = sum(
        len(_head(content_type, location, boundary, first=number == 0)) + size
        for number, (content_type, location, size) in enumerate(planned)
    )
    return heads + len(_tail(boundary))


def joined(parts: Iterable[Part], boundary: str) -> bytes:
    """The body of a short multipart answer, put together once."""
    pieces: list[bytes] = []
    for part in parts:
        pieces += (_head(part.content_type, part.location, boundary, first=not pieces), *part.pieces)
    return b"".join((*pieces, _tail(boundary)))


def gathered(pieces: Iterable[bytes], least: int) -> Iterator[bytes]:
    """The same bytes in pieces of at least so many, but for the last: each piece costs a server more than its bytes."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= least:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def write(parts: Iterable[Part], boundary: str) -> Iterator[bytes]:
    """The body of a multipart answer, piece by piece."""
    for number, part in enumerate(parts):
        # The first piece is there before its head leaves: what is wrong with the first part is known before anything.
        head = _head(part.content_type, part.location, boundary, first=number == 0)
        for piece in part.pieces:
            if head:
                yield head
            head = b""
            yield piece
        if head:
            yield head
    yield _tail(boundary)
