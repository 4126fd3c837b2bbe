"""The Merkle tree over the log's leaves (RFC 6962 §2.1), as pure functions over leaf hashes.

`Frontier` holds only the roots of the full subtrees on the right edge, so that a tree of any size grows in constant
memory. Proofs need the leaves.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A growing tree: its size and the roots of its full subtrees, the largest first."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)

    def append(self, leaf: bytes) -> None:
        """Add the hash of one more leaf."""
        size = self.size
        while size & 1:
            leaf = node(self._peaks.pop(), leaf)
            size >>= 1
        self._peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The tree's hash now."""
        if not self._peaks:
            return EMPTY_ROOT
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = node(peak, found)
        return found

    def encode(self) -> bytes:
        """The peaks one behind the other; with the size they are the whole state."""
        return b"".join(self._peaks)

    @classmethod
    def decode(cls, size: int, data: bytes) -> "Frontier":
        """Read what `encode` wrote; ValueError where the number of peaks does not belong to that size."""
        if len(data) != HASH_BYTES * size.bit_count():
            raise ValueError("the frontier does not belong to a tree of this size")
        return cls(size, (data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)))


def root(leaves: Sequence[bytes]) -> bytes:
    """The hash of the tree of these leaves, by the definition; what `Frontier` computes in steps."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return node(root(leaves[:split]), root(leaves[split:]))


def inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of leaf `index` (from 0): with it and the leaf anybody computes the root (RFC 6962 §2.1.1)."""
    if not 0 <= index < len(leaves):
        raise ValueError("no such leaf")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion(leaves[:split], index), root(leaves[split:])]
    return [*inclusion(leaves[split:], index - split), root(leaves[:split])]


def consistency(leaves: Sequence[bytes], earlier: int) -> list[bytes]:
    """The proof that the tree of the first `earlier` leaves is a beginning of this one (RFC 6962 §2.1.2)."""
    if not 0 < earlier <= len(leaves):
        raise ValueError("no such earlier tree")
    return _subproof(leaves, earlier, whole=True)


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], expected: bytes) -> bool:
    """Check an audit path (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == expected


def consistent(earlier: int, earlier_root: bytes, size: int, size_root: bytes, proof: Sequence[bytes]) -> bool:
    """Check a consistency proof (RFC 9162 §2.1.4.2)."""
    if earlier == size:
        return not proof and earlier_root == size_root
    if not 0 < earlier < size:
        return False
    steps = list(proof) if earlier & (earlier - 1) else [earlier_root, *proof]
    if not steps:
        return False
    at, last = _skip(earlier - 1, size - 1, lambda number: bool(number & 1))
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node(step, old), node(step, new)
            at, last = _skip(at, last, lambda number: not number & 1 and number > 0)
        else:
            new = node(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == earlier_root and new == size_root


def _skip(at: int, last: int, go_on: Callable[[int], bool]) -> tuple[int, int]:
    while go_on(at):
        at, last = at >> 1, last >> 1
    return at, last


def _split(size: int) -> int:
    """The largest power of two below the size."""
    return 1 << (size - 1).bit_length() - 1


def _subproof(leaves: Sequence[bytes], earlier: int, *, whole: bool) -> list[bytes]:
    if earlier == len(leaves):
        return [] if whole else [root(leaves)]
    split = _split(len(leaves))
    if earlier <= split:
        return [*_subproof(leaves[:split], earlier, whole=whole), root(leaves[split:])]
    return [*_subproof(leaves[split:], earlier - split, whole=False), root(leaves[:split])]
