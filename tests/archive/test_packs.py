"""Packs: what is flushed is there, what went wrong spoils one pack and no offset, and nothing is written twice."""

import os
import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from archive import appending, packs, space, stores
from archive.appending import Writer
from archive.errors import Damaged, Unavailable
from audit.models import Alert
from tests.conftest import Installation


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Path:
    """An empty store."""
    settings.PACS_BLOB_URL = f"file:{tmp_path / 'packs'}"
    packs.forget()
    return tmp_path / "packs"


HEADER = bytes(48)  # all under one key, of no bits


def test_records_are_read_back_and_walked(root: Path) -> None:
    study = uuid4()
    sealed = [HEADER + os.urandom(size) for size in (1, 1000, 70_000)]
    places = [packs.append(study, b"head%d" % number, data) for number, data in enumerate(sealed)]
    packs.flush(places)
    assert [packs.read(place.name, place.offset, place.length) for place in places] == sealed
    assert len({place.pack for place in places}) == 1
    walked = list(packs.records(places[0].name))
    assert walked == [(b"head%d" % number, place.offset, place.length) for number, place in enumerate(places)]


def in_memory(path: Path, offset: int = 0) -> bool:
    """Whether the kernel has a page of a file without asking the disk."""
    with path.open("rb") as handle:
        # Who asks for one page would otherwise be brought those behind it as well.
        os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        try:
            return os.preadv(handle.fileno(), [bytearray(1)], offset, os.RWF_NOWAIT) == 1
        except BlockingIOError:
            return False


def forgets(path: Path) -> bool:
    """Whether the file system beneath has a disk that it can turn to: one in memory keeps all there is."""
    with path.open("wb") as handle:
        handle.write(bytes(1 << 20))
        handle.flush()
        assert in_memory(path)
        os.fdatasync(handle.fileno())
        os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return not in_memory(path)


def test_what_has_been_flushed_is_read_back_from_the_disk(root: Path, tmp_path: Path) -> None:
    if not any(forgets(tmp_path / f"probe{number}") for number in range(8)):
        pytest.skip("this file system is memory")
    writer, study, kept, flushed = Writer(), uuid4(), 0, 0
    for _ in range(8):
        sealed = HEADER + os.urandom(1 << 20)
        place = writer.append(study, b"head", sealed)
        writer.flush([place])
        pages = range(place.offset, place.offset + place.length, 4096)
        kept += sum(in_memory(root / f"{place.name}.pack", page) for page in pages)
        flushed += len(pages)
        assert packs.read(place.name, place.offset, place.length) == sealed
    # The last pages wait for what follows in them, and advice that comes while the kernel is busy is passed over.
    assert kept < flushed / 2


def test_a_file_system_that_takes_no_advice_flushes_all_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: int) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "posix_fadvise", refused)
    writer = Writer()
    place = writer.append(uuid4(), b"head", HEADER + b"object")
    writer.flush([place])
    assert packs.read(place.name, place.offset, place.length) == HEADER + b"object"


def test_a_pack_holds_records_under_one_key(root: Path) -> None:
    study, keys = uuid4(), [uuid4().bytes for _ in range(2)]
    places = [packs.append(study, b"h", bytes(12) + keys[number] + b"object") for number in (0, 0, 1, 1, 0)]
    packs.flush(places)
    ids = [place.pack for place in places]
    assert [one == other for one, other in pairwise(ids)] == [True, False, True, False]
    assert ids[4] != ids[0], "a pack that was left is never opened for writing again"
    assert [packs.read(place.name, place.offset, place.length)[12:28] for place in places][2:] == [keys[1]] * 2 + keys[
        :1
    ]


def test_packs_are_for_this_account_alone_and_show_only_our_ids(root: Path) -> None:
    study = uuid4()
    packs.flush([packs.append(study, b"h", b"object")])
    for folder, folders, files in os.walk(root):
        for name in folders:
            assert stat.S_IMODE((Path(folder) / name).stat().st_mode) == 0o700
        for name in files:
            assert stat.S_IMODE((Path(folder) / name).stat().st_mode) == 0o600
    (file,) = root.rglob("*.pack")
    assert stores.NAME.fullmatch(str(file.relative_to(root)).removesuffix(".pack"))
    assert file.parent.name == study.hex


def test_every_folder_on_the_way_to_a_new_pack_is_made_durable_whoever_made_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = uuid4()
    path = (root / stores.pack_name(study, "elsewhere", 1)).parent
    path.mkdir(parents=True)
    synced: list[str] = []
    fsync = os.fsync

    def seen(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", seen)
    place = packs.append(study, b"h", b"object")
    packs.flush([place])
    assert {str(folder) for folder in (path, path.parent, root, root.parent)} <= set(synced)
    synced.clear()
    packs.flush([packs.append(study, b"h", b"object")])
    assert not synced, "a pack that is durable costs no more than its own bytes"


def test_each_study_and_each_writer_has_packs_of_its_own(root: Path) -> None:
    one, other = Writer(), Writer()
    study = uuid4()
    names = {writer.append(row, b"h", b"x").name for writer in (one, other) for row in (study, uuid4(), study)}
    assert len(names) == 4


def test_a_full_pack_is_followed_by_another(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appending, "ROLL_OVER", 1000)
    study = uuid4()
    places = [packs.append(study, b"h", b"x" * 400) for _ in range(5)]
    packs.flush(places)
    assert len({place.name for place in places}) == 3
    assert all(packs.read(place.name, place.offset, place.length) == b"x" * 400 for place in places)


def test_few_packs_are_open_at_once_and_none_is_reopened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appending, "MOST_OPEN", 4)
    rows = [uuid4() for _ in range(10)]
    places = [packs.append(row, b"h", row.bytes) for row in rows * 2]
    packs.flush(places)
    assert len({place.name for place in places}) == 20
    assert all(packs.read(place.name, place.offset, 16) == place.study_row.bytes for place in places)


def test_a_record_cut_off_ends_the_pack(root: Path) -> None:
    study = uuid4()
    places = [packs.append(study, b"head", b"x" * 100) for _ in range(3)]
    packs.flush(places)
    (file,) = root.rglob("*.pack")
    whole = file.read_bytes()
    for end in range(places[2].offset - 12, places[2].offset + places[2].length):
        file.write_bytes(whole[:end])
        assert len(list(packs.records(places[0].name))) == 2


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "ab/../../../x", ""])
def test_a_name_that_no_pack_has_is_never_opened(root: Path, name: str) -> None:
    with pytest.raises(Damaged):
        packs.read(name, 0, 10)


def test_a_missing_pack_is_damage_and_one_alert_for_all_of_them(installation: Installation) -> None:
    for number in (1, 2):
        with pytest.raises(Damaged):
            packs.read(stores.pack_name(uuid4(), "0" * 16, number), 0, 10)
    assert Alert.objects.get(kind="damaged").times == 2


def test_the_floor_of_free_space_is_kept() -> None:
    gib = 1 << 30
    assert space.room(2 * gib, 100 * gib, gib)
    assert not space.room(2 * gib, 100 * gib, gib + 1)
    assert space.room(gib // 2, 10 * gib, 0)
    assert not space.room(100 << 20, 10 * gib, 0)


FULL = """
import resource, sys
import django
django.setup()
from uuid import UUID
from archive import packs
from archive.errors import Unavailable
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
study = UUID(int=7)
first = [packs.append(study, b"head", b"a" * 30_000) for _ in range(2)]
third = packs.append(study, b"head", b"a" * 60_000)
try:
    packs.flush([third])
    sys.exit("the disk was not full")
except Unavailable as error:
    assert "File too large" in str(error), error
after = packs.append(study, b"head", b"c" * 10_000)
packs.flush([after])
try:
    packs.flush(first)
    sys.exit("places of a broken pack were called durable")
except Unavailable:
    pass
assert after.name != first[0].name
assert packs.read(after.name, after.offset, after.length) == b"c" * 10_000
assert [offset for _, offset, _ in packs.records(after.name)] == [after.offset]
assert len(list(packs.records(first[0].name))) == 2
"""


def test_a_disk_that_fills_up_spoils_one_pack_and_nothing_else(tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PACS_")},
        "PACS_DATA_DIR": str(tmp_path / "data"),
        "DJANGO_SETTINGS_MODULE": "pacs.settings",
    }
    done = subprocess.run([sys.executable, "-c", FULL], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_what_cannot_be_synced_is_not_durable_and_never_tried_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = uuid4()
    place = packs.append(study, b"h", b"x")
    synced = os.fdatasync

    def broken(handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(Unavailable):
        packs.flush([place])
    monkeypatch.setattr(os, "fdatasync", synced)
    with pytest.raises(Unavailable):
        packs.flush([place])
    again = packs.append(study, b"h", b"x")
    packs.flush([again])
    assert again.name != place.name
