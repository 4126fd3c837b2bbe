"""The few statements that run for every object, as plain SQL for both databases: building them costs nothing."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models

from archive.models import Instance, Series, Study

_INSTANCE, _STUDY, _SERIES = (model._meta.db_table for model in (Instance, Study, Series))


def known(sop_uids: Collection[str]) -> set[str]:
    """Those of the SOP Instance UIDs that a current instance has."""
    wanted = list(sop_uids)
    places = ", ".join(["%s"] * len(wanted))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT uid FROM {_INSTANCE} WHERE current AND uid IN ({places})", wanted)  # noqa: S608
        return {row[0] for row in cursor.fetchall()}


def count_study(study: UUID, key: UUID, instances: int, size: int, arrived: datetime) -> bool:
    """Raise a study's counts; False when there is no such study under this key."""
    latest = "MAX" if connection.vendor == "sqlite" else "GREATEST"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_STUDY} SET instance_count = instance_count + %s, size = size + %s, "  # noqa: S608
            f"last_received_at = {latest}(last_received_at, %s) WHERE id = %s AND key_id = %s",
            [instances, size, _moment(arrived), _uuid(study), _uuid(key)],
        )
        return bool(cursor.rowcount == 1)


def count_series(series: UUID, study: UUID, instances: int) -> bool:
    """Raise a series' count; False when there is no such series."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_SERIES} SET instance_count = instance_count + %s WHERE id = %s AND study_id = %s",  # noqa: S608
            [instances, _uuid(series), _uuid(study)],
        )
        return bool(cursor.rowcount == 1)


def insert(rows: Sequence[models.Model]) -> None:
    """Insert rows of one model, every column given."""
    if not rows:
        return
    statement, fields = _insert(type(rows[0]))
    values = [[field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields] for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


@cache
def _insert(model: type[models.Model]) -> tuple[str, list[Any]]:
    fields = list(model._meta.concrete_fields)
    names = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    return f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ({places})', fields  # noqa: S608


def _uuid(value: UUID) -> Any:
    return value.hex if connection.vendor == "sqlite" else value


def _moment(value: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(value)
