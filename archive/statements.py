"""The few statements that run for every object, as plain SQL for both databases: building them costs nothing."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db import models

from archive.models import Instance, Pack, Patient, PatientToken, Series, Study, StudyKey
from audit import plain

_INSTANCE, _STUDY, _SERIES, _KEY, _PACK, _PATIENT, _TOKEN = (
    model._meta.db_table for model in (Instance, Study, Series, StudyKey, Pack, Patient, PatientToken)
)


class KeyRow(NamedTuple):
    """What opening a key needs of its row."""

    id: UUID
    scope: str
    subject: str
    epoch: UUID
    wrapped: bytes


def keys(scopes: Sequence[str], subjects: Sequence[str]) -> list[KeyRow]:
    """The keys of these subjects in these scopes: two hundred of them for one page of a list."""
    if not scopes or not subjects:
        return []
    these, those = (", ".join(["%s"] * len(values)) for values in (scopes, subjects))
    statement = (
        f"SELECT id, scope, subject, epoch, wrapped FROM {_KEY} "  # noqa: S608 # nosec B608
        f"WHERE scope IN ({these}) AND subject IN ({those})"
    )
    rows = plain.execute(statement, [*scopes, *subjects]).fetchall()
    return [
        KeyRow(plain.uuid(key), scope, subject, _epoch(epoch), bytes(wrapped))
        for key, scope, subject, epoch, wrapped in rows
    ]


@lru_cache(maxsize=64)
def _epoch(value: str | UUID) -> UUID:
    """The id of an epoch; there are few of them."""
    return plain.uuid(value)


def known(sop_uids: Collection[str]) -> set[str]:
    """Those of the SOP Instance UIDs that a current instance has."""
    places = ", ".join(["%s"] * len(sop_uids))
    statement = f"SELECT uid FROM {_INSTANCE} WHERE current AND uid IN ({places})"  # noqa: S608 # nosec B608
    return {row[0] for row in plain.execute(statement, list(sop_uids)).fetchall()}


def uids_of(series: UUID, most: int) -> list[str] | None:
    """The SOP Instance UIDs of a series, None where there are more of them."""
    statement = f"SELECT uid FROM {_INSTANCE} WHERE series_id = %s LIMIT %s"  # noqa: S608 # nosec B608
    rows = plain.execute(statement, [series, most + 1]).fetchall()
    return None if len(rows) > most else [row[0] for row in rows]


def tokenless(pseudonyms: Collection[str], cells: Sequence[str]) -> list[UUID]:
    """Those of the patients of whom one of these cells says something, and who have no search tokens."""
    places, empty = ", ".join(["%s"] * len(pseudonyms)), " AND ".join(f"length({cell}) = 0" for cell in cells)
    statement = (
        f"SELECT id FROM {_PATIENT} WHERE pseudonym IN ({places}) AND NOT ({empty}) "  # noqa: S608 # nosec B608
        f"AND NOT EXISTS (SELECT 1 FROM {_TOKEN} WHERE {_TOKEN}.patient_id = {_PATIENT}.id)"
    )
    return [plain.uuid(row[0]) for row in plain.execute(statement, list(pseudonyms)).fetchall()]


def count_study(study: UUID, key: UUID, instances: int, size: int, arrived: datetime) -> bool:
    """Raise a study's counts; False when there is no such study under this key."""
    statement = (
        f"UPDATE {_STUDY} SET instance_count = instance_count + %s, size = size + %s, "  # noqa: S608 # nosec B608
        f"last_received_at = LATER(last_received_at, %s) WHERE id = %s AND key_id = %s"
    )
    return bool(plain.execute(statement, [instances, size, arrived, study, key]).rowcount == 1)


def count_series(series: UUID, study: UUID, instances: int) -> bool:
    """Raise a series' count; False when there is no such series."""
    statement = f"UPDATE {_SERIES} SET instance_count = instance_count + %s WHERE id = %s AND study_id = %s"  # noqa: S608 # nosec B608
    return bool(plain.execute(statement, [instances, series, study]).rowcount == 1)


def owe(packs: Collection[UUID]) -> None:
    """Mark packs in which objects may lie that have no rows yet."""
    statement = f"UPDATE {_PACK} SET owed = %s WHERE id = %s"  # noqa: S608 # nosec B608
    for pack in sorted(packs):
        plain.execute(statement, [True, pack])


def settled(packs: Collection[UUID]) -> None:
    """Take that mark away."""
    statement = f"UPDATE {_PACK} SET owed = %s WHERE id = %s AND owed"  # noqa: S608 # nosec B608
    for pack in sorted(packs):
        plain.execute(statement, [False, pack])


def verified(digests: Mapping[UUID, str], moment: datetime) -> None:
    """Note what reading back instances has shown, their SHA-256, of those of which it was not noted before."""
    statement = f"UPDATE {_INSTANCE} SET sha256 = %s, verified_at = %s WHERE id = %s AND verified_at IS NULL"  # noqa: S608 # nosec B608
    plain.execute_many(statement, [(value, moment, row) for row, value in digests.items()])


def insert(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of a model, each with a value for every column by its name. Raises KeyError where one lacks."""
    if rows:
        statement, taken = _insert(model)
        plain.execute_many(statement, [taken(row) for row in rows])


@cache
def _insert(model: type[models.Model]) -> tuple[str, Callable[[Any], tuple[Any, ...]]]:
    """The statement for a model, and what takes a row's values."""
    fields = model._meta.concrete_fields
    names = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    statement = f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ({places})'  # noqa: S608 # nosec B608
    return statement, itemgetter(*(field.attname for field in fields))
