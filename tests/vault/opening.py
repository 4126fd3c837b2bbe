"""The four ways to open one stored object; every test of tampering goes through all of them."""

from collections.abc import Callable, Sequence
from uuid import UUID

from tools import read_object as second_reader
from vault.errors import Tampered
from vault.objects import Header, Slots, plain_length, unseal, unseal_range, unseal_stream

Opening = Callable[[bytes, Header, Slots, bytes], bytes]


def by_stream(secret: bytes, header: Header, slots: Slots, sealed: bytes) -> bytes:
    pieces = [sealed[at : at + 5000] for at in range(0, len(sealed), 5000)]
    return b"".join(unseal_stream(secret, header, slots, pieces))


def by_ranges(secret: bytes, header: Header, slots: Slots, sealed: bytes) -> bytes:
    """The whole object as two ranges that meet in the middle."""
    total = plain_length(len(sealed))
    half = total // 2

    def part(start: int, length: int) -> bytes:
        return unseal_range(
            secret, header, slots, lambda offset, size: sealed[offset : offset + size], len(sealed), start, length
        )

    return part(0, half) + part(half, total - half)


def by_second_reader(secret: bytes, header: Header, slots: Slots, sealed: bytes) -> bytes:
    try:
        return second_reader.read(
            secret,
            int(header.kind),
            str(header.key_id),
            str(header.object_id),
            header.generation,
            list(slots),
            sealed,
        )
    except second_reader.RefusedError:
        raise Tampered("the second reader refuses") from None


OPENINGS: Sequence[Opening] = (unseal, by_stream, by_ranges, by_second_reader)

SECRET = bytes(range(32))
KEY = UUID("11111111-2222-4333-8444-555555555555")
OBJECT = UUID("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")
