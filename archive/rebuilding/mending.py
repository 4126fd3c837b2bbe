"""Objects that the index names in packs that are gone, found elsewhere: it was restored from before they were moved."""

from typing import Any, Final

from django.db import transaction

from archive import duplicates, index
from archive.models import Held, Instance
from archive.rebuilding.opening import Found
from vault.objects import Kind

_TABLES: Final[dict[int, Any]] = {Kind.INSTANCE: Instance, Kind.QUARANTINED: Held}


def is_named(one: Found) -> bool:
    """Tell whether the index has a row for an image."""
    return bool(_TABLES[one.row.kind].objects.filter(id=one.row.object_id).exists())


def mend(one: Found) -> int:
    """Let its row name the place where an image was found, and its cells lie under the key of what lies there."""
    place = one.admission.place
    if place is None:
        raise ValueError("nothing was found")
    with transaction.atomic(durable=True):
        index.name_packs([place])
        moved = _TABLES[one.row.kind].objects.filter(id=one.row.object_id)
        count: int = moved.update(
            pack_id=place.pack,
            offset=place.offset,
            length=place.length,
            key_id=one.row.key_id,
            generation=one.row.generation,
            **_more(one),
        )
    return count


def _more(one: Found) -> dict[str, Any]:
    admission, said, key = one.admission, one.admission.facts, one.row.key_id
    if one.row.kind == Kind.INSTANCE:
        if admission.place is None:
            raise ValueError("nothing was found")
        row = index.instance(said, one.row.object_id, key, admission.place, admission.ticket.table, 0)
        return {"frame_table_cell": row["frame_table_cell"]}
    data = memoryview(admission.ticket.part10)[said.dataset_offset :]
    return {"digest": duplicates.digest(key, said.transfer_syntax, said.study_uid, said.series_uid, data)}
