"""Memory for objects on their way in: one bound for all senders of a process, whichever edge they came by.

Each sender has a little that nobody can take from it, so that no greedy peer stands in a good one's way. What goes
beyond is shared, and who comes on top is asked to come again: DIMSE 0xA700, HTTP 503 with Retry-After.
"""

from threading import Lock
from typing import Final

ALWAYS: Final = 32 << 20
"""Bytes that each sender may hold whatever others send."""

TOGETHER: Final = 2 << 30
"""Bytes beyond those that all senders of a process may hold together."""


class Room:
    """The memory that is shared."""

    def __init__(self, most: int = TOGETHER) -> None:
        self._left, self._lock = most, Lock()

    def take(self, size: int) -> bool:
        """Take so many bytes; False where there are not as many left."""
        with self._lock:
            enough = size <= self._left
            self._left -= size if enough else 0
            return enough

    def give_back(self, size: int) -> None:
        """Leave so many bytes to others again."""
        with self._lock:
            self._left += size


ROOM: Final = Room()


class Share:
    """What one sender holds. Used by one thread; whoever makes one releases it, however the sending ends."""

    def __init__(self, room: Room | None = None) -> None:
        self._room = room or ROOM
        self._held = self._taken = 0

    def grow(self, size: int) -> bool:
        """Hold so many bytes more; False, and nothing changes, where there is no room for them."""
        more = max(0, self._held + size - ALWAYS) - self._taken
        if more > 0 and not self._room.take(more):
            return False
        self._held += size
        self._taken += max(0, more)
        return True

    def shrink(self, size: int) -> None:
        """Hold so many bytes less."""
        self._held = max(0, self._held - size)
        spare = max(0, self._taken - max(0, self._held - ALWAYS))
        self._taken -= spare
        self._room.give_back(spare)

    def release(self) -> None:
        """Hold nothing any more."""
        self.shrink(self._held)
