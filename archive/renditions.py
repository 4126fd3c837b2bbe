"""Derived objects (metadata, previews), sealed beside what they were made from. Each can be made again at any time."""

from uuid import UUID, uuid4

import orjson
from django.db import transaction

from archive import index, keys, moves, packs
from archive.errors import Unavailable
from archive.models import Rendition, Study
from archive.openers import Opener
from vault.objects import EMPTY_SLOTS, Kind, Slots, instance_slots

PREVIEW_SIDE = 200
PREVIEW = f"jpeg-{PREVIEW_SIDE}"
METADATA = "json"


def of_series(series_row: UUID, form: str) -> Rendition | None:
    """The kept rendition of a whole series."""
    return Rendition.objects.select_related("pack").filter(series=series_row, instance=None, form=form).first()


def of_instance(instance_row: UUID, form: str) -> Rendition | None:
    """The kept rendition of one instance."""
    return Rendition.objects.select_related("pack").filter(instance=instance_row, form=form).first()


def opened(opener: Opener, kept: Rendition, study_uid: str, series_uid: str, sop_uid: str = "") -> bytes:
    """What a rendition holds. Raises Damaged."""
    sealed = packs.read(kept.pack.name, kept.offset, kept.length, moves.again(kept))
    slots = instance_slots(study_uid, series_uid, sop_uid)
    return opener.object(kept.key_id, Kind(kept.kind), kept.id, kept.generation, slots, sealed)


def keep(
    plain: bytes,
    kind: Kind,
    form: str,
    *,
    study_row: UUID,
    series_row: UUID,
    instance_row: UUID | None = None,
    uids: tuple[str, str, str],
    covers: int = 1,
) -> bool:
    """Seal a rendition under its study's key and name it in the index, durably, in place of an older one of its series.

    A preview of an instance that another process made meanwhile stays; then nothing is named twice, and the answer is
    False. `uids` are those of study, series and instance (empty for a whole series). Raises Unavailable when the study
    is gone or was given another key meanwhile.
    """
    made, key = uuid4(), Study.objects.filter(id=study_row).values_list("key_id", flat=True).first()
    if key is None:
        raise Unavailable("The study is not there any more.")
    slots: Slots = instance_slots(*uids)
    sealed = keys.seal(key, kind, made, slots, plain)
    place = packs.append(study_row, _head(key, made, kind, form, uids, covers), sealed)
    packs.flush([place])
    row = Rendition(
        id=made,
        study_id=study_row,
        series_id=series_row,
        instance_id=instance_row,
        kind=kind,
        form=form,
        covers=covers,
        size=len(plain),
        pack_id=place.pack,
        offset=place.offset,
        length=place.length,
        key_id=key,
    )
    with transaction.atomic(durable=True):
        if Study.objects.select_for_update().get(id=study_row).key_id != key:
            raise Unavailable("The key of this study changed.")
        index.name_packs([place])
        if instance_row is None:
            Rendition.objects.filter(series=series_row, instance=None, form=form).delete()
        Rendition.objects.bulk_create([row], ignore_conflicts=True)
    return Rendition.objects.filter(id=made).exists()


def _head(key: UUID, made: UUID, kind: Kind, form: str, uids: tuple[str, str, str], covers: int) -> bytes:
    """The record's head: what tells a rebuild that this is derived, and of what."""
    head = {
        "version": 1,
        "kind": int(kind),
        "object": str(made),
        "generation": 0,
        "study": uids[0],
        "series": uids[1],
        "instance": uids[2],
        "form": form,
        "covers": covers,
    }
    return keys.seal(key, Kind.HEAD, made, EMPTY_SLOTS, orjson.dumps(head, option=orjson.OPT_SORT_KEYS))
