"""The tamper table: whoever holds disk and database changes, swaps, cuts or replays what is stored; each change is
damage, told to people, and no byte of the changed object leaves through any way out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import models
from pydicom.dataset import Dataset

from accounts.actors import Actor
from archive import ingest, packs, retrieve
from archive.errors import Damaged
from archive.models import Instance
from audit.models import Alert
from tests import builders
from tests.archive.outflow.handling import whole

pytestmark = pytest.mark.both_databases
CHUNK = 16_400
BODY = 104


@dataclass(frozen=True)
class Kept:
    """Two stored studies, and where the bytes of the first one's second image lie."""

    mine: list[Dataset]
    others: list[Dataset]
    reader: Actor
    data: Path

    @property
    def victim(self) -> Instance:
        return Instance.objects.select_related("pack").get(uid=self.mine[1].SOPInstanceUID)

    def row(self, ds: Dataset) -> Instance:
        return Instance.objects.select_related("pack").get(uid=ds.SOPInstanceUID)

    def pack(self, row: Instance) -> Path:
        (path,) = self.data.rglob(f"{row.pack.name}.pack")
        return path

    def bytes_of(self, row: Instance) -> bytes:
        return self.pack(row).read_bytes()[row.offset : row.offset + row.length]

    def overwrite(self, row: Instance, at: int, data: bytes) -> None:
        with self.pack(row).open("r+b") as file:
            file.seek(row.offset + at)
            file.write(data)


@pytest.fixture
def kept(modality: Any, radiologist: Any, actor_of: Callable[[Any], Actor], settings: Any) -> Kept:
    sender = actor_of(modality)
    mine, others = (builders.study(3, side=160) for _ in range(2))  # three chunks and a rest each
    for ds in [*mine, *others]:
        ingest.store(sender, builders.part10(ds))
    packs.forget()
    return Kept(mine, others, actor_of(radiologist), Path(settings.PACS_DATA_DIR))


def flip(at: int, bit: int = 0) -> Callable[[Kept], None]:
    def change(kept: Kept) -> None:
        row = kept.victim
        place = at if at >= 0 else row.length + at
        kept.overwrite(row, place, bytes([kept.bytes_of(row)[place] ^ 1 << bit]))

    return change


def swap_chunks(kept: Kept) -> None:
    row, first, second = kept.victim, BODY, BODY + CHUNK
    sealed = kept.bytes_of(row)
    kept.overwrite(row, first, sealed[second : second + CHUNK] + sealed[first : first + CHUNK])


def swap_with(choose: Callable[[Kept], Dataset]) -> Callable[[Kept], None]:
    """Put another image's sealed bytes, of the same length, where the victim's lie."""

    def change(kept: Kept) -> None:
        other = kept.row(choose(kept))
        assert other.length == kept.victim.length
        kept.overwrite(kept.victim, 0, kept.bytes_of(other))

    return change


def point(*, foreign: bool = False, **of: str) -> Callable[[Kept], None]:
    """Let the victim's row name what belongs to another image's row, of the same study or of a `foreign` one."""

    def change(kept: Kept) -> None:
        other = kept.row(kept.others[1] if foreign else kept.mine[0])
        Instance.objects.filter(id=kept.victim.id).update(
            **{name: getattr(other, source) for name, source in of.items()}
        )

    return change


def update(**values: Any) -> Callable[[Kept], None]:
    def change(kept: Kept) -> None:
        Instance.objects.filter(id=kept.victim.id).update(**values)

    return change


def cut(length: int) -> Callable[[Kept], None]:
    """Say that the object is shorter, or longer, than it is."""

    def change(kept: Kept) -> None:
        Instance.objects.filter(id=kept.victim.id).update(length=length if length > 0 else kept.victim.length + length)

    return change


def swap_packs(kept: Kept) -> None:
    one, other = kept.pack(kept.victim), kept.pack(kept.row(kept.others[0]))
    between = one.with_suffix(".between")
    one.rename(between)
    other.rename(one)
    between.rename(other)


def cut_the_pack(kept: Kept) -> None:
    path, row = kept.pack(kept.victim), kept.victim
    path.write_bytes(path.read_bytes()[: row.offset + BODY + CHUNK])


def replay_an_older_generation(kept: Kept) -> None:
    """The row says that the object was sealed anew; the disk gives back what lay there before."""
    Instance.objects.filter(id=kept.victim.id).update(generation=models.F("generation") + 1)


CHANGES: dict[str, Callable[[Kept], None]] = {
    **{
        f"{field} flipped": flip(at)
        for field, at in {
            "magic": 0, "suite": 8, "kind": 9, "flags": 10, "key id": 12, "object id": 28, "generation": 47,
            "salt": 48, "commitment": 72, "first chunk": BODY, "first tag": BODY + CHUNK - 1,
            "second chunk": BODY + CHUNK, "last chunk": -17, "last tag": -1,
        }.items()
    },
    "chunks swapped": swap_chunks,
    "another image of the series in its place": swap_with(lambda kept: kept.mine[0]),
    "an image of another study in its place": swap_with(lambda kept: kept.others[1]),
    "the packs of two studies swapped": swap_packs,
    "the pack cut": cut_the_pack,
    "the pack gone": lambda kept: kept.pack(kept.victim).unlink(),
    "the row points at another image": point(offset="offset"),
    "the row points at another study's pack": point(foreign=True, pack="pack", offset="offset"),
    "the row names another key": point(foreign=True, key_id="key_id"),
    "the row has another image's frame table": point(frame_table_cell="frame_table_cell"),
    "an older generation replayed": replay_an_older_generation,
    **{
        f"cut at chunk edge {edge}{near:+d}": cut(BODY + edge * CHUNK + near)
        for edge in (0, 1, 2, 3)
        for near in (-1, 0, 1)
    },
    "one byte longer": cut(60_000),
    "one byte shorter": cut(-1),
}  # fmt: skip


def frames(kept: Kept, ds: Dataset) -> bytes:
    found = retrieve.frames(kept.reader, ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID, [1])
    return b"".join(b"".join(one.pieces) for one in found.parts())


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_object_is_damage_in_every_way_out_and_told(kept: Kept, change: Callable[[Kept], None]) -> None:
    change(kept)
    ds = kept.mine[1]
    uids = (ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID)
    ways: dict[str, Callable[[], bytes]] = {
        "file": lambda: b"".join(whole(retrieve.instances(kept.reader, *uids))),
        "frame": lambda: frames(kept, ds),
    }
    given = {}
    for name, way in ways.items():
        try:
            given[name] = way()
        except Damaged:
            given[name] = b""
    assert not any(given.values()) or given == {"file": builders.part10(ds), "frame": b""}, given.keys()
    assert Alert.objects.filter(kind="damaged").exists()
