"""A whole study as a zip archive, streamed: stored, not compressed, with names that say nothing about the patient."""

import io
import zipfile
from collections.abc import Iterator
from typing import Final

from accounts import gate
from accounts.actors import Actor
from archive.errors import Damaged
from archive.retrieve import objects, places
from archive.retrieve.places import Place
from archive.retrieve.reading import Reading
from audit.actions import Action, Use

_LARGE: Final = 1 << 31
_OWNER_ONLY: Final = 0o600 << 16


def archive(actor: Actor, study_uid: str, purpose: str, words: str = "") -> Iterator[bytes]:
    """The study's DICOM files as a zip in pieces; one exact event is on record before this returns.

    `purpose` and `words` say what the copy is for. Raises StepUpNeeded without a fresh second factor, NotVisible,
    Forbidden or LogUnavailable. A zip that was cut short has no directory, so that no program takes it for a whole one.
    """
    count, patient = places.census(study_uid)
    receipt = gate.disclose(
        actor,
        Action.DOWNLOAD,
        study_uid,
        found=bool(count),
        purpose=purpose,
        patient=patient,
        count=count,
        details={"words": words} if words else None,
    )
    return _zip(Reading(actor, study_uid, receipt), places.find(study_uid)[:count])


class _Sink(io.RawIOBase):
    """What the zip writer has written and nobody has taken yet. It cannot seek, so the writer streams."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


def _zip(now: Reading, found: list[Place]) -> Iterator[bytes]:
    sink, missing = _Sink(), list[str]()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as out:
        for name, place in _named(found):
            try:
                one = objects.opened(now, place, Use.RETRIEVED)
            except Damaged:
                missing.append(place.uid)
                continue
            entry = zipfile.ZipInfo(name)
            entry.external_attr = _OWNER_ONLY
            with out.open(entry, "w", force_zip64=one.size >= _LARGE) as file:
                for chunk in one.chunks:
                    file.write(chunk)
                    yield sink.taken()
        if missing:
            # A copy that lacks images must say so by itself, wherever it is carried.
            out.writestr("DAMAGED.txt", "\n".join(["These images are damaged and not in this copy:", *missing, ""]))
    now.still()
    yield sink.taken()


def _named(found: list[Place]) -> Iterator[tuple[str, Place]]:
    """A file name for each instance from its series and image numbers, made unique where those are not."""
    series: dict[str, str] = {}
    used: set[str] = set()
    for place in found:
        if place.series_uid not in series:
            wanted = f"series-{place.series_number:03d}" if place.series_number is not None else "series-none"
            series[place.series_uid] = _unused(wanted, set(series.values()))
        number = f"{place.number:05d}" if place.number is not None else "none"
        name = _unused(f"{series[place.series_uid]}/image-{number}", used)
        used.add(name)
        yield f"{name}.dcm", place


def _unused(wanted: str, used: set[str]) -> str:
    name, again = wanted, 1
    while name in used:
        again += 1
        name = f"{wanted}-{again}"
    return name
