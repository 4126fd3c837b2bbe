"""One TLS connection to a collector that never blocks its owner, and whose end proves that all of it was read."""

import select
import socket
import ssl
import termios
import time
from array import array
from collections.abc import Callable
from contextlib import suppress
from fcntl import ioctl
from typing import NamedTuple
from urllib.parse import urlsplit

CONNECT_SECONDS = 10.0
FINISH_SECONDS = 60.0
WAIT_SECONDS = 0.5
POLL_SECONDS = 0.01
USER_TIMEOUT_MS = 60_000
_PIECE = 16 * 1024
_KEEPALIVE = {socket.TCP_KEEPIDLE: 30, socket.TCP_KEEPINTVL: 10, socket.TCP_KEEPCNT: 3}


class Trust(NamedTuple):
    """Files in PEM: whose certificates are believed, and what this archive shows of itself (empty: nothing)."""

    authority: str
    certificate: str = ""
    key: str = ""


def address(url: str) -> tuple[str, int]:
    """Host and port of `tls://HOST:PORT`. Raises ValueError for everything else."""
    parts = urlsplit(url)
    if parts.scheme != "tls" or not parts.hostname or parts.port is None:
        raise ValueError("is not tls://HOST:PORT")
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("has more than a host and a port")
    return parts.hostname, parts.port


def context(trust: Trust) -> ssl.SSLContext:
    """TLS 1.2 or later towards a server whose name and certificate are verified. Raises OSError for files of no use."""
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    found.load_verify_locations(cafile=trust.authority)
    if trust.certificate:
        found.load_cert_chain(trust.certificate, trust.key or None)
    return found


class Channel:
    """An open connection, which `finish` or `close` ends."""

    def __init__(self, url: str, trust: Trust) -> None:
        """Connect and shake hands. Raises OSError, of which ssl.SSLError is one, and ValueError for another address."""
        host, port = address(url)
        secured = context(trust)
        plain = socket.create_connection((host, port), timeout=CONNECT_SECONDS)
        try:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEPALIVE.items():
                plain.setsockopt(socket.IPPROTO_TCP, option, value)
            # It ends a connection whose peer has gone, and one whose peer reads no more, alike.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
            self._socket = secured.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
        self._socket.setblocking(False)

    def write(self, data: bytes, idle: Callable[[], None]) -> None:
        """Hand everything to the connection; `idle` is called twice a second while that waits, and may raise."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest[:_PIECE]) :]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError) as wanted:
                reads = isinstance(wanted, ssl.SSLWantReadError)
                there = [self._socket]
                select.select(there if reads else [], [] if reads else there, [], WAIT_SECONDS)
                idle()

    def finish(self, idle: Callable[[], None]) -> None:
        """End the connection, and return only when the collector has read everything that was written to it.

        Its machine has acknowledged all of it and its program answers our end with its own: a system sends that (and no
        reset) for a program that has read to the last byte. Raises OSError where it is otherwise, or takes too long.
        """
        until = time.monotonic() + FINISH_SECONDS
        while self._queued():
            self._rest(until, [], idle)
        self._require_open()
        with suppress(ssl.SSLWantReadError):
            self._socket.unwrap()
        self._socket.shutdown(socket.SHUT_WR)
        while True:
            try:
                if not self._socket.recv(_PIECE):
                    return
            except BlockingIOError:
                self._rest(until, [self._socket], idle)

    def _queued(self) -> int:
        """How many bytes the peer's machine has not acknowledged."""
        queued = array("i", [0])
        ioctl(self._socket.fileno(), termios.TIOCOUTQ, queued)
        return queued[0]

    def _require_open(self) -> None:
        """An end that comes before ours says nothing of what was read."""
        try:
            while self._socket.recv(_PIECE):
                pass
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        raise ConnectionResetError("the collector ended the connection")

    def _rest(self, until: float, readable: list[ssl.SSLSocket], idle: Callable[[], None]) -> None:
        idle()
        if time.monotonic() >= until:
            raise TimeoutError("the collector does not read what it was sent")
        select.select(readable, [], [], WAIT_SECONDS if readable else POLL_SECONDS)

    def close(self) -> None:
        """End the connection at once."""
        self._socket.close()
