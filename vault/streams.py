"""Seal and open objects of any size in constant memory."""

from collections.abc import Iterable, Iterator

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from vault.errors import Tampered
from vault.headers import HEADER_SIZE, Header, Slots, context, require_header


class Sealer:
    """Seals one object piece by piece: ``update`` as often as needed, then ``finish`` once.

    What they return, joined, is the object.
    """

    def __init__(self, secret: bytes, header: Header, slots: Slots) -> None:
        self._encryptor = Cobblestone256Encryptor(secret, context(header, slots))
        self._pending = header.encode()

    def update(self, data: bytes | bytearray | memoryview) -> bytes:
        """Sealed bytes that are ready (perhaps none); the first output begins with the header."""
        return self._take() + self._encryptor.update(data)

    def finish(self) -> bytes:
        """The rest of the object. An object without it is truncated and never opens as a whole."""
        return self._take() + self._encryptor.finalize()

    def _take(self) -> bytes:
        pending, self._pending = self._pending, b""
        return pending


def unseal_stream(secret: bytes, header: Header, slots: Slots, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the plaintext of a stored object read in pieces of any size.

    Every byte yielded is authentic and in its place; that nothing is missing at the end is known only once the iterator
    has ended without raising ``Tampered``. A caller that must not act on half an object waits for that.
    """
    source = iter(chunks)
    start = bytearray()
    for chunk in source:
        start += chunk
        if len(start) >= HEADER_SIZE:
            break
    require_header(start[:HEADER_SIZE], header)
    decryptor = Cobblestone256Decryptor(secret, context(header, slots))
    try:
        yield from _opened(decryptor, bytes(start[HEADER_SIZE:]), source)
    except InvalidTag:
        raise Tampered("the object does not open") from None


def _opened(decryptor: Cobblestone256Decryptor, first: bytes, source: Iterator[bytes]) -> Iterator[bytes]:
    if plain := decryptor.update(first):
        yield plain
    for chunk in source:
        if plain := decryptor.update(chunk):
            yield plain
    if plain := decryptor.finalize():
        yield plain
