"""Previews and metadata adopted where there is no doubt about them; where there is, jobs make them anew.

A head does not say when something was derived, nor from which of two images under one UID. So one is adopted only where
it is the only one of its form for its image or series, covers as many images as there are, and nobody had accepted
an image in the series.
"""

from django.db import transaction

from accounts.errors import NotVisible
from archive import index, renditions
from archive.errors import Damaged, PackMissing
from archive.models import Instance, Rendition, Series, Unnamed
from archive.rebuilding import heads, opening, studies
from archive.rebuilding.adopting import MOST, Adoption
from archive.rebuilding.heads import Head
from archive.rebuilding.rows import DERIVED
from vault.objects import Kind

_FORMS = {Kind.PREVIEW: renditions.PREVIEW, Kind.METADATA: renditions.METADATA}


def run(now: Adoption) -> None:
    """Adopt what is derived and waits. Raises Unavailable where the machine fails, and LogUnavailable."""
    waiting = Unnamed.objects.filter(state=DERIVED).order_by("id")
    behind = 0
    while rows := list(waiting.filter(id__gt=behind)[:MOST]):
        for row in rows:
            if not _adopted(now, row):
                now.report.dead += 1
        behind = rows[-1].pk
        now.tell(now.total - waiting.filter(id__gt=behind).count(), now.total)
    waiting.delete()


def _adopted(now: Adoption, row: Unnamed) -> bool:
    """Try one record; False for one that stays unnamed. What does not open is told."""
    others = Unnamed.objects.filter(slot=row.slot)
    if others.exclude(object_id=row.object_id).exists() or not _is_best(row):
        return False
    where = studies.folder(row.owner)
    if where is None:
        return False
    try:
        opener = now.openers.of(where)
        head = heads.opened(opener, row)
        place = _place(now, row, head)
        return place is not None and _named(row, head, *place, len(opening.plaintext(opener, row, head)))
    except (NotVisible, PackMissing):
        return False
    except Damaged as error:
        now.report.damage(row.pack, row.offset, str(error))
        return True


def _is_best(row: Unnamed) -> bool:
    """Whether a record is the one of its object that counts."""
    records = Unnamed.objects.filter(object_id=row.object_id).order_by("-generation", "-written_at", "pack", "offset")
    return records.values_list("id", flat=True).first() == row.pk


def _place(now: Adoption, row: Unnamed, head: Head) -> tuple[Series, Instance | None] | None:
    """The series, and for a preview the image, that it is of; None where that is not there or not certain."""
    series = Series.objects.filter(study=row.owner, uid=head.series).first()
    kind = Kind(row.kind)
    if series is None or (row.owner, head.series) in now.decided or head.form != _FORMS[kind]:
        return None
    if kind == Kind.METADATA:
        return None if head.instance or head.covers != series.instance_count else (series, None)
    image = Instance.objects.filter(series=series, uid=head.instance, current=True).first()
    return None if image is None else (series, image)


def _named(row: Unnamed, head: Head, series: Series, image: Instance | None, size: int) -> bool:
    """Name a rendition, unless the index names one in its place that is there."""
    place = opening.place(row)
    with transaction.atomic(durable=True):
        index.name_packs([place])
        Rendition.objects.filter(id=row.object_id).delete()
        rendition = Rendition(
            id=row.object_id,
            study_id=row.owner,
            series=series,
            instance=image,
            kind=row.kind,
            form=head.form,
            covers=head.covers,
            size=size,
            pack_id=place.pack,
            offset=place.offset,
            length=place.length,
            key_id=row.key_id,
            generation=row.generation,
        )
        Rendition.objects.bulk_create([rendition], ignore_conflicts=True)
        return Rendition.objects.filter(id=row.object_id).exists()
