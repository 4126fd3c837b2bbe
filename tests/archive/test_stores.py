"""What every store promises, held against the disk and against buckets of two services."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from archive import appending, packs, s3, space, stores
from archive.appending import Writer
from archive.direct import BLOCK
from archive.errors import Damaged
from archive.stores import Disk, Store

WRITER = "0123456789abcdef"


@pytest.fixture(params=["disk", "bucket", "seaweed_bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, settings: Any) -> Iterator[Store]:
    """An empty store of each kind, which the settings name."""
    settings.PACS_DATA_DIR = tmp_path
    settings.PACS_BLOB_URL = f"file:{tmp_path / 'packs'}"
    if request.param != "disk":
        place = request.getfixturevalue(request.param)
        settings.PACS_BLOB_URL, settings.PACS_S3_ENDPOINT = place.url, place.endpoint
        settings.PACS_S3_REGION = "us-east-1"
    packs.forget()
    yield stores.store()
    packs.forget()


def put(store: Store, name: str, data: bytes) -> None:
    sink = store.create(name)
    sink.write(data)
    sink.flush()
    sink.close()


def name(number: int = 1) -> str:
    return stores.pack_name(uuid4(), WRITER, number)


def names(store: Store) -> list[str]:
    return [one.name for one in store.lying()]


def whole(store: Store, of: str) -> bytes:
    source = store.open(of)
    data = source.read(0, 1 << 30)
    source.close()
    return data


def filled(store: Store, data: bytes) -> bytes:
    """What lies there when so much was written at a time: a disk is written in whole blocks."""
    return data + bytes(-len(data) % BLOCK) if isinstance(store, Disk) else data


@pytest.mark.parametrize("size", [1, s3.SMALL, s3.SMALL + 1, 5_000_000])
def test_what_was_flushed_is_there_for_whoever_comes_next(store: Store, size: int) -> None:
    data, one = os.urandom(size), name()
    sink = store.create(one)
    sink.write(data[: size // 3], data[size // 3 : size // 2])
    sink.write(data[size // 2 :])
    expected = filled(store, data[: size // 2]) + filled(store, data[size // 2 :])
    assert sink.size == len(expected)
    sink.flush()
    packs.forget()
    assert whole(stores.store(), one) == expected
    sink.close()


def test_what_is_copied_is_there_byte_for_byte(store: Store) -> None:
    data, one = os.urandom(70_001), name()
    sink = store.copied(one)
    for start, end in ((0, 17), (17, 5_000), (5_000, 70_001)):
        sink.write(data[start:end])
    assert sink.size == len(data)
    sink.flush()
    sink.close()
    assert whole(store, one) == data


def test_every_range_is_what_a_slice_would_be(store: Store) -> None:
    data, one = os.urandom(2 * s3.AHEAD + 1000), name()
    put(store, one, data)
    data = filled(store, data)
    edges = sorted(
        {at + shift for at in (0, s3.AHEAD, 2 * s3.AHEAD, len(data)) for shift in (-1, 0, 1) if at + shift >= 0}
    )
    kept = store.open(one)
    for offset in [*edges, len(data) + 10_000_000]:
        for length in (0, 1, 2, s3.AHEAD - 1, s3.AHEAD, s3.AHEAD + 1, len(data), 1 << 31):
            fresh = store.open(one)
            expected = data[offset : offset + length]
            assert fresh.read(offset, length) == expected, (offset, length)
            assert kept.read(offset, length) == expected, (offset, length)
            fresh.close()
    kept.close()


def test_several_threads_read_one_source_at_once(store: Store) -> None:
    data, one = os.urandom(3_000_000), name()
    put(store, one, data)
    source = store.open(one)
    spans = [(at * 7919 % len(data), 50_000) for at in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda span: source.read(*span), spans))
    source.close()
    assert found == [data[at : at + length] for at, length in spans]


def test_a_name_that_is_taken_keeps_its_first_bytes(store: Store) -> None:
    one = name()
    put(store, one, b"the first" * 100)
    with pytest.raises(OSError, match=r".") as refused:
        put(store, one, b"the other" * 100)
    assert isinstance(refused.value, FileExistsError)
    assert whole(store, one) == filled(store, b"the first" * 100)


def test_of_many_writers_of_one_name_one_is_told_that_it_stored(store: Store) -> None:
    one = name()

    def attempt(number: int) -> int | None:
        try:
            put(store, one, bytes([number]) * 1000)
        except OSError:
            return None
        return number

    with ThreadPoolExecutor(6) as pool:
        told = [number for number in pool.map(attempt, range(6)) if number is not None]
    assert len(told) == 1
    assert whole(store, one) == filled(store, bytes(told) * 1000)


def test_what_is_missing_is_damage_and_no_bytes(store: Store) -> None:
    with pytest.raises(Damaged):
        whole(store, name())


@pytest.mark.parametrize(
    "odd",
    ["", "../../etc/passwd", "/etc/passwd", "ab/../../x", "ab/" + "0" * 32 + "/" + "0" * 16 + "-0000001",
     "ab/" + "0" * 32 + "/" + "0" * 16 + "-00000\n", "é" * 2 + "/" + "0" * 32 + "/" + "0" * 16 + "-000001",
     "ab/%2e%2e/x"],
)  # fmt: skip
def test_a_name_that_no_pack_has_is_neither_written_nor_read_nor_removed(store: Store, odd: str) -> None:
    for act in (store.create, store.open, store.remove):
        with pytest.raises(Damaged):
            act(odd)
    assert names(store) == []


def test_more_than_a_thousand_names_are_listed_once_each_and_nothing_else(store: Store, tmp_path: Path) -> None:
    wanted = [name(number) for number in range(1, 1051)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: put(store, one, b"x"), wanted))
    if isinstance(store, s3.Bucket):
        for key in ("packs/of-one/note.pack", "packs/of-one-more/" + wanted[0] + ".pack", wanted[0] + ".pack"):
            store.client().put_object(Bucket=store.name, Key=key, Body=b"x")
    else:
        (tmp_path / "packs" / wanted[0]).with_name("note.pack").write_bytes(b"x")
    assert sorted(names(store)) == sorted(wanted)


def test_a_listing_tells_size_and_time_of_the_last_change(store: Store) -> None:
    before = timezone.now() - timedelta(minutes=1)
    sizes = {name(): size for size in (1, 70_000)}
    for one, size in sizes.items():
        put(store, one, bytes(size))
    found = {one.name: one for one in store.lying()}
    assert {one.name: one.size for one in found.values()} == {
        one: len(filled(store, bytes(size))) for one, size in sizes.items()
    }
    assert all(before < one.changed_at < timezone.now() + timedelta(minutes=1) for one in found.values())


def test_a_place_is_empty_until_something_lies_there(store: Store) -> None:
    assert store.empty()
    put(store, name(), b"x")
    assert not store.empty()


def test_a_writer_goes_on_in_another_pack_when_its_own_was_taken_away(store: Store) -> None:
    study = uuid4()
    taken = packs.append(study, b"head", b"x")
    packs.flush([taken])
    stores.store().remove(taken.name)
    kept = packs.append(study, b"head", b"y")
    packs.flush([kept])
    assert (kept.pack, kept.name) != (taken.pack, taken.name)
    assert packs.read(kept.name, kept.offset, 1) == b"y"


def test_a_pack_is_begun_though_its_folder_is_being_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, one, opened = Disk(tmp_path / "packs"), name(), list[Any]()
    real = os.open

    def taken(path: Any, *rest: Any) -> int:
        if not opened:
            opened.append(path)
            assert disk.prune(timezone.now() + timedelta(days=1)) == 1
        return real(path, *rest)

    monkeypatch.setattr(os, "open", taken)
    put(disk, one, b"x")
    assert names(disk) == [one]
    assert disk.prune(timezone.now() + timedelta(days=1)) == 0


def test_what_was_removed_is_gone_and_may_be_removed_again(store: Store) -> None:
    one, other = name(), name()
    put(store, one, b"x")
    put(store, other, b"y")
    store.remove(one)
    store.remove(one)
    assert names(store) == [other]
    with pytest.raises(Damaged):
        whole(store, one)


def test_room_is_judged_by_the_disk_that_the_log_needs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.has_room(1)
    monkeypatch.setattr(space, "room", lambda free, total, wanted: False)
    assert not store.has_room(1)


def test_a_writer_goes_on_after_every_flush_and_all_records_are_walked(store: Store) -> None:
    study = uuid4()
    sealed = [os.urandom(size) for size in (1, 1000, 300_000, 70_000)]
    places = []
    for pair in (sealed[:2], sealed[2:]):
        these = [packs.append(study, b"head", data) for data in pair]
        packs.flush(these)
        places += these
    packs.forget()
    assert [packs.read(place.name, place.offset, place.length) for place in places] == sealed
    walked = {(name, offset, length) for name in {p.name for p in places} for _, offset, length in packs.records(name)}
    assert walked == {(place.name, place.offset, place.length) for place in places}
    assert set(names(stores.store())) == {place.name for place in places}


def test_a_writer_that_has_used_up_its_numbers_takes_another_name(store: Store) -> None:
    writer = Writer()
    writer._number = appending.MOST_NUMBER - 1
    places = [writer.append(uuid4(), b"h", b"x") for _ in range(3)]
    writer.flush(places)
    writer.close()
    assert len({place.name for place in places}) == 3
    assert all(packs.read(place.name, place.offset, 1) == b"x" for place in places)
