"""``python -m bench.sender PLAN``: one modality that sends from memory, so that the receiver alone is measured.

The plan is JSON: host, port, calling, called, run, files, log. It answers ``ready`` when everything is encoded and the
association stands, sends at ``go`` and tells the seconds that took. Each object that was answered with Success is
named in the log after its answer and before the next is sent: what a crash may not lose.
"""

import json
import socket
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from pydicom.uid import ExplicitVRLittleEndian

from bench.objects import renewed

IMPLEMENTATION: Final = b"1.2.826.0.1.3680043.8.498.1"
APPLICATION_CONTEXT: Final = b"1.2.840.10008.3.1.1.1"
LONGEST: Final = 1 << 17
"""The longest PDU that is sent, should the receiver set no bound."""

Loaded = tuple[str, str, bytes]
"""SOP class, SOP Instance UID and data set of an object."""


def main(plan: dict[str, Any]) -> None:
    """Send what the plan says, at the word of who started this."""
    objects = loaded(plan["files"], int(plan["run"]))
    wire, longest = associated(plan["host"], plan["port"], plan["calling"], plan["called"], classes_of(objects))
    messages = encoded(objects, longest)
    print("ready", flush=True)
    if sys.stdin.readline().strip() == "go":
        print(_sent(wire, messages, plan["log"]), flush=True)
    release(wire)


def loaded(files: Iterable[str], run: int) -> list[Loaded]:
    """Files as they are in a run."""
    return [_loaded(Path(name).read_bytes(), run) for name in files]


def classes_of(objects: Iterable[Loaded]) -> list[str]:
    """The SOP classes that an association must offer for these objects, in its order."""
    return sorted({sop_class for sop_class, _, _ in objects})


def associated(host: str, port: int, calling: str, called: str, classes: list[str]) -> tuple[socket.socket, int]:
    """An association for these SOP classes: its wire, and the longest PDU that may be sent.

    Ends the program where it is not accepted whole.
    """
    wire = socket.create_connection((host, port))
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire.settimeout(120)
    wire.sendall(_request(calling, called, classes))
    return wire, _accepted(_pdu(wire), len(classes))


def encoded(objects: Sequence[Loaded], longest: int) -> list[tuple[str, bytes]]:
    """Each object's UID and whole request, in PDUs of at most so many bytes."""
    classes = classes_of(objects)
    return [
        (uid, _message(number % 65535 + 1, 2 * classes.index(sop_class) + 1, sop_class, uid, data, longest))
        for number, (sop_class, uid, data) in enumerate(objects)
    ]


def release(wire: socket.socket) -> None:
    """End an association in order (PS3.8 §9.3.6), and hang up."""
    wire.sendall(b"\x05\0\0\0\0\x04\0\0\0\0")
    wire.close()


def exchange(wire: socket.socket, uid: str, data: bytes) -> None:
    """Send one object and hear its answer; ends the program unless that is Success."""
    wire.sendall(data)
    _require_success(_pdu(wire), uid)


def _sent(wire: socket.socket, messages: list[tuple[str, bytes]], log: str) -> float:
    began = perf_counter()
    with Path(log).open("a", encoding="ascii") as told:
        for uid, data in messages:
            exchange(wire, uid, data)
            told.write(uid + "\n")
            told.flush()
    return perf_counter() - began


def _loaded(data: bytes, run: int) -> Loaded:
    part10 = renewed(data, run)
    length = int.from_bytes(part10[140:144], "little")
    meta, dataset = part10[144 : 144 + length], part10[144 + length :]
    return _text(meta, b"\x02\0\x02\0UI"), _text(meta, b"\x02\0\x03\0UI"), dataset


def _text(meta: bytes, tag: bytes) -> str:
    at = meta.index(tag) + len(tag)
    length = int.from_bytes(meta[at : at + 2], "little")
    return meta[at + 2 : at + 2 + length].rstrip(b"\0 ").decode("ascii")


def _item(kind: int, body: bytes) -> bytes:
    return bytes((kind, 0)) + len(body).to_bytes(2, "big") + body


def _request(calling: str, called: str, classes: list[str]) -> bytes:
    """An A-ASSOCIATE-RQ (PS3.8 §9.3.2) with one context for each SOP class."""
    contexts = b"".join(
        _item(
            0x20,
            bytes((2 * number + 1, 0, 0, 0))
            + _item(0x30, sop_class.encode())
            + _item(0x40, ExplicitVRLittleEndian.encode()),
        )
        for number, sop_class in enumerate(classes)
    )
    user = _item(0x51, LONGEST.to_bytes(4, "big")) + _item(0x52, IMPLEMENTATION)
    titles = called.ljust(16).encode() + calling.ljust(16).encode()
    body = b"\0\1\0\0" + titles + bytes(32) + _item(0x10, APPLICATION_CONTEXT) + contexts + _item(0x50, user)
    return b"\x01\0" + len(body).to_bytes(4, "big") + body


def _pdu(wire: socket.socket) -> bytes:
    head = _exactly(wire, 6)
    return head[:1] + _exactly(wire, int.from_bytes(head[2:], "big"))


def _exactly(wire: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        more = wire.recv(count - len(data))
        if not more:
            raise SystemExit("the receiver hung up")
        data += more
    return bytes(data)


def _accepted(pdu: bytes, contexts: int) -> int:
    """The longest PDU that the receiver takes; ends the program where it takes not everything."""
    if pdu[0] != 2:
        raise SystemExit(f"the association was not accepted: {pdu[:12].hex()}")
    at, longest, taken = 69, LONGEST, 0
    while at < len(pdu):
        kind, length = pdu[at], int.from_bytes(pdu[at + 2 : at + 4], "big")
        if kind == 0x21:
            taken += pdu[at + 6] == 0
        if kind == 0x50 and pdu[at + 4] == 0x51:
            longest = min(LONGEST, int.from_bytes(pdu[at + 8 : at + 12], "big") or LONGEST)
        at += 4 + length
    if taken != contexts:
        raise SystemExit("a SOP class was not accepted")
    return longest


def _element(group: int, number: int, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return group.to_bytes(2, "little") + number.to_bytes(2, "little") + len(value).to_bytes(4, "little") + value


def _message(message_id: int, context: int, sop_class: str, uid: str, data: bytes, longest: int) -> bytes:
    """A whole C-STORE-RQ (PS3.7 §9.3.1) as P-DATA-TF PDUs."""
    elements = (
        _element(0, 0x0002, sop_class.encode()),
        _element(0, 0x0100, b"\1\0"),
        _element(0, 0x0110, message_id.to_bytes(2, "little")),
        _element(0, 0x0700, b"\0\0"),
        _element(0, 0x0800, b"\1\0"),
        _element(0, 0x1000, uid.encode()),
    )
    body = b"".join(elements)
    pieces = [_data(context, 3, _element(0, 0, len(body).to_bytes(4, "little")) + body)]
    room = longest - 6
    for at in range(0, len(data), room):
        pieces.append(_data(context, 2 if at + room >= len(data) else 0, data[at : at + room]))
    return b"".join(pieces)


def _data(context: int, flags: int, fragment: bytes) -> bytes:
    length = len(fragment)
    return (
        b"\x04\0"
        + (length + 6).to_bytes(4, "big")
        + (length + 2).to_bytes(4, "big")
        + bytes((context, flags))
        + fragment
    )


_STATUS: Final = _element(0, 0x0800, b"\1\1") + b"\0\0\0\x09\2\0\0\0"
"""What stands before the status of an answer: that no data set follows."""


def _require_success(pdu: bytes, uid: str) -> None:
    at = pdu.find(_STATUS) + len(_STATUS)
    status = int.from_bytes(pdu[at : at + 2], "little") if at >= len(_STATUS) else -1
    if status:
        raise SystemExit(f"{uid} was answered {status:#06x}")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
