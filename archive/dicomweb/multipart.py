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


def write(parts: Iterable[Part], boundary: str) -> Iterator[bytes]:
    """The body of a multipart answer, piece by piece."""
    for number, part in enumerate(parts):
        # Head and first piece leave together: what is wrong with the first part is known before anything was sent.
        head = _head(part.content_type, part.location, boundary, first=number == 0)
        for piece in part.pieces:
            yield head + piece
            head = b""
        if head:
            yield head
    yield _tail(boundary)
