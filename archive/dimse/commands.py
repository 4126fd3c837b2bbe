"""Command sets (PS3.7 §6.3, §9.3): implicit VR little endian, group 0000 alone, small."""

import struct
from dataclasses import dataclass
from typing import Final

from archive.dimse.errors import Broken

C_STORE_RQ: Final = 0x0001
C_ECHO_RQ: Final = 0x0030
C_CANCEL_RQ: Final = 0x0FFF
RESPONSE: Final = 0x8000
NO_DATASET: Final = 0x0101

LONGEST_COMMAND: Final = 16 * 1024
LONGEST_COMMENT: Final = 64

_SOP_CLASS, _FIELD, _MESSAGE_ID, _RESPONDED_TO, _DATASET_TYPE = 0x0002, 0x0100, 0x0110, 0x0120, 0x0800
_STATUS, _COMMENT, _SOP_UID = 0x0900, 0x0902, 0x1000


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what is asked, under which message id, about which class and instance."""

    field: int
    message_id: int
    sop_class: str
    sop_uid: str
    has_dataset: bool

    @property
    def is_request(self) -> bool:
        return not self.field & RESPONSE


def read(data: bytes | bytearray) -> Command:
    """Read a command set; raises Broken for what is none."""
    elements = dict(_elements(memoryview(data)))
    if _FIELD not in elements or _DATASET_TYPE not in elements:
        raise Broken("The command set lacks its field or its data set type.")
    return Command(
        field=_number(elements[_FIELD]),
        message_id=_number(elements.get(_MESSAGE_ID, b"\0\0")),
        sop_class=_uid(elements.get(_SOP_CLASS, b"")),
        sop_uid=_uid(elements.get(_SOP_UID, b"")),
        has_dataset=_number(elements[_DATASET_TYPE]) != NO_DATASET,
    )


def response(request: Command, status: int, comment: str = "") -> bytes:
    """The response to a request, without a data set. The comment is cut to what LO holds (PS3.5 §6.2)."""
    elements = [
        (_SOP_CLASS, _padded(request.sop_class, b"\0")),
        (_FIELD, struct.pack("<H", request.field | RESPONSE)),
        (_RESPONDED_TO, struct.pack("<H", request.message_id)),
        (_DATASET_TYPE, struct.pack("<H", NO_DATASET)),
        (_STATUS, struct.pack("<H", status)),
    ]
    if comment:
        elements.append((_COMMENT, _padded(comment.replace("\\", "/")[:LONGEST_COMMENT], b" ")))
    if request.sop_uid:
        elements.append((_SOP_UID, _padded(request.sop_uid, b"\0")))
    return _encoded(elements)


def echo(sop_class: str, message_id: int = 1) -> bytes:
    """A C-ECHO-RQ (PS3.7 §9.3.5.1)."""
    elements = [
        (_SOP_CLASS, _padded(sop_class, b"\0")),
        (_FIELD, struct.pack("<H", C_ECHO_RQ)),
        (_MESSAGE_ID, struct.pack("<H", message_id)),
        (_DATASET_TYPE, struct.pack("<H", NO_DATASET)),
    ]
    return _encoded(elements)


def status(data: bytes) -> int:
    """The status of a response; raises Broken where there is none."""
    elements = dict(_elements(memoryview(data)))
    if _STATUS not in elements:
        raise Broken("The response lacks its status.")
    return _number(elements[_STATUS])


def _encoded(elements: list[tuple[int, bytes]]) -> bytes:
    body = b"".join(struct.pack("<HHI", 0, element, len(value)) + value for element, value in elements)
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def _elements(data: memoryview) -> list[tuple[int, bytes]]:
    found, position = [], 0
    while position < len(data):
        if len(data) - position < 8:
            raise Broken("The command set is cut.")
        group, element, length = struct.unpack_from("<HHI", data, position)
        if group != 0 or length > len(data) - position - 8:
            raise Broken("The command set holds other groups or a wrong length.")
        found.append((element, bytes(data[position + 8 : position + 8 + length])))
        position += 8 + length
    return found


def _number(value: bytes) -> int:
    if len(value) != 2:
        raise Broken("A number of the command set has a wrong length.")
    return int.from_bytes(value, "little")


def _uid(value: bytes) -> str:
    return value.decode("ascii", "replace").rstrip("\0 ")


def _padded(text: str, padding: bytes) -> bytes:
    raw = text.encode("ascii", "replace")
    return raw + padding * (len(raw) % 2)
