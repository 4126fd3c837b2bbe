"""Everybody who is connected, so that no number of silent or greedy peers keeps a good one out.

Connections that have not associated yet are bounded by closing the oldest: who comes and speaks gets through, who
only holds a socket loses it. Associations are bounded in all and for each address; who comes too late is told so.
"""

import socket
import ssl
from collections import Counter
from threading import Lock
from time import monotonic
from typing import Final

from accounts.actors import Actor

MOST_WAITING: Final = 64
MOST_ASSOCIATIONS: Final = 64
MOST_FROM_ONE: Final = 32


class Connection:
    """One accepted socket and what it is doing."""

    def __init__(self, crowd: "Crowd", sock: socket.socket, address: str) -> None:
        self.socket, self.address = sock, address
        self._crowd = crowd
        self.resting_since: float | None = None
        self.actor: Actor | None = None
        self._changing = Lock()

    def secure(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Put TLS on the socket, before a byte was read; the handshake is for the caller to do, within its time."""
        with self._changing:
            secured = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
            self.socket = secured
        return secured

    def associate(self, actor: Actor) -> bool:
        """Count as an association of this device from now on; False when there are too many."""
        self.actor = actor
        return self._crowd.associate(self)

    def rest(self) -> None:
        """Nothing is under way."""
        self.resting_since = monotonic()

    def work(self) -> None:
        """Something is under way, that the end of the program waits for."""
        self.resting_since = None

    def close(self) -> None:
        """End the connection; nobody counts it any more."""
        self._crowd.leave(self)
        self.socket.close()

    def hang_up(self, how: int = socket.SHUT_RDWR) -> None:
        """Wake the thread that reads from this connection and let it end; called by others."""
        try:
            with self._changing:
                # Of the socket below TLS: shutting down an SSLSocket would let its thread go on in the clear.
                socket.socket.shutdown(self.socket, how)
        except OSError:
            # The peer was quicker.
            return


class Crowd:
    """The connections of one server."""

    def __init__(
        self, waiting: int = MOST_WAITING, associations: int = MOST_ASSOCIATIONS, from_one: int = MOST_FROM_ONE
    ) -> None:
        self._most_waiting, self._most, self._most_from_one = waiting, associations, from_one
        self._lock = Lock()
        self._waiting: dict[Connection, None] = {}
        self._associated: set[Connection] = set()
        self._from: Counter[str] = Counter()

    def enter(self, sock: socket.socket, address: str) -> Connection:
        """Take in a new connection; the oldest that has not associated makes room where there is none."""
        connection = Connection(self, sock, address)
        oldest = None
        with self._lock:
            if len(self._waiting) >= self._most_waiting:
                oldest = next(iter(self._waiting))
                del self._waiting[oldest]
            self._waiting[connection] = None
        if oldest is not None:
            oldest.hang_up()
        return connection

    def associate(self, connection: Connection) -> bool:
        """Let a waiting connection become an association, if there is room in all and for its address."""
        with self._lock:
            full = len(self._associated) >= self._most or self._from[connection.address] >= self._most_from_one
            if full or connection not in self._waiting:
                return False
            del self._waiting[connection]
            self._associated.add(connection)
            self._from[connection.address] += 1
            return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection that ends."""
        with self._lock:
            self._waiting.pop(connection, None)
            if connection in self._associated:
                self._associated.remove(connection)
                self._from[connection.address] -= 1
                self._from += Counter()

    def size(self) -> int:
        """How many connections there are now."""
        with self._lock:
            return len(self._waiting) + len(self._associated)

    def everybody(self) -> list[Connection]:
        """All connections of now."""
        with self._lock:
            return [*self._waiting, *self._associated]

    def associated(self) -> list[Connection]:
        """The connections that are associations now."""
        with self._lock:
            return list(self._associated)

    def resting(self, seconds: float) -> list[Connection]:
        """The connections in which nothing has been under way for so long, and those that never associated."""
        limit = monotonic() - seconds
        with self._lock:
            idle = [one for one in self._associated if one.resting_since is not None and one.resting_since <= limit]
            return [*self._waiting, *idle]
