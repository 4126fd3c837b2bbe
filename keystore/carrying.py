"""The keystore's rows on their way into a backup and out of it. Every key in them is wrapped, so they travel in clear.

`Carried` opens what was carried with the root key, or with the seed of the recovery key, and asks no database.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from keystore import roots
from keystore.errors import KeyGoneError, KeystoreError, RecoveryError, RootKeyError
from keystore.memory import Key
from keystore.models import EpochKey, Installation, InstallationKey
from keystore.opening import slots
from keystore.recovery import open_
from vault.errors import Tampered
from vault.objects import EMPTY_SLOTS, Slots
from vault.wrap import unwrap

VERSION = 1
Told = dict[str, Any]


def rows() -> Told:
    """Installation, epochs and installation keys as JSON can hold them; ``KeystoreError`` before set-up."""
    place = Installation.objects.filter(id=1).first()
    if place is None:
        raise KeystoreError("This database is not set up yet; run manage.py setup.")
    epochs = EpochKey.objects.order_by("number")
    keys = InstallationKey.objects.order_by("purpose", "label")
    return {
        "version": VERSION,
        "installation": {
            "uuid": str(place.uuid),
            "created_at": place.created_at.isoformat(),
            "recovery": _text(place.recovery),
            "recovery_at": place.recovery_at and place.recovery_at.isoformat(),
            "recovery_threshold": place.recovery_threshold,
            "recovery_count": place.recovery_count,
        },
        "epochs": [
            {
                "id": str(row.id),
                "number": row.number,
                "root_id": str(row.root_id),
                "wrapped": _text(row.wrapped),
                "recovery": _text(row.recovery),
                "created_at": row.created_at.isoformat(),
                "ended_at": row.ended_at and row.ended_at.isoformat(),
            }
            for row in epochs
        ],
        "keys": [
            {
                "id": str(row.id),
                "purpose": row.purpose,
                "label": row.label,
                "epoch": str(row.epoch_id),
                "wrapped": _text(row.wrapped),
                "created_at": row.created_at.isoformat(),
            }
            for row in keys
        ],
    }


def put(told: Told) -> None:
    """Insert carried rows into an empty keystore, in the caller's transaction; ``KeystoreError`` where it is not."""
    if Installation.objects.exists() or EpochKey.objects.exists() or InstallationKey.objects.exists():
        raise KeystoreError("This database holds keys already.")
    place = told["installation"]
    made = {
        "recovery": _bytes(place["recovery"]),
        "recovery_at": _moment(place["recovery_at"]),
        "recovery_threshold": place["recovery_threshold"],
        "recovery_count": place["recovery_count"],
    }
    Installation.objects.create(id=1, uuid=UUID(place["uuid"]), **made)
    Installation.objects.filter(id=1).update(created_at=_moment(place["created_at"]))
    for one in told["epochs"]:
        values = {"number": one["number"], "root_id": UUID(one["root_id"]), "wrapped": _bytes(one["wrapped"]) or b""}
        identifier, ended = UUID(one["id"]), _moment(one["ended_at"])
        EpochKey.objects.create(id=identifier, recovery=_bytes(one["recovery"]), ended_at=ended, **values)
        # The database dates a new row itself; the month of an epoch is that in which it was made.
        EpochKey.objects.filter(id=identifier).update(created_at=_moment(one["created_at"]))
    for one in told["keys"]:
        named = {"purpose": one["purpose"], "label": one["label"], "epoch_id": UUID(one["epoch"])}
        InstallationKey.objects.create(id=UUID(one["id"]), wrapped=_bytes(one["wrapped"]) or b"", **named)
        InstallationKey.objects.filter(id=UUID(one["id"])).update(created_at=_moment(one["created_at"]))


@dataclass(frozen=True, slots=True)
class Carried:
    """Carried rows with their living epochs opened, in memory alone."""

    told: Told = field(repr=False)
    epochs: dict[UUID, Key] = field(repr=False)

    @property
    def installation(self) -> UUID:
        """Which installation they are of."""
        return UUID(self.told["installation"]["uuid"])

    def key(self, purpose: str, label: str = "") -> Key:
        """An installation key; ``KeystoreError`` when it is not there or does not open."""
        for one in self.told["keys"]:
            if (one["purpose"], one["label"]) == (purpose, label):
                return self._opened(one)
        raise KeystoreError(f"The backup has no key for {purpose!r}.")

    def check(self) -> None:
        """Open every installation key; ``KeystoreError`` names the first that does not open."""
        for one in self.told["keys"]:
            self._opened(one)

    def unwrapped(self, epoch: UUID, key_id: UUID, wrapped: bytes, bound: Slots = EMPTY_SLOTS) -> bytes:
        """A 32-byte key wrapped under an epoch; ``KeyGoneError`` where that is not there, ``Tampered``."""
        under = self.epochs.get(epoch)
        if under is None:
            raise KeyGoneError("The backup has no key of this epoch.")
        return unwrap(under.secret, under.id, key_id, wrapped, slots=bound)

    def _opened(self, one: Told) -> Key:
        identifier, bound = UUID(one["id"]), slots(one["purpose"], one["label"])
        try:
            wrapped = _bytes(one["wrapped"]) or b""
            return Key(identifier, self.unwrapped(UUID(one["epoch"]), identifier, wrapped, bound))
        except Tampered:
            raise KeystoreError(f"The backup's key for {one['purpose']!r} was changed and does not open.") from None


def opened(told: Told, seed: bytes | None = None) -> Carried:
    """Open carried rows by the root of ``PACS_KEK_URL``, or by the recovery key's seed where one is given.

    ``RootKeyError`` or ``RecoveryError`` says why an epoch does not open; ``KeystoreError`` for what is no such rows.
    """
    try:
        if told["version"] != VERSION:
            raise KeystoreError("The keys of this backup are in a form that this version does not know.")
        living = [one for one in told["epochs"] if one["wrapped"]]
        return Carried(told, {UUID(one["id"]): Key(UUID(one["id"]), _epoch(one, seed)) for one in living})
    except (KeyError, TypeError, ValueError):
        raise KeystoreError("The keys of this backup cannot be read.") from None


def _epoch(one: Told, seed: bytes | None) -> bytes:
    identifier = UUID(one["id"])
    if seed is None:
        root = roots.from_url(settings.PACS_KEK_URL)
        if UUID(one["root_id"]) != root.id:
            raise RootKeyError(
                f"The root key ({root.describe()}) is not the one that wrapped the keys of this backup; name the right "
                "one in PACS_KEK_URL, or give recovery shares."
            )
        return root.unwrap(identifier, _bytes(one["wrapped"]) or b"")
    sealed = _bytes(one["recovery"])
    if sealed is None:
        raise RecoveryError(f"Epoch {one['number']} was never sealed to the recovery key.")
    return open_(seed, identifier, sealed)


def _text(value: bytes | memoryview | None) -> str | None:
    return None if value is None else b64encode(bytes(value)).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text, validate=True)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
