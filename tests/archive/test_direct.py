"""Packs written in whole blocks past the kernel's memory hold exactly what was written, on every file system."""

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import packs, stores
from archive.direct import BLOCK, PIECE, DirectSink
from archive.disk import Part
from archive.errors import NotDurable
from archive.rebuilding.walking import Record, walk
from archive.stores import Disk
from tools import read_object
from vault.objects import Header, Kind, Sealing, sealed_length, unseal
from vault.random import new_secret

SLOTS = (b"1.2", b"1.3", b"1.4")
Sink = Callable[[], tuple[DirectSink, Path]]
LENGTHS = st.sampled_from([0, 1, 17, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, PIECE - 5, PIECE, PIECE + 4097])


@pytest.fixture
def sink(tmp_path: Path) -> Sink:
    def made() -> tuple[DirectSink, Path]:
        row = uuid4()
        name = f"{row.hex[:2]}/{row.hex}/0123456789abcdef-000001"
        return Disk(tmp_path).create(name), tmp_path / f"{name}.pack"

    return made


def is_direct(sink: DirectSink) -> bool:
    return bool(fcntl.fcntl(sink._handle, fcntl.F_GETFL) & os.O_DIRECT)


def filled(data: bytes) -> bytes:
    """Bytes and the zeros that fill up their last block."""
    return data + bytes(-len(data) % BLOCK)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(LENGTHS, min_size=1, max_size=3), min_size=1, max_size=6))
def test_what_was_flushed_lies_there_and_zeros_up_to_the_next_block_behind_it(
    sink: Sink, writes: list[list[int]]
) -> None:
    into, path = sink()
    expected = b""
    for lengths in writes:
        parts = [os.urandom(length) for length in lengths]
        into.write(*parts)
        into.flush()
        expected += filled(b"".join(parts))
        assert into.size == len(expected)
        assert path.read_bytes() == expected
    into.close()
    assert path.read_bytes() == expected


def test_this_disk_is_written_past_the_kernels_memory(sink: Sink) -> None:
    into, _ = sink()
    assert is_direct(into)
    into.close()


def test_where_the_file_system_will_not_it_is_written_all_the_same(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    turn = fcntl.fcntl

    def refusing(handle: int, command: int, flags: int = 0) -> int:
        if command == fcntl.F_SETFL and flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return turn(handle, command, flags)

    monkeypatch.setattr(fcntl, "fcntl", refusing)
    into, path = sink()
    assert not is_direct(into)
    into.write(b"a" * 5000, b"b" * 100)
    into.flush()
    into.write(b"c")
    into.close()
    assert path.read_bytes() == filled(b"a" * 5000 + b"b" * 100) + filled(b"c")


def test_where_it_says_so_only_when_it_is_written_to_it_is_written_otherwise(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = os.pwrite

    def refusing(handle: int, data: memoryview, offset: int) -> int:
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return put(handle, data, offset)

    into, path = sink()
    monkeypatch.setattr(os, "pwrite", refusing)
    into.write(b"a" * 5000)
    into.close()
    assert path.read_bytes() == filled(b"a" * 5000)


@pytest.mark.parametrize("most", [BLOCK, 777])
def test_a_disk_that_takes_a_part_of_it_is_given_the_rest(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    put = os.pwrite
    into, path = sink()
    into.write(b"a" * 10)
    monkeypatch.setattr(os, "pwrite", lambda handle, data, offset: put(handle, data[:most], offset))
    into.write(b"b" * 3 * BLOCK)
    into.close()
    assert path.read_bytes() == filled(b"a" * 10) + b"b" * 3 * BLOCK


SIZES = st.sampled_from([1, 900, 64 << 10, 300_000, PIECE - 5000, PIECE - 100, PIECE, 3 * PIECE + 17])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(SIZES, st.booleans(), st.sampled_from([0, 1, BLOCK, 70_001])), min_size=1, max_size=6))
def test_what_is_sealed_as_it_is_written_opens_wherever_it_lies(sink: Sink, given: list[tuple[int, bool, int]]) -> None:
    secret, key, into = new_secret(), uuid4(), sink()
    parts: list[Part] = []
    wanted: list[tuple[Header, bytes]] = []
    for length, is_sealed_before, between in given:
        header, text = Header(Kind.INSTANCE, key, uuid4()), os.urandom(length)
        sealing = Sealing(secret, header, SLOTS, text)
        parts += [os.urandom(between), bytes(sealing) if is_sealed_before else sealing]
        wanted.append((header, text))
    into[0].write(*parts)
    into[0].flush()
    into[0].close()
    at, data = 0, into[1].read_bytes()
    for (_, _, between), (header, text) in zip(given, wanted, strict=True):
        at, end = at + between, at + between + sealed_length(len(text))
        assert unseal(secret, header, SLOTS, data[at:end]) == text
        at = end
    assert filled(data[:at]) == data


def test_what_cannot_be_sealed_as_it_is_written_is_not_durable_and_leaves_its_pack(
    installation: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, header = uuid4(), Header(Kind.INSTANCE, uuid4(), uuid4())

    def fails(self: Sealing, out: memoryview) -> None:
        raise MemoryError

    place = packs.append(study, b"head", Sealing(new_secret(), header, SLOTS, b"x" * 100))
    with monkeypatch.context() as patched:
        patched.setattr(Sealing, "seal_into", fails)
        with pytest.raises(NotDurable):
            packs.flush([place])
    later = packs.append(study, b"head", Sealing(new_secret(), header, SLOTS, b"x" * 100))
    packs.flush([later])
    assert later.name != place.name


def test_zeros_between_and_behind_records_are_no_record_to_anybody(installation: object) -> None:
    study = uuid4()
    places = []
    for length in (100, 5000, 8122, 1):
        places.append(packs.append(study, b"head", b"x" * (length + 28)))
        packs.flush(places)
    disk = stores.store()
    assert isinstance(disk, Disk)
    data = (disk.root / f"{places[0].name}.pack").read_bytes()
    assert len(data) == 6 * BLOCK
    assert [(offset, length) for _, offset, length in packs.records(places[0].name)] == [
        (place.offset, place.length) for place in places
    ]
    assert [head for head, _ in read_object.records(data)] == [b"head"] * 4
    # What is no sealed object is broken to a rebuild; the zeros behind it are nothing to it.
    assert not [one for one in walk(places[0].name, len(data)) if isinstance(one, Record) or one.offset]
