"""Deflated data sets (PS3.5 §A.5), inflated within a bound: 64 kB of a bomb become 64 MB."""

import zlib

from archive.dataset.file_meta import FileMeta
from archive.dataset.uids import DEFLATED
from archive.errors import Malformed

# Real data sets shrink to a fifth; blank masks to a hundredth. Beyond the floor a bomb is told by its ratio.
FLOOR = 32 << 20
RATIO = 100
CEILING = 1 << 30


def plain_dataset(data: bytes | bytearray | memoryview, meta: FileMeta) -> memoryview:
    """The bytes of the data set, inflated where the transfer syntax says so. Raises Malformed."""
    raw = memoryview(data)[meta.dataset_offset :]
    if meta.transfer_syntax not in DEFLATED:
        return raw
    bound = min(max(FLOOR, RATIO * len(raw)), CEILING)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(raw, bound)
    except zlib.error:
        raise Malformed("The deflated data set cannot be inflated.") from None
    if inflater.unconsumed_tail:
        raise Malformed("The deflated data set grows beyond what is accepted.")
    if not inflater.eof:
        raise Malformed("The deflated data set is cut off.")
    return memoryview(plain)
