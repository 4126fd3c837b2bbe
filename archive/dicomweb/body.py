"""The body of a request as a bounded stream, also when it comes in chunks without a length.

Django takes a body without Content-Length to be empty, so the bytes are read from the WSGI server's stream itself. A
body is bounded in size and, against senders that drip, in time: its average pace must not fall below a floor.
"""

from time import monotonic

from django.http import HttpRequest

from archive.dicomweb.parts import CHUNK, Read, TooLarge, Unreadable
from archive.dicomweb.problems import WrongType

GRACE_SECONDS = 30.0
DRAIN_SECONDS = 5.0
DRAIN_BYTES = 32 * 1024 * 1024
SLOWEST = 16 * 1024
"""Bytes a second below which a sender, after the grace, is taken to hold the connection on purpose."""


def reader(request: HttpRequest, *, most_bytes: int) -> Read:
    """Return `read(n)`, giving up to n bytes and b"" at the end of the body.

    Raises WrongType where the body is encoded (a compressed body could unfold without bound), TooLarge where the
    announced or the true size is over the limit, Unreadable where it stops early or drips.
    """
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
        raise WrongType("A Content-Encoding is not taken here; send the body as it is.")
    announced = _announced(request)
    if announced is not None and announced > most_bytes:
        raise TooLarge("The request is too large.")
    stream = request.META["wsgi.input"]
    begun, taken = monotonic(), 0

    def read(n: int) -> bytes:
        nonlocal taken
        if announced is not None:
            n = min(n, announced - taken)
        chunk: bytes = stream.read(n) if n > 0 else b""
        if not chunk and announced is not None and taken < announced:
            raise Unreadable("The request ends before its announced length.")
        taken += len(chunk)
        if taken > most_bytes:
            raise TooLarge("The request is too large.")
        spent = monotonic() - begun - GRACE_SECONDS
        if spent > 0 and taken < spent * SLOWEST:
            raise Unreadable("The request comes too slowly.")
        return chunk

    return read


def drain(read: Read) -> None:
    """Take what is left of a refused body, within bounds: a client that is still sending would not hear the answer."""
    taken, end = 0, monotonic() + DRAIN_SECONDS
    try:
        while taken < DRAIN_BYTES and monotonic() < end and (chunk := read(CHUNK)):
            taken += len(chunk)
    except (TooLarge, Unreadable, OSError):
        return


def _announced(request: HttpRequest) -> int | None:
    """The Content-Length, or None where the body comes in chunks; no length and no chunks means no body."""
    length = str(request.META.get("CONTENT_LENGTH") or "")
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if chunked or (not length and request.META.get("wsgi.input_terminated")):
        return None
    if not length:
        return 0
    if not (length.isascii() and length.isdigit() and len(length) < 19):
        raise Unreadable("The Content-Length cannot be read.")
    return int(length)
