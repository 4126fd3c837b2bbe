"""Packs on their way into a backup: as they are, since every record in them is sealed, and only what is new of each."""

import os
from collections.abc import Callable, Iterator

from django.db.models import F, Max

from archive import packs
from archive.backup import manifest
from archive.backup.folder import PIECE, Folder
from archive.backup.manifest import Segment
from archive.errors import PackMissing, Unavailable
from archive.models import Held, Instance, Pack, Rendition

Read = Callable[[int, int], bytes]


def wanted() -> dict[str, int]:
    """How many bytes of each pack the index relies on: all that is named ends there. Asked in the backup's snapshot."""
    found: dict[str, int] = {}
    for model in (Instance, Rendition, Held):
        rows = model._default_manager.exclude(pack=None).order_by().values_list("pack__name")
        for name, end in rows.annotate(end=Max(F("offset") + F("length"))):
            found[name] = max(found.get(name, 0), end)
    return dict(sorted(found.items()))


def copy(folder: Folder, pack: str, end: int, had: list[Segment]) -> list[Segment] | None:
    """Bring a pack's first `end` bytes to a place; return the runs that hold them, those that it `had` first.

    None where the pack is gone and nobody names it any more, since its study was destroyed meanwhile. Raises
    Unavailable where it should be there, and where the place cannot be written.
    """
    kept = list(_whole(folder, pack, had))
    start = kept[-1].start + kept[-1].length if kept else 0
    if start >= end:
        return kept
    try:
        with packs.reading(pack, start) as read:
            length, sha256 = folder.write(manifest.segment_path(pack, start), _pieces(read, end - start))
    except PackMissing:
        if Pack.objects.filter(name=pack).exists():
            raise Unavailable(f"The pack {pack} is not where packs are kept.") from None
        return None
    except OSError as error:
        raise Unavailable(f"The pack {pack} cannot be read: {os.strerror(error.errno or 0)}.") from None
    return [*kept, Segment(start, length, sha256)]


def _whole(folder: Folder, pack: str, had: list[Segment]) -> Iterator[Segment]:
    """The runs that are at the place in their length, up to the first that is not."""
    for one in had:
        if folder.size(manifest.segment_path(pack, one.start)) != one.length:
            return
        yield one


def _pieces(read: Read, length: int) -> Iterator[bytes]:
    """The bytes of a pack. Raises Unavailable where it ends before what the index names."""
    at = 0
    while at < length:
        piece = read(at, min(PIECE, length - at))
        if not piece:
            raise Unavailable("A pack is shorter than the index says; see manage.py archive check.")
        yield piece
        at += len(piece)
