"""The PDUs of an association as bytes (PS3.8 §9.3), all but the two of its negotiation."""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_RJ, A_RELEASE_RP, A_RELEASE_RQ

from archive.dimse.errors import Broken

ASSOCIATE_RQ: Final = 0x01
ASSOCIATE_AC: Final = 0x02
ASSOCIATE_RJ: Final = 0x03
DATA: Final = 0x04
RELEASE_RQ: Final = 0x05
RELEASE_RP: Final = 0x06
ABORT: Final = 0x07

RELEASE: Final = bytes(A_RELEASE_RQ().encode())
RELEASED: Final = bytes(A_RELEASE_RP().encode())
BY_USER, BY_PROVIDER = 0, 2
NOT_SPECIFIED, UNEXPECTED_PDU, INVALID_VALUE = 0, 2, 6

PDV_HEADER: Final = 6
LEAST_PDU: Final = 128
"""A peer that claims to receive less per PDU is taken to mean this much: a command must get through."""


class Fragment(NamedTuple):
    """One presentation data value (PS3.8 Annex E): a piece of a command or of a data set."""

    context_id: int
    is_command: bool
    is_last: bool
    data: memoryview


def rejection(result: int, source: int, reason: int) -> bytes:
    """An A-ASSOCIATE-RJ PDU."""
    pdu = A_ASSOCIATE_RJ()
    pdu.result, pdu.source, pdu.reason_diagnostic = result, source, reason
    return bytes(pdu.encode())


def abortion(source: int, reason: int) -> bytes:
    """An A-ABORT PDU."""
    pdu = A_ABORT_RQ()
    pdu.source, pdu.reason_diagnostic = source, reason
    return bytes(pdu.encode())


def fragments(body: memoryview) -> Iterator[Fragment]:
    """Take a P-DATA-TF apart; raises Broken for lengths that do not add up."""
    position, end = 0, len(body)
    if not end:
        raise Broken("A P-DATA-TF without content.")
    while position < end:
        if end - position < PDV_HEADER:
            raise Broken("A presentation data value is cut.")
        length = int.from_bytes(body[position : position + 4], "big")
        if length < 2 or length > end - position - 4:
            raise Broken("The length of a presentation data value is wrong.")
        control = body[position + 5]
        data = body[position + PDV_HEADER : position + 4 + length]
        yield Fragment(body[position + 4], bool(control & 1), bool(control & 2), data)
        position += 4 + length


def command(context_id: int, encoded: bytes, longest: int) -> bytes:
    """One command without a data set as P-DATA-TF PDUs, none longer than the peer receives (0: any length)."""
    room = (max(longest, LEAST_PDU) if longest else len(encoded) + PDV_HEADER) - PDV_HEADER
    pieces = [encoded[start : start + room] for start in range(0, len(encoded), room)]
    written = []
    for number, piece in enumerate(pieces, start=1):
        control = 3 if number == len(pieces) else 1
        written.append(struct.pack(">BxI", DATA, PDV_HEADER + len(piece)))
        written.append(struct.pack(">IBB", len(piece) + 2, context_id, control) + piece)
    return b"".join(written)
