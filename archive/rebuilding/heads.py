"""What the sealed head of a record says (docs/FORMAT.md, section 4)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from archive import packs
from archive.errors import Damaged
from archive.models import Unnamed
from archive.openers import Opener
from archive.sealing import HEAD_VERSION
from audit.receipts import Who
from vault.objects import EMPTY_SLOTS, Kind, Slots, instance_slots

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Head:
    """A head in words. `of` is the instance that a newcomer came under; `form` and `covers` are of what is derived."""

    study: str
    series: str
    instance: str
    issuer: str = ""
    sender: str = ""
    arrived_us: int = 0
    who: Who | None = None
    of: UUID | None = None
    form: str = ""
    covers: int = 0

    @property
    def arrived(self) -> datetime:
        return _BEGINNING + timedelta(microseconds=self.arrived_us)

    def slots(self, kind: Kind) -> Slots:
        """The slots of the object that the head stands before."""
        return EMPTY_SLOTS if kind == Kind.QUARANTINED else instance_slots(self.study, self.series, self.instance)


def opened(opener: Opener, row: Unnamed) -> Head:
    """The head of a record. Raises Damaged where it does not open or says what cannot be."""
    stored = packs.read(row.pack, row.offset - row.head, row.head)
    told = opener.object(row.key_id, Kind.HEAD, row.object_id, row.generation, EMPTY_SLOTS, stored)
    try:
        return _read(orjson.loads(told), row)
    except (ValueError, TypeError, KeyError, OverflowError):
        raise Damaged("The head of the record cannot be read.") from None


def _read(told: dict[str, Any], row: Unnamed) -> Head:
    same = (told["version"], told["kind"], told["object"], told["generation"])
    if same != (HEAD_VERSION, row.kind, str(row.object_id), row.generation):
        raise ValueError("the head is another object's")
    return Head(
        told["study"],
        told["series"],
        told["instance"],
        told.get("issuer", ""),
        told.get("sender", ""),
        int(told.get("arrived_us", 0)),
        Who(**told["actor"]) if "actor" in told else None,
        UUID(told["of"]) if "of" in told else None,
        told.get("form", ""),
        int(told.get("covers", 0)),
    )
