"""Certificates of destruction: signed notes that say which keys are gone, kept at the anchors (docs/FORMAT.md).

A database that was restored from a copy knows keys that were destroyed since. `replay` reads the certificates at the
anchors and deletes those keys again, before anything can be opened.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.utils import timezone

from accounts import epoch, gate, identify
from accounts.models import Destroyed
from archive import erasing, jobs
from archive.errors import Unavailable
from archive.models import Study, StudyKey
from archive.sealing import microseconds
from audit import alerts, anchors
from audit.actions import Action
from keystore import keys as keystore
from vault import notes
from vault.errors import Tampered

VERSION = 1
JOB = "destroy"
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says: the study, the keys (its own, perhaps its patient's) that were deleted, and by whom.

    `epochs` are those whose keys wrapped them: copies open the study until these are gone there, too. `objects` counts
    the images.
    """

    id: UUID
    study_uid: str
    keys: tuple[UUID, ...]
    at_us: int
    epochs: frozenset[UUID]
    objects: int
    actor: str


def origin() -> str:
    """The first line of a certificate and the name of its signer: no checkpoint has it."""
    return f"custos/{keystore.installation_uuid()}/destroyed"


def sign(study: Study, gone: list[StudyKey], actor: str) -> tuple[UUID, str]:
    """A new certificate for a study about to be deleted with these keys: its id and the note."""
    identifier = uuid4()
    told = {
        "version": VERSION,
        "certificate": str(identifier),
        "study": study.uid,
        "keys": [str(row.id) for row in gone],
        "epochs": sorted({str(row.epoch) for row in gone}),
        "objects": [{"id": row, "sha256": sha256} for row, sha256 in erasing.digests(study)],
        "at_us": microseconds(timezone.now()),
        "actor": actor,
    }
    return identifier, signed(origin(), told)


def signed(name: str, told: dict[str, Any]) -> str:
    """A note under a name of this installation, signed: its first line is the name, its second what is told as JSON."""
    text = f"{name}\n{orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()}\n"
    return notes.sign_note(name, keystore.installation_key("signing").secret, _ascii(text))


def read(note: str) -> Certificate:
    """What a certificate of this installation says. Raises Tampered for everything else."""
    name = origin()
    text = notes.verify_note(name, notes.public_of(keystore.installation_key("signing").secret), note)
    first, _, rest = text.partition("\n")
    try:
        told: dict[str, Any] = orjson.loads(rest)
        if first != name or told["version"] != VERSION:
            raise Tampered("not a certificate")
        return Certificate(
            UUID(told["certificate"]),
            str(told["study"]),
            tuple(map(UUID, told["keys"])),
            int(told["at_us"]),
            frozenset(map(UUID, told["epochs"])),
            len(told["objects"]),
            str(told["actor"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Tampered("not a certificate") from None


def copy(note: str) -> None:
    """Bring a certificate to every anchor that lacks it. Raises Unavailable, with an alert, where that fails."""
    name = note.partition("\n")[0]
    for place in _places():
        try:
            if note not in place.notes(name, place.extent(name)):
                place.append(name, note)
        except OSError as error:
            words = f"A certificate of destruction could not be copied there ({anchors.reason(error)})."
            alerts.raise_("anchor", str(place), words)
            raise Unavailable("An anchor did not take the certificate.") from None


def replay() -> int:
    """Delete again, each with its event, what certificates at the anchors name and this database still has.

    Returns how many were destroyed again. What is no certificate of ours is passed over with an alert.
    """
    found = {one.id: (one, note) for one, note in _anchored()}
    living = _living({key for one, _ in found.values() for key in one.keys})
    again = [pair for pair in found.values() if not living.isdisjoint(pair[0].keys)]
    for one, note in sorted(again, key=lambda pair: pair[0].at_us):
        _again(one, note)
    return len(again)


def _again(one: Certificate, note: str) -> None:
    actor, told = identify.system(JOB), {"certificate": str(one.id), "replayed": True}
    with gate.change(actor, Action.DESTROYED, study_uid=one.study_uid, details=told):
        names = erasing.rows(one.keys)
        values = {"study_uid": one.study_uid, "note": note, "packs": names, "completed_at": None}
        Destroyed.objects.update_or_create(id=one.id, defaults=values)
        jobs.promise(JOB, str(one.id))
        epoch.raise_()


def _living(keys: set[UUID]) -> set[UUID]:
    wanted = sorted(keys)
    parts = (wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE))
    return {key for part in parts for key in StudyKey.objects.filter(id__in=part).values_list("id", flat=True)}


def _anchored() -> Iterator[tuple[Certificate, str]]:
    name = origin()
    for place in _places():
        try:
            for note in place.notes(name, place.extent(name)):
                try:
                    yield read(note), note
                except Tampered:
                    words = "A note there is no certificate of destruction of ours; it was passed over."
                    alerts.raise_("certificate", str(place), words)
        except OSError as error:
            words = f"Certificates of destruction could not be read there ({anchors.reason(error)})."
            alerts.raise_("anchor", str(place), words)


def _places() -> list[anchors.Place]:
    try:
        return anchors.places()
    except anchors.AnchorError as error:
        alerts.raise_("anchor", "certificates", str(error))
        return []


def _ascii(text: str) -> str:
    """JSON in which every letter beyond ASCII is escaped, so that any reader of notes takes it."""
    return "".join(letter if letter.isascii() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
