"""The few statements that run for every object, as plain SQL for both databases: building them costs nothing."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from django.db import models

from archive.models import Instance, Series, Study
from audit import plain

_INSTANCE, _STUDY, _SERIES = (model._meta.db_table for model in (Instance, Study, Series))
_PREPARED: Final = frozenset({"UUIDField", "DateTimeField"})


def known(sop_uids: Collection[str]) -> set[str]:
    """Those of the SOP Instance UIDs that a current instance has."""
    places = ", ".join(["%s"] * len(sop_uids))
    statement = f"SELECT uid FROM {_INSTANCE} WHERE current AND uid IN ({places})"  # noqa: S608 # nosec B608
    return {row[0] for row in plain.execute(statement, list(sop_uids)).fetchall()}


def count_study(study: UUID, key: UUID, instances: int, size: int, arrived: datetime) -> bool:
    """Raise a study's counts; False when there is no such study under this key."""
    latest = "MAX" if plain.vendor() == "sqlite" else "GREATEST"
    statement = (
        f"UPDATE {_STUDY} SET instance_count = instance_count + %s, size = size + %s, "  # noqa: S608 # nosec B608
        f"last_received_at = {latest}(last_received_at, %s) WHERE id = %s AND key_id = %s"
    )
    values = [instances, size, *plain.prepared(arrived, study, key)]
    return bool(plain.execute(statement, values).rowcount == 1)


def count_series(series: UUID, study: UUID, instances: int) -> bool:
    """Raise a series' count; False when there is no such series."""
    statement = f"UPDATE {_SERIES} SET instance_count = instance_count + %s WHERE id = %s AND study_id = %s"  # noqa: S608 # nosec B608
    return bool(plain.execute(statement, [instances, *plain.prepared(series, study)]).rowcount == 1)


def insert(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of a model, each with a value for every column by its name. Raises KeyError where one lacks."""
    if not rows:
        return
    statement, taken, prepared = _insert(model)
    values = [list(taken(row)) for row in rows]
    ready = iter(plain.prepared(*(row[at] for row in values for at in prepared)))
    for row in values:
        for at in prepared:
            row[at] = next(ready)
    plain.execute_many(statement, values)


@cache
def _insert(model: type[models.Model]) -> tuple[str, Callable[[Any], tuple[Any, ...]], tuple[int, ...]]:
    """The statement for a model, what takes a row's values, and which of them the driver wants prepared."""
    fields = model._meta.concrete_fields
    names = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    prepared = tuple(at for at, field in enumerate(fields) if _kind(field) in _PREPARED)
    statement = f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ({places})'  # noqa: S608 # nosec B608
    return statement, itemgetter(*(field.attname for field in fields)), prepared


def _kind(field: Any) -> str:
    """What a column holds; that of the key it refers to where it refers to one."""
    kind: str = (field.target_field if field.is_relation else field).get_internal_type()
    return kind
