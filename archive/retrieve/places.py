"""Where the current instances of a study, series or instance lie: one lean query, and opening what lies there.

`Place` is all that retrieving needs of an index row; nothing of it shows a patient.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Count, F, Min

from accounts.recent import Recent
from archive import moves, packs
from archive.columns import cell_name
from archive.dataset import plain_dataset, read_meta
from archive.dataset.uids import DEFLATED, Encoding, encoding
from archive.errors import Damaged
from archive.frames import FrameTable, decode
from archive.models import Instance
from archive.openers import Opener
from vault.objects import Kind, Slots, instance_slots

Read = Callable[[int, int], bytes]
Given = TypeVar("Given")

FRAME_TABLE = cell_name("instance", "frame_table_cell")

_TABLES: Recent[tuple[UUID, bytes], FrameTable] = Recent(most=1024, seconds=30.0)
"""Frame tables that were opened, by instance and sealed cell: what lies in the index is what was opened, or not it."""

_COLUMNS = (
    "id",
    "uid",
    "series__uid",
    "study__uid",
    "study__patient__pseudonym",
    "series_id",
    "sop_class",
    "transfer_syntax",
    "size",
    "dataset_offset",
    "frames",
    "rows",
    "bits_allocated",
    "frame_table_cell",
    "number",
    "series__number",
    "key_id",
    "generation",
    "pack__name",
    "offset",
    "length",
    "columns",
    "damaged_at",
)


@dataclass(frozen=True, slots=True)
class Place:
    """One stored instance: what it is, and where its sealed bytes lie."""

    id: UUID
    uid: str
    series_uid: str
    study_uid: str
    patient: str
    series_row: UUID
    sop_class: str
    transfer_syntax: str
    size: int
    dataset_offset: int
    frames: int
    rows: int | None
    bits_allocated: int | None
    frame_table_cell: bytes
    number: int | None
    series_number: int | None
    key_id: UUID
    generation: int
    pack: str
    offset: int
    length: int
    columns: int | None
    damaged_at: datetime | None

    @property
    def slots(self) -> Slots:
        return instance_slots(self.study_uid, self.series_uid, self.uid)

    @property
    def encoding(self) -> Encoding:
        return encoding(self.transfer_syntax)

    @property
    def again(self) -> packs.Again:
        """Where its sealed bytes lie later."""
        return moves.again(Instance(id=self.id, key_id=self.key_id, generation=self.generation))

    @property
    def path(self) -> str:
        """Its resource below the DICOMweb service."""
        return f"/studies/{self.study_uid}/series/{self.series_uid}/instances/{self.uid}"


def find(study_uid: str, series_uid: str = "", sop_uid: str = "") -> list[Place]:
    """The current instances of a study, of one of its series, or one; in the order of series and instance numbers."""
    rows = Instance.objects.filter(study__uid=study_uid, current=True)
    if series_uid:
        rows = rows.filter(series__uid=series_uid)
    if sop_uid:
        rows = rows.filter(uid=sop_uid)
    else:
        first = (F(name).asc(nulls_last=True) for name in ("series__number", "series__uid", "number"))
        rows = rows.order_by(*first, "uid")
    return [_place(row) for row in rows.values_list(*_COLUMNS)]


def census(study_uid: str, series_uid: str = "") -> tuple[int, str]:
    """How many current instances a study or series holds, and its patient's pseudonym; (0, "") for what is unknown.

    Asked before the gate in place of `find`, so that refusing a large study takes no longer than an unknown one.
    """
    rows = Instance.objects.filter(study__uid=study_uid, current=True)
    if series_uid:
        rows = rows.filter(series__uid=series_uid)
    counted = rows.aggregate(count=Count("id"), patient=Min("study__patient__pseudonym"))
    return counted["count"], counted["patient"] or ""


def around(place: Place, behind: int, ahead: int) -> list[Place]:
    """The current instances of its series with numbers from so far behind to so far ahead of its own, in no order.

    Not more than twice as many as there are numbers; none where it has no number.
    """
    if place.number is None:
        return []
    near = (place.number - behind, place.number + ahead)
    rows = Instance.objects.filter(series_id=place.series_row, current=True, number__range=near)
    return [_place(row) for row in rows.values_list(*_COLUMNS)[: 2 * (behind + ahead)]]


def _place(row: tuple[object, ...]) -> Place:
    named = dict(zip(Place.__slots__, row, strict=True))
    named["frame_table_cell"] = bytes(named["frame_table_cell"])  # type: ignore[call-overload]
    return Place(**named)  # type: ignore[arg-type]


def require_unmarked(place: Place) -> None:
    """Return unless something was found damaged in this instance: then even what still opens of it stays here.

    Raises Damaged.
    """
    if place.damaged_at is not None:
        raise Damaged("This image is damaged and is not handed out; an alert has been raised.")


def moved(place: Place) -> Place | None:
    """Where an instance lies by now, if it is elsewhere than where it was looked up: it was sealed anew, or copied."""
    row = Instance.objects.filter(id=place.id).values_list(*_COLUMNS).first()
    now = None if row is None else _place(row)
    return None if now is None or (now.pack, now.offset) == (place.pack, place.offset) else now


def _followed(act: Callable[[Place], Given], place: Place) -> Given:
    """What an act on a place gives; done again where the instance lies by now, if it fails and has been moved."""
    try:
        return act(place)
    except Damaged:
        now = moved(place)
        if now is None:
            raise
        require_unmarked(now)
        return act(now)


@contextmanager
def ranges(opener: Opener, place: Place) -> Iterator[Read]:
    """A function `read(start, length)` over the plain file of one instance, opening no more than it must."""
    require_unmarked(place)
    with ExitStack() as held:
        lying = _Lying(opener, held)
        yield lambda start, length: _followed(lambda at: lying.range(at, start, length), place)


class _Lying:
    """The packs in which one instance is being read."""

    def __init__(self, opener: Opener, held: ExitStack) -> None:
        self._opener, self._held = opener, held
        self._sealed: dict[tuple[str, int], Read] = {}

    def range(self, at: Place, start: int, length: int) -> bytes:
        lies = (at.pack, at.offset)
        if lies not in self._sealed:
            self._sealed[lies] = self._held.enter_context(packs.reading(*lies))
        wanted = max(0, min(length, at.size - start))
        return self._opener.range(
            at.key_id, Kind.INSTANCE, at.id, at.generation, at.slots, self._sealed[lies], at.length, start, wanted
        )


def whole(opener: Opener, place: Place) -> bytes:
    """The plain file of one instance, authenticated to its end. Raises Damaged."""
    require_unmarked(place)
    return _followed(lambda at: _whole(opener, at), place)


def _whole(opener: Opener, place: Place) -> bytes:
    sealed = packs.read(place.pack, place.offset, place.length)
    return opener.object(place.key_id, Kind.INSTANCE, place.id, place.generation, place.slots, sealed)


def inflated(opener: Opener, place: Place) -> bytes:
    """The plain file with its data set as if it had not been deflated. Raises Damaged."""
    stored = whole(opener, place)
    if place.transfer_syntax not in DEFLATED:
        return stored
    meta = read_meta(stored)
    return stored[: meta.dataset_offset] + plain_dataset(stored, meta)


def frame_table(opener: Opener, place: Place) -> FrameTable:
    """Where the frames lie in the plain file. Raises Damaged."""
    require_unmarked(place)
    return _TABLES.find((place.id, place.frame_table_cell), lambda: _frame_table(opener, place))


def _frame_table(opener: Opener, place: Place) -> FrameTable:
    try:
        return decode(_followed(lambda at: opener.cell(FRAME_TABLE, at.id, at.frame_table_cell), place))
    except (ValueError, IndexError, KeyError):
        raise Damaged("The frame table of an object cannot be read.") from None
