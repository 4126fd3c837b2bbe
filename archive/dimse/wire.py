"""The upper layer on a socket (PS3.8 §9.3): whole PDUs in, whole PDUs out, each bounded in length and in time."""

import socket
from dataclasses import dataclass
from time import monotonic
from typing import Final

from archive.dimse.errors import Broken, Gone, TooSlow

HEADER: Final = 6
LONGEST_PDU: Final = 256 * 1024
"""The longest PDU that is read, whatever its header declares. What we offer to receive is half of it."""

EAGER: Final = 64 * 1024
"""Bytes that are read at a time though fewer are needed; of a longer PDU no byte too many, or what follows would have
to be moved."""

PDU_SECONDS: Final = 30.0
"""Once begun, a PDU must be here within this time."""

SEND_SECONDS: Final = 30.0
KINDS: Final = range(0x01, 0x08)


@dataclass(frozen=True, slots=True)
class Pdu:
    """One PDU: its type and what follows the header. The view is valid until the next one is read."""

    kind: int
    body: memoryview


class Wire:
    """A connected socket with one read buffer. Not for use by two threads."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = memoryview(bytearray(HEADER + LONGEST_PDU + EAGER))
        self._start = self._end = 0
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.acknowledge_quickly()

    def acknowledge_quickly(self) -> None:
        """Ask the kernel not to hold back acknowledgements; it forgets, so this is repeated with every answer."""
        if hasattr(socket, "TCP_QUICKACK"):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def read(self, patience: float, *, whole: float = PDU_SECONDS) -> Pdu:
        """Return the next PDU: its first byte within `patience` seconds, the rest within `whole`.

        Raises Gone, TooSlow or Broken. Nothing is allocated for what a header declares.
        """
        self._need(1, monotonic() + patience)
        if self._buffer[self._start] not in KINDS:
            raise Broken("This is not a DICOM upper layer PDU.")
        deadline = monotonic() + whole
        self._need(HEADER, deadline)
        begin = self._start
        length = int.from_bytes(self._buffer[begin + 2 : begin + HEADER], "big")
        if length > LONGEST_PDU:
            raise Broken("The PDU is longer than allowed.")
        self._need(HEADER + length, deadline)
        begin, self._start = self._start, self._start + HEADER + length
        return Pdu(self._buffer[begin], self._buffer[begin + HEADER : self._start])

    def write(self, data: bytes) -> None:
        """Send everything in one go. Raises Gone or TooSlow."""
        try:
            self._socket.settimeout(SEND_SECONDS)
            self._socket.sendall(data)
            self.acknowledge_quickly()
        except TimeoutError as error:
            raise TooSlow("The peer does not take its answer.") from error
        except OSError as error:
            raise Gone("The connection broke.") from error

    def _need(self, count: int, deadline: float) -> None:
        """Have at least `count` unread bytes in the buffer."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start + count > len(self._buffer):
            unread = self._end - self._start
            self._buffer[:unread] = self._buffer[self._start : self._end]
            self._start, self._end = 0, unread
        while (missing := count - (self._end - self._start)) > 0:
            left = deadline - monotonic()
            if left <= 0:
                raise TooSlow("The peer is silent.")
            self._end += self._receive(left, max(missing, EAGER))

    def _receive(self, seconds: float, most: int) -> int:
        try:
            self._socket.settimeout(seconds)
            received = self._socket.recv_into(self._buffer[self._end : self._end + most])
        except TimeoutError as error:
            raise TooSlow("The peer is silent.") from error
        except OSError as error:
            raise Gone("The connection broke.") from error
        if not received:
            raise Gone("The peer closed the connection.")
        return received
