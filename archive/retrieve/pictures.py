"""Images as people see them, without a viewer: rendered frames and thumbnails (PS3.18 §10.4.1.1.3, §10.4.1.1.4)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from accounts.actors import Actor
from accounts.recent import Recent
from archive import render, renditions
from archive.errors import Unsuitable
from archive.models import Rendition
from archive.openers import Opener
from archive.render import View
from archive.retrieve import documents, pixels, places, reading
from archive.retrieve.places import Place
from archive.retrieve.reading import Reading
from audit.actions import Use

_PREVIEWS: Recent[UUID, Rendition | None] = Recent(most=1024)
"""Where the previews of instances lie."""

SMALL = View(viewport=(renditions.PREVIEW_SIDE, renditions.PREVIEW_SIDE), quality=80)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture on its way out; the entity tag changes with what it shows."""

    media_type: str
    size: int
    etag: str
    pieces: Iterator[bytes]


def rendered(
    actor: Actor,
    study_uid: str,
    series_uid: str = "",
    sop_uid: str = "",
    frame: int = 0,
    *,
    view: View | None = None,
    use: Use = Use.DISPLAYED,
) -> Picture:
    """One frame as a picture (the first is 1; 0 leaves the choice, and a study or series shows its middle image).

    On record before this returns. Raises Unsuitable where there is no image or it cannot be decoded, Damaged where its
    pixels are broken, and as `frames`.
    """
    now, found = reading.begin(actor, study_uid, series_uid, sop_uid)
    wanted = view or View()
    return _picture(now, middle(found), frame, wanted, use)


def thumbnail(
    actor: Actor, study_uid: str, series_uid: str = "", sop_uid: str = "", frame: int = 0, *, view: View | None = None
) -> Picture:
    """A small picture of the middle image, from what is kept ready where that is; noted as previewed, not as read."""
    now, found = reading.begin(actor, study_uid, series_uid, sop_uid)
    place, wanted = middle(found), view or SMALL
    places.require_unmarked(place)
    kept = _kept(place) if wanted == SMALL and not frame else None
    if kept is None:
        return _picture(now, place, frame, replace(wanted, viewport=wanted.viewport or SMALL.viewport), Use.PREVIEWED)
    data = renditions.opened(now.opener, kept, place.study_uid, place.series_uid, place.uid)
    return _given(now, place, data, wanted, 0, Use.PREVIEWED)


def _kept(place: Place) -> Rendition | None:
    return _PREVIEWS.find(place.id, lambda: renditions.of_instance(place.id, renditions.PREVIEW))


def middle(found: Sequence[Place]) -> Place:
    """The middle one of the images, of those that are whole where any is. Raises Unsuitable where there is none."""
    images = [place for place in found if place.frames]
    images = [place for place in images if place.damaged_at is None] or images
    if not images:
        raise Unsuitable("There is no image here.")
    return images[len(images) // 2]


def _picture(now: Reading, place: Place, frame: int, view: View, use: Use) -> Picture:
    return _given(now, place, drawn(now.opener, place, frame, view), view, frame, use)


def drawn(opener: Opener, place: Place, frame: int, view: View) -> bytes:
    """One frame of an instance as JPEG or PNG; frame 0 is the middle one of several."""
    table = places.frame_table(opener, place)
    number = frame or (table.count + 1) // 2
    if not 1 <= number <= table.count:
        raise Unsuitable(f"There is no such frame; this object has {table.count}.")
    return render.picture(pixels.to_be_decoded(opener, place, table, number), view)


def _given(now: Reading, place: Place, data: bytes, view: View, frame: int, use: Use) -> Picture:
    etag = documents.stamp([place], repr(view), str(frame)).hex()[:32]
    return Picture(view.media_type, len(data), etag, now.guarded([data], place, use, (frame,) if frame else ()))
