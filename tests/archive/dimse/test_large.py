"""C-STORE of large objects: sealed as they arrive, with the statuses and the ends that small ones have."""

import socket
import struct
import time
from pathlib import Path
from secrets import token_bytes

import pytest
from pydicom.dataset import Dataset

from archive import arriving
from archive.dataset import outline
from archive.dimse import messages
from archive.dimse.server import Server
from archive.disk import DiskSink
from archive.models import Held, Instance
from audit.models import AuditEvent
from tests import builders
from tests.archive.dimse import peers
from tests.archive.dimse.test_store import CT, EXPLICIT
from tests.conftest import Installation


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large here is small, so that all of it is tried quickly."""
    for module in (arriving, messages):
        monkeypatch.setattr(module, "BEYOND", 200_000)
    monkeypatch.setattr(outline, "LEAST", 100_000)


def image() -> Dataset:
    ds = builders.ct_slice(side=512, NumberOfFrames=4)
    ds.PixelData = token_bytes(4 * 524288)
    return ds


def lying(place: Installation) -> list[Path]:
    return list((place.data / "packs").rglob("*.pack"))


def test_it_passes_and_is_answered_as_a_small_one_and_others_follow(
    scp: Server, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    amended: list[int] = []
    true = DiskSink.amend

    def counted(self: DiskSink, offset: int, data: bytes) -> None:
        amended.append(offset)
        true(self, offset, data)

    monkeypatch.setattr(DiskSink, "amend", counted)
    large, small = image(), builders.ct_slice()
    other = image()
    other.SOPInstanceUID = large.SOPInstanceUID
    assert peers.sends(scp.port, large, small, large, other) == [0, 0, 0, 0]
    assert len(amended) == 4, "two of them were sealed as they arrived, and kept"
    assert set(Instance.objects.values_list("uid", "frames")) == {
        (large.SOPInstanceUID, 4),
        (small.SOPInstanceUID, 1),
    }
    assert Held.objects.count() == 1
    assert len(lying(installation)) == 3


def begun(port: int, ds: Dataset, share: float) -> socket.socket:
    """An association in which a part of an object has been sent."""
    data = builders.part10(ds)
    data = data[144 + int.from_bytes(data[140:144], "little") :]
    sock = peers.connect(port)
    sock.sendall(peers.request_pdu([(CT, [EXPLICIT])]))
    assert peers.read_pdu(sock)[0] == 2
    command = peers.command_set(0x0001, sop_class=CT, sop_uid=ds.SOPInstanceUID, dataset=True)
    sock.sendall(peers.data_pdu(1, command, command=True))
    end = int(len(data) * share)
    for at in range(0, end, 100_000):
        last = share == 1 and at + 100_000 >= end
        sock.sendall(peers.data_pdu(1, data[at : min(end, at + 100_000)], command=False, last=last))
    return sock


def until(what: object, seconds: float = 10) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("how", ["abort", "reset", "close", "command"])
def test_a_peer_that_ends_half_way_leaves_nothing(scp: Server, installation: Installation, how: str) -> None:
    sock = begun(scp.port, image(), 0.6)
    until(lambda: lying(installation))
    if how == "abort":
        sock.sendall(b"\x07\0\0\0\0\x04\0\0\0\0")
    if how == "command":
        sock.sendall(peers.data_pdu(1, b"x", command=True))
    if how == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    until(lambda: not lying(installation))
    assert Instance.objects.count() == 0
    assert peers.echoes(scp.port)


def test_one_whose_length_lies_is_answered_c000_on_record_and_leaves_nothing(
    scp: Server, installation: Installation
) -> None:
    ds = image()
    data = builders.part10(ds)
    data = data[144 + int.from_bytes(data[140:144], "little") :]
    at = data.index(b"\xe0\x7f\x10\0OW") + 8
    lying_data = data[:at] + (3 << 30).to_bytes(4, "little") + data[at + 4 :]
    with peers.connect(scp.port) as sock:
        sock.sendall(peers.request_pdu([(CT, [EXPLICIT])]))
        assert peers.read_pdu(sock)[0] == 2
        command = peers.command_set(0x0001, sop_class=CT, sop_uid=ds.SOPInstanceUID, dataset=True)
        sock.sendall(peers.data_pdu(1, command, command=True))
        for start in range(0, len(lying_data), 100_000):
            last = start + 100_000 >= len(lying_data)
            sock.sendall(peers.data_pdu(1, lying_data[start : start + 100_000], command=False, last=last))
        assert peers.status_of(peers.read_pdu(sock)[1]) == 0xC000
    assert lying(installation) == []
    assert AuditEvent.objects.get(action="study:rejected").outcome == "failed"


def test_a_disk_that_is_full_is_answered_a700_and_the_association_lives(
    scp: Server, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: DiskSink, *parts: bytes) -> None:
        if self.size > 500_000:
            raise OSError(28, "no space")
        true(self, *parts)

    true = DiskSink.write
    monkeypatch.setattr(DiskSink, "write", full)
    assert peers.sends(scp.port, image(), builders.ct_slice()) == [0xA700, 0]
    assert Instance.objects.count() == 1
    assert len(lying(installation)) == 1
