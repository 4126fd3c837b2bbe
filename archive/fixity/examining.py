"""Reading one sealed object back: every chunk, its recorded digest, its frame table, and the head around it."""

import errno
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from archive import packs
from archive.errors import Damaged, Unavailable
from archive.fixity import findings
from archive.fixity.items import Item
from archive.frames import decode
from archive.openers import Opener
from vault.objects import EMPTY_SLOTS, Kind

READ: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """Which part of an object does not verify, and why; both digests where they differ."""

    what: str
    error: str
    expected: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What reading back showed: the digest of what opened, the parts that verified, and the first that did not."""

    sha256: str
    verified: tuple[str, ...]
    fault: Fault | None = None


class Pace:
    """Holds reading to so many bytes a second; none given is as fast as the disk."""

    def __init__(self, rate: int | None) -> None:
        self._rate, self._taken, self._begun = rate, 0, time.monotonic()

    def take(self, count: int) -> None:
        """Return when so many more bytes may be read."""
        self._taken += count
        if self._rate:
            time.sleep(max(0.0, self._taken / self._rate - (time.monotonic() - self._begun)))


class Heads:
    """The heads of one pack, walked in step with its objects as a rebuild of the index would walk them."""

    def __init__(self, pack: str) -> None:
        self.pack = pack
        self._records = packs.records(pack)
        self._last: tuple[bytes, int, int] = (b"", -1, 0)

    def at(self, offset: int, length: int) -> bytes | None:
        """The head of the record whose object lies there; None where walking the pack does not lead to it."""
        while self._last[1] < offset:
            try:
                self._last = next(self._records)
            except (StopIteration, Damaged):
                return None
        return self._last[0] if self._last[1:] == (offset, length) else None


def examine(opener: Opener, item: Item, heads: Heads, pace: Pace) -> Verdict:
    """Read one object back. Raises Unavailable where it is the machine that fails and not the object."""
    digest, done = "", 0
    try:
        digest = _sha256(opener, item, pace)
        if item.sha256 and item.sha256 != digest:
            words = "Its SHA-256 is not the one that was recorded."
            return Verdict(digest, (), Fault(item.what, words, item.sha256, digest))
        done = 1
        if item.kind == Kind.INSTANCE:
            _frame_table(opener, item)
            done = 2
        _head(opener, item, heads)
    except Damaged as error:
        return Verdict(digest, item.parts[:done], Fault(item.parts[done], str(error)))
    except OSError as error:
        if error.errno != errno.EIO:
            raise Unavailable(f"The packs cannot be read: {error.strerror}.") from None
        return Verdict(digest, item.parts[:done], Fault(item.parts[done], "The disk cannot read it any more."))
    return Verdict(digest, item.parts)


def _sha256(opener: Opener, item: Item, pace: Pace) -> str:
    value = hashlib.sha256()
    with packs.reading(item.pack, item.offset) as read:
        stored = _stored(read, item.length, pace)
        for piece in opener.stream(item.key_id, item.kind, item.id, item.generation, item.slots, stored):
            value.update(piece)
    return value.hexdigest()


def _stored(read: Callable[[int, int], bytes], length: int, pace: Pace) -> Iterator[bytes]:
    for at in range(0, length, READ):
        wanted = min(READ, length - at)
        pace.take(wanted)
        data = read(at, wanted)
        if len(data) != wanted:
            raise Damaged("Its pack ends before it does.")
        yield data


def _frame_table(opener: Opener, item: Item) -> None:
    try:
        decode(opener.cell(findings.FRAME_TABLE, item.id, item.cell))
    except Damaged:
        raise Damaged("Its frame table in the index does not open.") from None
    except (ValueError, IndexError, KeyError, ArithmeticError):
        raise Damaged("Its frame table in the index cannot be read.") from None


def _head(opener: Opener, item: Item, heads: Heads) -> None:
    head = heads.at(item.offset, item.length)
    if head is None:
        raise Damaged("Walking its pack does not lead to it; the index alone knows where it lies.")
    try:
        opener.object(item.key_id, Kind.HEAD, item.id, item.generation, EMPTY_SLOTS, head)
    except Damaged:
        raise Damaged("The head of its record does not open.") from None
