"""The proof that one row is in the signed log: for an outsider who holds only a checkpoint and the public key."""

from base64 import b64encode
from typing import Any

from audit import checkpoints, tables, tree
from audit.models import Checkpoint
from audit.rows import canonical


class Unproved(Exception):
    """There is no such row, or nothing has been signed that covers it yet."""


def prove(log: int, seq: int) -> dict[str, Any]:
    """Row `seq` in canonical form, its audit path (RFC 6962 §2.1.1) and the newest checkpoint that covers it.

    Anybody hashes `canonical` with a zero byte in front to the leaf, and the leaf with the path to the signed root.
    """
    signed = Checkpoint.objects.filter(log=log, size__gte=seq).order_by("-size").first()
    if signed is None or seq < 1:
        raise Unproved("No checkpoint covers this row yet.")
    leaves: list[bytes] = []
    told = ""
    for stored, listed in tables.rows(log, until=signed.size):
        row, leaf, _ = tables.decode(stored)
        leaves.append(leaf)
        if row.seq == seq:
            told = canonical(row, tuple(uid for _, uid in listed)).decode()
    if len(leaves) != signed.size or not told:
        raise Unproved("Rows are missing; verify the log.")
    return {
        "origin": checkpoints.origin(log),
        "seq": seq,
        "index": seq - 1,
        "size": signed.size,
        "canonical": told,
        "leaf": b64encode(leaves[seq - 1]).decode(),
        "path": [b64encode(step).decode() for step in tree.inclusion(leaves, seq - 1)],
        "checkpoint": signed.note,
        "key": checkpoints.verifier_key(log),
    }
