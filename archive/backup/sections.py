"""Which tables a backup holds, and how their rows are cut into parts that stay the same while their rows do.

Rows are read in an order of their own, and a part ends behind a group whose digest says so. So a new study, wherever
its random id puts it, changes one part of each table and leaves all the others as the last backup has them.
"""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from django.apps import apps
from django.db.models import Field, Model, Q, QuerySet

MOST_BYTES = 4 << 20
_MOST_PARTS = 4096  # of a table, about; then parts grow

# What a restored archive does without: who was signed in, what a process was about, what a rebuild was looking at, and
# what Django keeps for itself.
LEFT_OUT = frozenset(
    {
        *("accounts_session", "accounts_desk", "accounts_setuplink", "accounts_attempt", "accounts_challenge"),
        "accounts_knownplace",
        *("audit_lease", "audit_heartbeat", "audit_journalmark", "archive_unnamed"),
        *("auth_group", "auth_group_permissions", "auth_permission", "django_content_type"),
    }
)
# The wrapped keys: they travel in the key part, which can be replaced.
IN_KEY_PART = frozenset({"keystore_installation", "keystore_epochkey", "keystore_installationkey", "archive_studykey"})


@dataclass(frozen=True, slots=True)
class Section:
    """A table in a backup: read in this order; rows that agree in the first `group` columns of it stay together, and a
    part holds about `groups` such groups, more in a large table. `without` are columns that a database draws anew,
    `done` rows that need not travel."""

    model: type[Model]
    order: tuple[str, ...]
    group: int = 1
    groups: int = 64
    without: frozenset[str] = frozenset()
    done: Q | None = None

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def fields(self) -> list["Field[Any, Any]"]:
        """The columns that travel, in the order of the model."""
        return [field for field in self.model._meta.concrete_fields if field.attname not in self.without]

    @property
    def rows(self) -> "QuerySet[Any]":
        """The rows that travel, in their order."""
        found = self.model._default_manager.order_by(*self.order)
        return found if self.done is None else found.exclude(self.done)


_ID = frozenset({"id"})
_OWNED: dict[str, dict[str, Any]] = {
    "archive_study": {"groups": 4},
    "archive_patient": {"groups": 4},
    "archive_phrase": {"groups": 8},
    "archive_series": {"order": ("study_id", "id"), "groups": 4},
    "archive_instance": {"order": ("study_id", "id"), "groups": 4},
    "archive_rendition": {"order": ("study_id", "id"), "groups": 4},
    "archive_held": {"order": ("study_id", "id"), "groups": 4},
    "archive_pack": {"order": ("study", "id"), "groups": 4},
    "archive_studytoken": {"order": ("study_id", "column", "token"), "groups": 4, "without": _ID},
    "archive_patienttoken": {"order": ("patient_id", "column", "token"), "groups": 4, "without": _ID},
    "archive_phrasetoken": {"order": ("phrase_id", "column", "token"), "groups": 8, "without": _ID},
    "archive_job": {"done": Q(state="done")},
    "accounts_access": {"order": ("study_uid", "audience", "rule"), "groups": 16, "without": _ID},
    "accounts_person_roles": {"order": ("person_id", "role_id"), "without": _ID},
    "accounts_person_groups": {"order": ("person_id", "group_id"), "without": _ID},
    "accounts_device_groups": {"order": ("device_id", "group_id"), "without": _ID},
    "audit_alias": {"order": ("joined_at", "id")},
    "audit_event": {"order": ("log", "seq"), "group": 2, "groups": 64},
    "audit_listed": {"order": ("log", "seq", "position"), "group": 2, "groups": 64},
    "audit_checkpoint": {"order": ("log", "size"), "group": 2, "groups": 64, "without": _ID},
}


def sections() -> list[Section]:
    """Every table that travels as rows, by name."""
    found = [_section(model) for model in _models() if model._meta.db_table not in LEFT_OUT | IN_KEY_PART]
    return sorted(found, key=lambda section: section.table)


def section(table: str) -> Section:
    """One table, be it of the key part. Raises KeyError for one that does not travel."""
    return next((_section(model) for model in _models() if model._meta.db_table == table), None) or _unknown(table)


def _unknown(table: str) -> Section:
    raise KeyError(table)


def _models() -> list[type[Model]]:
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.db_table not in LEFT_OUT]


def _section(model: type[Model]) -> Section:
    primary = model._meta.pk
    usual = {"order": (primary.attname if primary is not None else "id",)}
    return Section(model, **{**usual, **_OWNED.get(model._meta.db_table, {})})


def parts(one: Section) -> Iterator[tuple[bytes, int]]:
    """The rows of a table as the plain bytes of parts, each with the number of rows in it."""
    names = [field.attname for field in one.fields]
    grouped = [names.index(name) for name in one.order[: one.group]]
    lines: list[bytes] = []
    groups = _groups(one)
    size, before = 0, None
    for row in one.rows.values_list(*names).iterator(2000):
        group = tuple(row[at] for at in grouped)
        if lines and (size >= MOST_BYTES or (group != before and _ends(before, groups))):
            yield _part(one, names, lines), len(lines)
            lines, size = [], 0
        lines.append(encoded(row))
        size, before = size + len(lines[-1]), group
    if lines:
        yield _part(one, names, lines), len(lines)


def _groups(one: Section) -> int:
    """How many groups a part holds: a power of two, so that where parts end in a larger table they ended before."""
    groups, count = one.groups, one.rows.count()
    while groups * _MOST_PARTS < count:
        groups *= 2
    return groups


def encoded(values: tuple[Any, ...]) -> bytes:
    """One row as JSON: bytes in base64, moments as RFC 3339 spells them."""
    return orjson.dumps(values, default=_text, option=orjson.OPT_UTC_Z)


def _text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return b64encode(bytes(value)).decode()
    raise TypeError(type(value).__name__)


def _part(one: Section, names: list[str], lines: list[bytes]) -> bytes:
    return b"\n".join([orjson.dumps({"table": one.table, "columns": names}), *lines])


def _ends(group: tuple[Any, ...] | None, groups: int) -> bool:
    """Whether a part ends behind this group: one group in so many, always the same ones."""
    return int.from_bytes(sha256(repr([str(value) for value in group or ()]).encode()).digest()[:4]) % groups == 0
