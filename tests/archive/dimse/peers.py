"""Peers: a well-behaved SCU (pynetdicom) and raw sockets that behave as nobody should."""

import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification
from pynetdicom.presentation import build_context

from tests import builders

VERIFICATION = "1.2.840.10008.1.1"


@contextmanager
def associated(
    port: int, contexts: Iterable[tuple[str, Sequence[str]]], *, calling: str = "CT_ONE", called: str = "CUSTOS"
) -> Iterator[Association]:
    """An association with the given proposals; whether it was accepted is for the test to say."""
    ae = AE(calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
    for abstract, transfers in contexts:
        ae.add_requested_context(abstract, list(transfers))
    association = ae.associate("127.0.0.1", port, ae_title=called)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def sends(port: int, *datasets: Dataset, calling: str = "CT_ONE", syntax: str = ExplicitVRLittleEndian) -> list[int]:
    """Send objects over one association; return the statuses."""
    classes = {ds.SOPClassUID for ds in datasets}
    with associated(port, [(uid, [syntax]) for uid in classes], calling=calling) as association:
        assert association.is_established
        return [association.send_c_store(as_file(ds, syntax)).Status for ds in datasets]


def as_file(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    """The data set with the file meta information that pynetdicom's SCU wants."""
    from io import BytesIO

    from pydicom import dcmread

    return dcmread(BytesIO(builders.part10(ds, syntax)))


def echoes(port: int, *, calling: str = "CT_ONE", called: str = "CUSTOS") -> bool:
    """Whether a C-ECHO succeeds."""
    with associated(port, [(VERIFICATION, ["1.2.840.10008.1.2"])], calling=calling, called=called) as association:
        return association.is_established and association.send_c_echo().Status == 0


def request_pdu(
    contexts: Iterable[tuple[str, Sequence[str]]] = ((VERIFICATION, ["1.2.840.10008.1.2"]),),
    *,
    calling: str = "CT_ONE",
    called: str = "CUSTOS",
) -> bytes:
    """The bytes of an A-ASSOCIATE-RQ, made by pynetdicom."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = calling, called
    proposals = []
    for number, (abstract, transfers) in enumerate(contexts):
        context = build_context(abstract, list(transfers))
        context.context_id = 2 * number + 1
        proposals.append(context)
    primitive.presentation_context_definition_list = proposals
    longest, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    longest.maximum_length_received, implementation.implementation_class_uid = 16384, "1.2.3.4"
    primitive.user_information = [longest, implementation]
    return bytes(A_ASSOCIATE_RQ(primitive).encode())


def connect(port: int, timeout: float = 20) -> socket.socket:
    """A bare TCP connection."""
    return socket.create_connection(("127.0.0.1", port), timeout=timeout)


def read_pdu(sock: socket.socket) -> tuple[int, bytes]:
    """One PDU: its type and what follows the header; (0, b"") when the peer closed."""
    header = _exactly(sock, 6)
    if len(header) < 6:
        return 0, b""
    return header[0], _exactly(sock, int.from_bytes(header[2:6], "big"))


def data_pdu(context_id: int, data: bytes, *, command: bool, last: bool = True) -> bytes:
    """One P-DATA-TF with one fragment."""
    control = int(command) | (int(last) << 1)
    return struct.pack(">BxIIBB", 4, len(data) + 6, len(data) + 2, context_id, control) + data


def command_set(field: int, *, sop_class: str, sop_uid: str = "", dataset: bool = False, message_id: int = 1) -> bytes:
    """A command set, implicit VR little endian."""

    def element(number: int, value: bytes) -> bytes:
        value += b"\0" * (len(value) % 2)
        return struct.pack("<HHI", 0, number, len(value)) + value

    body = element(0x0002, sop_class.encode()) + element(0x0100, struct.pack("<H", field))
    body += element(0x0110, struct.pack("<H", message_id)) + element(0x0700, b"\0\0")
    body += element(0x0800, struct.pack("<H", 0x0001 if dataset else 0x0101))
    if sop_uid:
        body += element(0x1000, sop_uid.encode())
    return element(0, struct.pack("<I", len(body))) + body


def status_of(body: bytes) -> int:
    """The status in the P-DATA-TF of a response."""
    position = body.index(struct.pack("<HHI", 0, 0x0900, 2)) + 8
    return int.from_bytes(body[position : position + 2], "little")


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        try:
            piece = sock.recv(count - len(data))
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece
    return data
