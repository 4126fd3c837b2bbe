"""The DICOM listener: an accept loop that never waits for anybody, a thread for each connection, an orderly end."""

import logging
import signal
import socket
from ipaddress import IPv6Address, ip_address
from threading import Event, Thread
from time import monotonic
from types import FrameType
from typing import Final

from django.conf import settings

from archive import ingest
from archive.dimse.association import serve
from archive.dimse.crowd import Crowd

logger = logging.getLogger("archive.dimse")

BACKLOG: Final = 128
DRAIN_SECONDS: Final = 8.0
REST_SECONDS: Final = 1.0
"""While the program ends, an association that rests so long between two messages is ended."""


class Server:
    """A listening socket and its connections. `port` 0 takes a free one."""

    def __init__(self, host: str, port: int, crowd: Crowd | None = None) -> None:
        family, kind, protocol, _name, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self._listener = socket.socket(family, kind, protocol)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(place)
        self._listener.listen(BACKLOG)
        self._crowd = crowd or Crowd()
        self._ending = Event()
        self._acceptor = Thread(target=self._accept, name="dimse-accept", daemon=True)

    @property
    def port(self) -> int:
        """The port that peers connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    def start(self) -> "Server":
        """Begin to accept."""
        self._acceptor.start()
        return self

    def stop(self, seconds: float = DRAIN_SECONDS) -> None:
        """Accept nobody any more, let messages under way be finished for some seconds, then end what is left."""
        self._ending.set()
        # Shutting down wakes the thread in accept(); closing alone would not.
        self._shut_listener()
        self._acceptor.join(timeout=5)
        deadline = monotonic() + seconds
        while self._crowd.everybody() and monotonic() < deadline:
            for connection in self._crowd.resting(REST_SECONDS):
                # Reading ends, writing does not: the peer is told by an A-ABORT.
                connection.hang_up(socket.SHUT_RD)
            Event().wait(0.05)
        for connection in self._crowd.everybody():
            connection.hang_up()

    def _shut_listener(self) -> None:
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            logger.debug("the listener was shut already")
        self._listener.close()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                sock, place = self._listener.accept()
            except OSError as error:
                if not self._ending.wait(0.1):
                    # Out of file descriptors, most likely: those who are connected go on, and this passes.
                    logger.warning("nobody can be accepted now: %s", error.strerror)
                continue
            connection = self._crowd.enter(sock, plain_address(place[0]))
            Thread(target=serve, args=(connection,), name="dimse-association", daemon=True).start()


def plain_address(text: str) -> str:
    """Return the address without a zone, an IPv4 address that came in IPv6 clothes as IPv4."""
    given = ip_address(text.partition("%")[0])
    mapped = given.ipv4_mapped if isinstance(given, IPv6Address) else None
    return str(mapped or given)


def run() -> None:
    """Serve DICOM until SIGTERM or SIGINT; returns once everything acknowledged is durable and everybody has left."""
    ended = Event()

    def end(signum: int, frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    server = Server(settings.PACS_BIND, settings.PACS_DICOM_PORT).start()
    logger.info("listening for DICOM on port %d", server.port)
    ended.wait()
    server.stop()
    ingest.stop()
