"""A proxy between clients and the archive that writes down what reached whom. It knows HTTP, and nothing of ours.

Each client connection has one connection to the archive, so that it is known which process answered: a process that is
killed breaks its connections, and no other does.
"""

import http.client
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})
_PIECE = 16 * 1024


@dataclass
class Line:
    """One request, and what came back: a status of 0 where not one byte of an answer came."""

    token: str
    path: str
    connection: int
    began: float
    status: int = 0
    content_type: str = ""
    body: bytes = b""
    complete: bool = False
    ended: float = 0.0
    fault: str = ""


@dataclass
class Witness:
    """The ledger, and the port where it is written."""

    upstream: int
    authority: Path
    lines: list[Line] = field(default_factory=list)
    broken: dict[int, float] = field(default_factory=dict)
    """When a connection to the archive was found broken, by its number."""
    port: int = 0
    _lock: Any = field(default_factory=threading.Lock)
    _connections: int = 0

    def number(self) -> int:
        """The number of the next connection to the archive."""
        with self._lock:
            self._connections += 1
            return self._connections

    def connect(self) -> http.client.HTTPSConnection:
        trust = ssl.create_default_context(cafile=str(self.authority))
        opened = http.client.HTTPSConnection("localhost", self.upstream, timeout=20, context=trust)
        while True:
            try:
                opened.connect()
            except ConnectionRefusedError:
                time.sleep(0.1)  # the archive starts again: whoever asks waits
            else:
                break
        opened.auto_open = 0  # another connection may lead to another process
        return opened

    def write(self, line: Line) -> None:
        line.ended = time.monotonic()
        with self._lock:
            self.lines.append(line)
            if not line.complete:
                self.broken[line.connection] = line.ended


@contextmanager
def witness(upstream: int, tls: Path) -> Iterator[Witness]:
    """Listen on a free port of loopback, under the certificate of `localhost` in this folder, until the block ends."""
    seen = Witness(upstream, tls / "authority.pem")
    handler = type("Handler", (_Handler,), {"seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(tls / "server.pem", tls / "server.key")
    server.socket = shown.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    seen.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    seen: Witness
    upstream: http.client.HTTPSConnection | None = None
    number = 0

    def log_message(self, *_: Any) -> None:
        """The ledger is enough."""

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        if self.upstream is not None:
            self.upstream.close()

    def do_GET(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        line = Line(token, self.path, self.number, time.monotonic())
        try:
            if self.upstream is None or self.upstream.sock is None:
                line.connection = self.number = self.seen.number()
                self.upstream = self.seen.connect()
            self._pass_on(self.upstream, line)
        except (OSError, http.client.HTTPException) as fault:
            line.fault = type(fault).__name__
            self.close_connection = True
        self.seen.write(line)

    def _pass_on(self, upstream: http.client.HTTPSConnection, line: Line) -> None:
        """Ask the archive, and hand on each piece as it comes, noted first."""
        upstream.request("GET", self.path, headers=dict(self.headers.items()))
        answer = upstream.getresponse()
        line.status, line.content_type = answer.status, answer.headers.get("Content-Type", "")
        length = answer.headers.get("Content-Length")
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        empty = answer.status in (204, 304)
        if not empty:
            self.send_header(*(("Content-Length", length) if length else ("Transfer-Encoding", "chunked")))
        self.end_headers()
        while piece := answer.read1(_PIECE):
            line.body += piece
            self.wfile.write(piece if length else b"%x\r\n%s\r\n" % (len(piece), piece))
        if length and len(line.body) != int(length):
            raise http.client.IncompleteRead(line.body)
        if not length and not empty:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        answer.close()
        line.complete = True
