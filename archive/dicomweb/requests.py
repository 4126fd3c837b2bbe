"""What every view of this edge asks of a request: who sends it, what it accepts, what for, and how it is answered."""

from collections.abc import Generator, Iterator
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from accounts import api
from accounts.actors import Actor
from archive.dicomweb import accept
from archive.dicomweb.accept import Range
from audit.actions import Use

MOUNT: Final = "/dicom-web"

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_USES: Final = {
    "displayed": Use.DISPLAYED,
    "prefetched": Use.PREFETCHED,
    "previewed": Use.PREVIEWED,
}


def actor_of(request: HttpRequest) -> Actor:
    """Who sends the request; the middleware has let only verified ones through."""
    return api.actor(request)


def root(request: HttpRequest) -> str:
    """The absolute URL of the service, without a slash at its end.

    dicomweb-client leaves the port out of its Host header. On the machine itself nothing maps ports, so there the port
    it came to is the one it meant.
    """
    host, port = request.get_host(), request.get_port()
    if host in _LOOPBACK and port not in ("80", "443"):
        host = f"{host}:{port}"
    return f"{request.scheme}://{host}{MOUNT}"


def accepted(request: HttpRequest) -> tuple[Range, ...]:
    """What the client accepts: the `accept` query parameter where there is one, else the header (PS3.18 §8.3.3.1)."""
    return accept.read(request.GET.get("accept") or request.headers.get("Accept", ""))


def use_of(request: HttpRequest) -> Use:
    """What becomes of the bytes. Programs with a token retrieve; a viewer shows, or says that it fetches ahead."""
    if not actor_of(request).has_session:
        return Use.RETRIEVED
    return _USES.get(request.headers.get("Custos-Use", "").lower(), Use.DISPLAYED)


def streamed(pieces: Iterator[bytes], content_type: str, length: int | None = None) -> HttpResponseBase:
    """An answer in pieces whose first is made here, so that what prevents it becomes a status and not a torn stream.

    With a length, a stream that is stopped half way is seen to be incomplete.
    """
    response = StreamingHttpResponse(_primed(pieces), content_type=content_type)
    if length is not None:
        response["Content-Length"] = str(length)
    return response


def _primed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    return _with_first(next(pieces, b""), pieces)


def _with_first(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield first
        yield from pieces
    finally:
        if isinstance(pieces, Generator):
            pieces.close()


def unchanged(request: HttpRequest, etag: str) -> bool:
    """Whether the client has this very answer already (RFC 9110 §13.1.2)."""
    names = (name.strip().removeprefix("W/") for name in request.headers.get("If-None-Match", "").split(","))
    return any(name in (f'"{etag}"', "*") for name in names)


def not_modified(etag: str) -> HttpResponse:
    return HttpResponse(status=304, headers={"ETag": f'"{etag}"'})


def takes_gzip(request: HttpRequest) -> bool:
    """Whether the client wants texts compressed."""
    for item in request.headers.get("Accept-Encoding", "").split(","):
        name, _, rest = item.partition(";")
        if name.strip().lower() == "gzip":
            return rest.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def allow(methods: tuple[str, ...]) -> HttpResponse:
    """What may be done with a resource (PS3.18 §8.9 in its smallest form)."""
    return HttpResponse(status=204, headers={"Allow": ", ".join((*methods, "OPTIONS"))})


def header(response: HttpResponseBase, **values: Any) -> HttpResponseBase:
    """The response with headers added, `_` standing for `-`."""
    for name, value in values.items():
        response.headers[name.replace("_", "-")] = str(value)
    return response
