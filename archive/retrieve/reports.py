"""What a viewer says it has shown, taken into the record."""

from collections.abc import Iterable

from accounts.actors import Actor
from archive.errors import Unsuitable
from archive.retrieve import reading
from audit.actions import Use


def displayed(actor: Actor, study_uid: str, shown: Iterable[tuple[str, str, int]]) -> None:
    """Note frames that were fetched ahead and are on the screen now, as (series UID, instance UID, frame from 1).

    Raises Unsuitable for what this study does not hold, and as `frames`.
    """
    now, held = reading.begin(actor, study_uid)
    found = {(place.series_uid, place.uid): place for place in held}
    told = list(shown)
    for series_uid, sop_uid, frame in told:
        place = found.get((series_uid, sop_uid))
        if place is None or not 0 <= frame <= max(place.frames, 1):
            raise Unsuitable("This study holds no such image.")
    for series_uid, sop_uid, frame in told:
        now.delivered(found[series_uid, sop_uid], Use.DISPLAYED, 0, (frame,) if frame else ())
