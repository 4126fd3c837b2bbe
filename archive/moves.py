"""Where an object lies now: compaction copies objects to other packs while they are being read."""

from archive.models import Held, Instance, Rendition
from archive.packs import Again


def again(row: Instance | Rendition | Held) -> Again:
    """A function that asks the index where an object lies now; None where it was removed, or sealed anew."""
    model, same = type(row), {"id": row.id, "key_id": row.key_id, "generation": row.generation}

    def now() -> tuple[str, int] | None:
        rows = model._default_manager.filter(**same).exclude(pack=None)
        return rows.values_list("pack__name", "offset").first()

    return now
