"""Admission pools: a slow reader never stops a fast one.

Every web process has one set of threads. Each request first takes a slot of the pool its path belongs to; a pool that
is full lets a bounded number wait briefly and answers the rest 503 with ``Retry-After`` at once. There are as many
threads as all pools can ever hold together, so no pool can take a thread that another needs. Where the record cannot
be written nobody waits: whoever has the slots may hang on a database that does not answer, and would be refused anyway.

Bounded answers give their slot back before the socket is written: the server keeps their bytes. A streamed answer
keeps its slot until it is closed. A body that belongs to a page is read to its end in a pool of its own, so that a
sender who stalls holds neither a page nor a frame.
"""

import logging
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from threading import Lock
from time import monotonic
from typing import Any, Final

from audit import pulse

logger = logging.getLogger("pacs.pools")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

LONGEST_FORM: Final = 4 * 1024 * 1024
"""Bytes of a request body on any path outside the stream pool."""


@dataclass(frozen=True)
class Limit:
    """How many requests a pool serves at once, how many may wait beside them, and for how many seconds."""

    active: int
    waiting: int
    patience: float


LIMITS: Final = {
    "door": Limit(active=2, waiting=4, patience=2.0),
    "static": Limit(active=8, waiting=24, patience=10.0),
    "body": Limit(active=16, waiting=0, patience=0.0),
    "page": Limit(active=4, waiting=24, patience=10.0),
    "frame": Limit(active=2, waiting=48, patience=10.0),
    "pixel": Limit(active=4, waiting=48, patience=10.0),
    "stream": Limit(active=24, waiting=8, patience=2.0),
}

THREADS: Final = sum(limit.active + limit.waiting for limit in LIMITS.values()) + 8
"""Threads a process needs so that no pool starves another; the spare ones say no. Idle ones are ended by the server."""

CONNECTIONS: Final = 4096
"""Open connections a process accepts; the server counts idle ones too, so this must be far above the threads."""

_STREAMS: Final = re.compile(
    r"^/dicom-web/studies/[^/]+(/series/[^/]+(/instances/[^/]+)?)?/?$|/bulkdata(/|$)|/(download|upload|export|archive)/?$"
)

_FRAME: Final = re.compile(r"/frames/[0-9,]+$")
"""What is opened and sent, without a decoder: more of these at once in one process only wait for each other."""


_LOOK_SECONDS: Final = 0.25
"""How often whoever waits looks whether waiting is in vain."""


def pool_of(method: str, path: str) -> str:
    """Return the pool a request belongs to; what nobody thought of is a page."""
    if path in ("/healthz", "/readyz"):
        return "door"
    if path.startswith("/static/"):
        return "static"
    if _STREAMS.search(path) or (method == "POST" and path.startswith("/dicom-web/studies")):
        return "stream"
    if path.startswith("/dicom-web/") and _FRAME.search(path):
        return "frame"
    return "pixel" if path.startswith("/dicom-web/") else "page"


class Pool:
    """Slots of one kind, handed out in the order they were asked for."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._free = limit.active
        self._queue: deque[Lock] = deque()
        self._lock = Lock()

    def enter(self) -> bool:
        """Take a slot, waiting at most the pool's patience; False where it is full or nothing becomes free."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if len(self._queue) >= self.limit.waiting:
                return False
            place = Lock()
            place.acquire()
            self._queue.append(place)
        return self._wait_in_line(place)

    def _wait_in_line(self, place: Lock) -> bool:
        """Wait until somebody who leaves opens this place: the slot is then handed over, and nobody else is woken."""
        deadline = monotonic() + self.limit.patience
        while (left := deadline - monotonic()) > 0 and not pulse.lost():
            if place.acquire(timeout=min(left, _LOOK_SECONDS)):
                return True
        with self._lock:
            if place in self._queue:
                self._queue.remove(place)
                return False
        return True  # It was handed over in the moment the patience ended.

    def leave(self) -> None:
        """Give a slot to whoever has waited longest, or back."""
        with self._lock:
            if self._queue:
                self._queue.popleft().release()
            else:
                self._free += 1


class Broken(ConnectionAbortedError):
    """An answer ended before its end; says nothing else, since the server prints what it is told."""


class _Held:
    """A streamed answer together with the slot it holds; closing gives the slot back, once."""

    def __init__(self, answer: Iterable[bytes], pool: Pool) -> None:
        self._answer = answer
        self._pool: Pool | None = pool

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._answer
        except Exception:
            logger.exception("an answer broke off")
            raise Broken from None

    def close(self) -> None:
        pool, self._pool = self._pool, None
        try:
            close = getattr(self._answer, "close", None)
            if close is not None:
                close()
        finally:
            if pool is not None:
                pool.leave()


def _refuse(start_response: StartResponse, status: str, words: bytes) -> list[bytes]:
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(words))), ("Cache-Control", "no-store")]
    if status.startswith("503"):
        headers.append(("Retry-After", "2"))
    start_response(status, headers)
    return [words]


def _length(environ: Environ) -> int:
    """Return the declared length of the body; one without a length may be as long as a form and one byte."""
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared.isascii() and declared.isdigit():
        return int(declared)
    return LONGEST_FORM + 1 if environ.get("HTTP_TRANSFER_ENCODING") else 0


class Pools:
    """The application behind its pools."""

    def __init__(self, application: Application, limits: dict[str, Limit] = LIMITS) -> None:
        self._application = application
        self._pools = {name: Pool(limit) for name, limit in limits.items()}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        name = pool_of(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        refusal = self._read_form(environ) if name != "stream" and _length(environ) else ""
        if refusal:
            return _refuse(start_response, refusal, b"the request body was not accepted\n")
        pool = self._pools[name]
        if not pool.enter():
            return _refuse(start_response, "503 Service Unavailable", b"busy, please try again\n")
        return self._answer(pool, environ, start_response)

    def _answer(self, pool: Pool, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Run the application; a bounded answer is returned as a list after its slot went back."""
        try:
            answer = self._application(environ, start_response)
        except Exception:
            pool.leave()
            logger.exception("a request broke the application")
            raise Broken from None
        held = _Held(answer, pool)
        if getattr(answer, "streaming", True):
            return held
        try:
            return [b"".join(held)]
        finally:
            held.close()

    def _read_form(self, environ: Environ) -> str:
        """Read a small body to its end, bounded, before anything else is occupied; return the status of a refusal."""
        pool = self._pools["body"]
        if _length(environ) > LONGEST_FORM + 1:
            return "413 Content Too Large"
        if not pool.enter():
            return "503 Service Unavailable"
        try:
            body = environ["wsgi.input"].read(LONGEST_FORM + 1)
        finally:
            pool.leave()
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
        return "413 Content Too Large" if len(body) > LONGEST_FORM else ""
