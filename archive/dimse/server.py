"""The DICOM listener: an accept loop that never waits for anybody, a thread for each connection, an orderly end."""

import logging
import signal
import socket
import ssl
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address
from threading import Event, Thread
from time import monotonic
from types import FrameType
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connections

from accounts import callers, devices
from archive import ingest
from archive.dimse.association import serve
from archive.dimse.crowd import Crowd
from archive.dimse.listening import Listener, bound
from archive.dimse.watch import watch

logger = logging.getLogger("archive.dimse")

DRAIN_SECONDS: Final = 8.0
LOOK_SECONDS: Final = 2.0
"""How often it is asked whether the first device has been given a certificate."""

RENEW_SECONDS: Final = 600.0
"""How often the server's certificate is read anew, and renewed where it ends soon."""

REST_SECONDS: Final = 1.0
"""While the program ends, an association that rests so long between two messages is ended."""


class Server:
    """A listening socket and its connections, over TLS where there is a context. `port` 0 takes a free one.

    Several processes may be `handed` one bound socket: each takes some of those who connect.
    """

    def __init__(
        self,
        host: str,
        port: int,
        crowd: Crowd | None = None,
        *,
        context: ssl.SSLContext | None = None,
        handed: socket.socket | None = None,
    ) -> None:
        self._crowd, self._context = crowd or Crowd(), context
        self._listener = Listener(handed or bound(host, port), self._crowd.size, shared=handed is not None)
        self._ending = Event()
        self._acceptor = Thread(target=self._accept, name="dimse-accept", daemon=True)
        watching = (self._ending, self._crowd.associated)
        self._watcher = Thread(target=watch, args=watching, name="dimse-watch", daemon=True)

    @property
    def port(self) -> int:
        """The port that peers connect to."""
        return self._listener.port

    def start(self) -> "Server":
        """Begin to accept."""
        self._acceptor.start()
        self._watcher.start()
        return self

    def speak_with(self, context: ssl.SSLContext) -> None:
        """Speak TLS with another certificate from the next connection on; those that are open go on as they are."""
        self._context = context

    def stop(self, seconds: float = DRAIN_SECONDS) -> None:
        """Accept nobody any more, let messages under way be finished for some seconds, then end what is left."""
        self._ending.set()
        self._listener.wake()
        self._acceptor.join(timeout=5)
        self._listener.close()
        self._watcher.join(timeout=5)
        deadline = monotonic() + seconds
        while self._crowd.everybody() and monotonic() < deadline:
            for connection in self._crowd.resting(REST_SECONDS):
                # Reading ends, writing does not: the peer is told by an A-ABORT.
                connection.hang_up(socket.SHUT_RD)
            Event().wait(0.05)
        for connection in self._crowd.everybody():
            connection.hang_up()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                accepted = self._listener.accept()
            except OSError as error:
                if not self._ending.wait(0.1):
                    # Out of file descriptors, most likely: those who are connected go on, and this passes.
                    logger.warning("nobody can be accepted now: %s", error.strerror)
                continue
            if accepted is None:
                continue
            connection = self._crowd.enter(accepted[0], plain_address(accepted[1]))
            Thread(target=serve, args=(connection, self._context), name="dimse-association", daemon=True).start()


def plain_address(text: str) -> str:
    """Return the address without a zone, an IPv4 address that came in IPv6 clothes as IPv4."""
    given = ip_address(text.partition("%")[0])
    mapped = given.ipv4_mapped if isinstance(given, IPv6Address) else None
    return str(mapped or given)


def run(secure: Callable[[], ssl.SSLContext], handed: Mapping[int, socket.socket]) -> None:
    """Serve DICOM until SIGTERM or SIGINT; returns once everything acknowledged is durable and everybody has left.

    `secure` gives what TLS is spoken with; its port opens once there is a device with a certificate. Sockets of the two
    ports that are `handed` to this process are listened to by others as well.
    """
    ended = Event()

    def end(signum: int, frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    port = settings.PACS_DICOM_PORT
    plain = Server(settings.PACS_BIND, port, handed=handed.get(port)).start()
    logger.info("listening for DICOM on port %d", plain.port)
    secured: Server | None = None
    renewed_at = monotonic()
    while not ended.wait(LOOK_SECONDS):
        _note_callers()
        if secured is None and _wanted():
            secured = _opened(secure, handed.get(settings.PACS_DICOM_TLS_PORT))
        if secured is not None and monotonic() - renewed_at >= RENEW_SECONDS:
            renewed_at = monotonic()
            renew(secured, secure)
    servers = [plain] if secured is None else [plain, secured]
    for server in servers:
        server.stop()
    ingest.stop()


def _opened(secure: Callable[[], ssl.SSLContext], handed: socket.socket | None) -> Server | None:
    """Open the port of DICOM TLS; None where that cannot be done now, and plain DICOM goes on meanwhile."""
    try:
        port = settings.PACS_DICOM_TLS_PORT
        server = Server(settings.PACS_BIND, port, context=secure(), handed=handed).start()
    except OSError as error:
        # The port is taken, or a file cannot be read.
        logger.warning("DICOM TLS cannot be opened now: %s", error.strerror or type(error).__name__)
        return None
    logger.info("listening for DICOM TLS on port %d", server.port)
    return server


def renew(server: Server, secure: Callable[[], ssl.SSLContext]) -> None:
    """Read the server's certificate anew, so that one that was replaced needs no restart; a bad one is not taken."""
    try:
        server.speak_with(secure())
    except OSError as error:
        logger.warning("the certificate cannot be read anew now: %s", error.strerror or type(error).__name__)


def _note_callers() -> None:
    """Let the list of unknown callers have those who came since; what cannot be written waits."""
    try:
        callers.tick()
    except DatabaseFault as error:
        logger.warning("unknown callers could not be listed: %s", type(error).__name__)
    finally:
        connections.close_all()


def _wanted() -> bool:
    """Whether there is a device to speak TLS with; a database that cannot say is asked again."""
    try:
        return devices.secured()
    except DatabaseFault as error:
        logger.warning("nobody can say whether DICOM TLS is wanted: %s", type(error).__name__)
        return False
    finally:
        connections.close_all()
