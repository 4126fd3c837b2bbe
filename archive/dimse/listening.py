"""The socket that peers connect to, listened to by one process or by several."""

import select
import socket
from collections.abc import Callable
from contextlib import suppress
from time import sleep
from typing import Final

BACKLOG: Final = 128
LOOK_SECONDS: Final = 0.25
"""How long one waits for the next who connects to a shared socket, before it looks whether it is to end."""

POLITE_SECONDS: Final = 0.002
FEW: Final = 8


def bound(host: str, port: int) -> socket.socket:
    """A socket bound to an address; whoever connects is refused until somebody listens. Raises OSError."""
    family, kind, protocol, _name, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(place)
    except OSError:
        sock.close()
        raise
    return sock


class Listener:
    """A bound socket that is listened to from now on; `shared` when other processes listen to it too.

    Of those that share one, the process that serves the fewest takes who connects: each lets others go first for as
    long as its `serving` says, so that none needs to know of another. With many connections chance spreads them.
    """

    def __init__(self, sock: socket.socket, serving: Callable[[], int], *, shared: bool = False) -> None:
        self._socket, self._serving, self._shared = sock, serving, shared
        sock.setblocking(not shared)
        sock.listen(BACKLOG)
        self._coming = select.poll()
        self._coming.register(sock, select.POLLIN)

    @property
    def port(self) -> int:
        """The port that peers connect to."""
        port: int = self._socket.getsockname()[1]
        return port

    def accept(self) -> tuple[socket.socket, str] | None:
        """The next connection and where it comes from; None where nobody came for a moment, or another was quicker.

        Raises OSError.
        """
        if self._shared:
            if not self._coming.poll(LOOK_SECONDS * 1000):
                return None
            if 0 < (busy := self._serving()) < FEW:
                sleep(busy * POLITE_SECONDS)
        try:
            sock, place = self._socket.accept()
        except BlockingIOError:
            return None
        return sock, place[0]

    def wake(self) -> None:
        """Let accept() return now, where nobody else listens to the socket; it does so in a moment otherwise."""
        if not self._shared:
            # Closing alone would not wake its thread.
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Listen no more, when nobody is in accept(); those with whom the socket is shared go on."""
        self._socket.close()
