"""A small application behind the real pools, for a real server: endless streams, small frames, small forms."""

from collections.abc import Iterable, Iterator

from pacs import logs
from pacs.pools import Environ, Pools, StartResponse

PIECE = b"x" * 65536


class Bounded(list[bytes]):
    """An answer that is complete, as Django's HttpResponse is."""

    streaming = False


def endless() -> Iterator[bytes]:
    while True:
        yield PIECE


def breaking() -> Iterator[bytes]:
    yield PIECE
    raise ValueError("ZZCANARY^DOE")


def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    body = environ["wsgi.input"].read(100) if environ["REQUEST_METHOD"] == "POST" else b""
    length = [("Content-Length", str(len(PIECE) * 10))] if environ["PATH_INFO"] == "/dicom-web/studies/6.6" else []
    start_response("200 OK", [("Content-Type", "application/octet-stream"), *length])
    if environ["PATH_INFO"] == "/dicom-web/studies/1.2":
        return endless()
    if environ["PATH_INFO"] == "/dicom-web/studies/6.6":
        return breaking()
    if environ["PATH_INFO"].endswith("/big"):
        return Bounded([PIECE * 256])
    return Bounded([b"small " + body])


logs.configure()
application = Pools(answer)
