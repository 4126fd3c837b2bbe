"""One object piece by piece on its way to `archive.ingest`: a small one is gathered, a large one sealed as it arrives.

What is large passes through a few MiB of memory however long it is: the header and what else a walk looks at are kept,
pixels go by. What cannot pass, since its header is not followed by pixels or its data set is deflated, or since packs
lie in a bucket, is gathered whole as a small one is, within the memory that all senders share.
"""

from contextlib import suppress
from typing import Final

from django.db import Error as DatabaseFault
from django.db import close_old_connections

from accounts.actors import Actor
from accounts.errors import Refused
from archive import ingest, stores
from archive.dataset import DEFLATED, Outline, encoding, read_meta
from archive.errors import ArchiveError, Malformed, RootKeyError, Unavailable
from archive.growing import Growing
from archive.room import Share
from archive.tickets import Ticket
from audit.errors import AuditError

BEYOND: Final = 4 << 20
"""Bytes of an object that are gathered before it is looked at whether it may pass."""

NO_ROOM: Final = "The object is larger than this archive can take now."
_FAULTS: Final = (ArchiveError, RootKeyError, Refused, AuditError, DatabaseFault, OSError)


class Arrival:
    """One DICOM file (PS3.10) that arrives. Used by one thread; whoever makes one ends it or drops it."""

    def __init__(self, actor: Actor, share: Share, *, largest: int, expected_study_uid: str = "") -> None:
        """`largest` bytes at most are gathered, all of them in the sender's `share`."""
        self._actor, self._share, self._largest, self._study_uid = actor, share, largest, expected_study_uid
        self._gathered = bytearray()
        self._next: float = BEYOND
        self._outline: Outline | None = None
        self._growing: Growing | None = None
        self._held = 0
        self._error: Exception | None = None
        self._refused: Ticket | None = None
        self.size = 0

    @property
    def passes(self) -> bool:
        """Whether what follows is not gathered: it is sealed as it arrives, or read away."""
        return self._outline is not None or self._error is not None or self._refused is not None

    def add(self, data: memoryview) -> None:
        """Take the next bytes. What goes wrong is told at the end; until then the rest is read away."""
        self.size += len(data)
        if self._error is not None or self._refused is not None:
            return
        try:
            if self._outline is not None:
                self._pass(data)
                return
            self._gather(data)
            if len(self._gathered) >= self._next:
                self._look()
        except _FAULTS as error:
            self._fail(error)

    def end(self, actor: Actor) -> Ticket:
        """Hand the object in, all of it, for the sender with its rights of now; as `ingest.submit`.

        Raises what stood in the way besides, after which nothing of it is left.
        """
        error, grown, outline = self._error, self._growing, self._outline
        if self._refused is not None:
            return self._refused
        if isinstance(error, Malformed):
            return ingest.refuse(actor, error)
        if error is not None:
            raise error
        if grown is None or outline is None:
            part10, self._gathered = self._gathered, bytearray()
            return ingest.submit(actor, part10, expected_study_uid=self._study_uid)
        ticket = ingest.submit_grown(actor, outline, grown, expected_study_uid=self._study_uid)
        self._growing = None  # It is the ticket's now.
        return ticket

    def drop(self) -> None:
        """Leave nothing of an object that will never be whole; nothing happens to one that was handed in."""
        self._gathered, self._outline = bytearray(), None
        grown, self._growing = self._growing, None
        if grown is not None:
            grown.close()
        self._share.shrink(self._held)
        self._held = 0

    def _fail(self, error: Exception) -> None:
        self.drop()
        # The frames of a traceback would keep what was gathered.
        self._error = error.with_traceback(None)

    def _gather(self, data: memoryview) -> None:
        if len(self._gathered) + len(data) > self._largest:
            raise Unavailable(NO_ROOM)
        self._hold(len(self._gathered) + len(data))
        self._gathered += data

    def _hold(self, size: int) -> None:
        """Count what this object takes of the memory that senders share."""
        if size > self._held and not self._share.grow(size - self._held):
            raise Unavailable(NO_ROOM)
        if size < self._held:
            self._share.shrink(self._held - size)
        self._held = size

    def _look(self) -> None:
        """Let the object pass from here on, if it can."""
        self._next = 2 * len(self._gathered)
        outline = self._outlined()
        if outline is None:
            return
        try:
            with memoryview(self._gathered) as view, view[: outline.header] as header:
                begun = ingest.begin(self._actor, header, expected_study_uid=self._study_uid)
                if isinstance(begun, Ticket):
                    self._refused = begun
                else:
                    self._growing = begun
                    begun.add(view)
        except Malformed:
            return  # What is missing may come behind the pixels: a walk of the whole decides.
        finally:
            close_old_connections()
        if self._refused is not None:
            self.drop()
            return
        self._outline, self._gathered = outline, bytearray()
        self._hold(outline.weight)

    def _outlined(self) -> Outline | None:
        """What is kept of the object, where some of it may pass."""
        with suppress(Malformed):
            meta = read_meta(self._gathered)
            if meta.transfer_syntax in DEFLATED or not stores.on_disk():
                self._next = float("inf")
                return None
            outline = Outline(encoding(meta.transfer_syntax), meta.dataset_offset)
            with memoryview(self._gathered) as view:
                outline.add(view)
            return outline if outline.header else None
        return None

    def _pass(self, data: memoryview) -> None:
        if self._outline is None or self._growing is None:
            raise ValueError("nothing passes")
        if self.size > ingest.LARGEST:
            raise Malformed("The object is larger than is accepted.")
        self._outline.add(data)
        self._hold(self._outline.weight)
        self._growing.add(data)
