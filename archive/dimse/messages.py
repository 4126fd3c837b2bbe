"""Fragments put together to messages (PS3.8 Annex E, PS3.7 §6.3): a command, and its data set if it has one."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from archive.arriving import BEYOND, Arrival
from archive.dimse import commands
from archive.dimse.commands import Command
from archive.dimse.errors import Broken, TooSlow
from archive.dimse.pdus import Fragment
from archive.room import Share

LARGEST_DATASET: Final = 1 << 30
"""Bytes of one data set that are kept in memory; more are read away and answered with 0xA700."""

GRACE_SECONDS: Final = 60.0
LEAST_RATE: Final = 4096
"""Bytes a second that a message must reach once the grace has passed: who drips is dropped."""


@dataclass(slots=True)
class Message:
    """One whole message. `too_large` says that the data set was read away; a large one has an `arrival` instead."""

    context_id: int
    command: Command
    file: "File"
    too_large: bool = False
    arrival: Arrival | None = None

    @property
    def has_data(self) -> bool:
        """Whether there is a data set with anything in it."""
        return bool(self.file.added) or self.arrival is not None


class File:
    """A data set that is gathered behind the head that makes a file of it, where it need not be moved any more."""

    __slots__ = ("_bytes", "_head", "_size")

    def __init__(self, head: bytes = b"", likely: int = 0) -> None:
        """Room for as many bytes as are `likely` to follow is taken at once: growing would move what is there."""
        self._bytes = bytearray(len(head) + likely)
        self._head = self._size = len(head)
        self._bytes[: len(head)] = head

    @property
    def added(self) -> int:
        """Bytes behind the head."""
        return self._size - self._head

    def add(self, data: memoryview) -> None:
        """Take the next bytes."""
        end = self._size + len(data)
        if end <= len(self._bytes):
            with memoryview(self._bytes) as room:
                room[self._size : end] = data
        else:
            del self._bytes[self._size :]
            self._bytes += data
        self._size = end

    def taken(self) -> bytearray:
        """Head and data set; nothing is left here."""
        whole, self._bytes = self._bytes, bytearray()
        del whole[self._size :]
        self._head = self._size = 0
        return whole


Head = Callable[[int, Command], bytes]
"""What stands before the data set that follows a command in a context."""

Begin = Callable[[Message, Share, int], Arrival | None]
"""Makes what takes the file of a message that turns out to be large; None: it is gathered."""


class Assembly:
    """The message that is arriving. PS3.7 §6.3.1 lets a peer send one after the other, never two interleaved."""

    def __init__(
        self,
        largest: int = LARGEST_DATASET,
        share: Share | None = None,
        head: Head | None = None,
        begin: Begin | None = None,
    ) -> None:
        self._largest, self._share, self._head, self._begin = largest, share or Share(), head, begin
        self._likely = 0  # bytes of a data set: as many as the one before had
        self._command = bytearray()
        self._message: Message | None = None
        self._began = 0.0
        self._received = 0

    @property
    def open(self) -> bool:
        """Whether a message has begun and is not whole."""
        return self._message is not None or bool(self._command)

    def add(self, fragment: Fragment) -> Message | None:
        """Take the next fragment; return the message that it completes. Raises Broken or TooSlow."""
        if not self.open:
            self._began, self._received = monotonic(), 0
        self._received += len(fragment.data)
        elapsed = monotonic() - self._began
        if elapsed > GRACE_SECONDS and self._received < LEAST_RATE * elapsed:
            raise TooSlow("The message arrives too slowly.")
        return self._add_command(fragment) if fragment.is_command else self._add_data(fragment)

    def release(self) -> None:
        """Give back the memory of the message that was handled, and leave nothing of one that will never be whole."""
        if self._message is not None and self._message.arrival is not None:
            self._message.arrival.drop()
        self._share.release()

    def _add_command(self, fragment: Fragment) -> Message | None:
        if self._message is not None or len(self._command) + len(fragment.data) > commands.LONGEST_COMMAND:
            raise Broken("A command set where a data set was due, or one that is too long.")
        self._command += fragment.data
        if not fragment.is_last:
            return None
        command, self._command = commands.read(self._command), bytearray()
        if not command.has_dataset:
            return Message(fragment.context_id, command, File())
        head = self._head(fragment.context_id, command) if self._head else b""
        self._message = Message(fragment.context_id, command, File(head, self._likely))
        return None

    def _add_data(self, fragment: Fragment) -> Message | None:
        message = self._message
        if message is None or fragment.context_id != message.context_id:
            raise Broken("A data set without its command.")
        if message.arrival is not None:
            message.arrival.add(fragment.data)
        elif not message.too_large:
            if message.file.added + len(fragment.data) <= self._largest and self._share.grow(len(fragment.data)):
                message.file.add(fragment.data)
                self._hand_over(message, len(fragment.data))
            else:
                message.file, message.too_large = File(), True
                self._share.release()
        if not fragment.is_last:
            return None
        self._message, self._likely = None, min(message.file.added, BEYOND)
        return message

    def _hand_over(self, message: Message, added: int) -> None:
        """Let what is large arrive piece by piece, from the fragment on with which it became large."""
        size = message.file.added
        if self._begin is None or not size - added < BEYOND <= size:
            return
        message.arrival = self._begin(message, self._share, self._largest)
        if message.arrival is not None:
            self._share.shrink(size)
            message.arrival.add(memoryview(message.file.taken()))
