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
from archive.rebuilding.walking import Record, walk
from archive.stores import Disk
from tools import read_object

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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(LENGTHS, min_size=1, max_size=3), min_size=1, max_size=6))
def test_what_was_flushed_lies_there_and_nothing_behind_it(sink: Sink, writes: list[list[int]]) -> None:
    into, path = sink()
    expected = b""
    for lengths in writes:
        parts = [os.urandom(length) for length in lengths]
        into.write(*parts)
        into.flush()
        expected += b"".join(parts)
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
    assert path.read_bytes() == b"a" * 5000 + b"b" * 100 + b"c"


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
    assert path.read_bytes() == b"a" * 5000


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
    assert path.read_bytes() == b"a" * 10 + b"b" * 3 * BLOCK


def test_zeros_behind_the_last_record_are_no_record_to_anybody(installation: object) -> None:
    place = packs.append(uuid4(), b"head", b"x" * 100)
    packs.flush([place])
    disk = stores.store()
    assert isinstance(disk, Disk)
    file = disk.root / f"{place.name}.pack"
    assert len(file.read_bytes()) == 112
    os.truncate(file, BLOCK)  # as a crash between two calls leaves it
    data = file.read_bytes()
    assert [length for _, _, length in packs.records(place.name)] == [100]
    assert [head for head, _ in read_object.records(data)] == [b"head"]
    # What is no sealed object is broken to a rebuild; the zeros behind it are nothing to it.
    assert not [one for one in walk(place.name, len(data)) if isinstance(one, Record) or one.offset]
