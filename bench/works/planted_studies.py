"""Plants an index of very many studies, and whose they are, straight into the tables. All of it is invented.

Group 0 has one study in a hundred, the other 599 share the rest; every twentieth study has a second group, one in a
thousand is restricted, one in two thousand in the trash. Nothing in it opens: it is for measuring scope alone.
"""

from typing import Any
from uuid import UUID

from django.db import connection

GROUPS = 600
GRANTS = 50_000


def uid(number: int) -> str:
    """The UID of a study, scattered as those of many makers are."""
    return f"1.2.826.0.1.3680043.10.{number * 2654435761 % 4294967296}.{number}"


def day(number: int, studies: int) -> str:
    """The date of a study: ten years, evenly."""
    months = number * 120 // studies
    return f"{2016 + months // 12}{months % 12 + 1:02d}{number % 28 + 1:02d}"


def plant(studies: int) -> None:
    """Plant so many studies, and the people `one`, `ten`, `many` and `granted`."""
    _people()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("SET session_replication_role = replica")
        else:
            cursor.execute("PRAGMA foreign_keys = OFF")
        for statement in _statements(studies):
            cursor.execute(statement)
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":
            cursor.execute("RESET session_replication_role")
            cursor.execute("VACUUM archive_study, accounts_access")
            cursor.execute("RESET statement_timeout")


def _people() -> None:
    from accounts.models import Group, Person, Role

    Group.objects.bulk_create(Group(id=UUID(int=1 + number), name=f"group {number}") for number in range(GROUPS))
    for number, (name, groups) in enumerate((("one", 1), ("ten", 10), ("many", 500), ("granted", 1))):
        person = Person.objects.create(id=UUID(int=10_001 + number), username=name)
        person.roles.add(Role.objects.get(name="clinician"))
        # `granted` is in a group that has hardly anything.
        numbers = [599] if name == "granted" else range(1, groups + 1)
        person.groups.set(Group.objects.filter(id__in=[UUID(int=1 + one) for one in numbers]))


def _statements(studies: int) -> list[str]:
    n = _numbers(studies)
    uid_ = "'1.2.826.0.1.3680043.10.' || ((n * 2654435761) % 4294967296) || '.' || n"
    months = f"(n * 120 / {studies})"
    date = f"(2016 + {months} / 12) || substr('0' || ({months} % 12 + 1), -2) || substr('0' || (n % 28 + 1), -2)"
    if connection.vendor == "postgresql":
        date = f"(2016 + {months} / 12) || lpad(({months} % 12 + 1)::text, 2, '0') || lpad((n % 28 + 1)::text, 2, '0')"
    group = f"CASE WHEN n % 100 = 0 THEN 1 ELSE 2 + n * 40503 % {GROUPS - 1} END"
    values: dict[str, Any] = {
        "id": _uuid("n + 1000000"),
        "uid": uid_,
        "patient_id": _uuid("n / 3"),
        "key_id": _uuid("n + 1000000"),
        "date": date,
        **dict.fromkeys(("time", "modalities", "sender"), "''"),
        **dict.fromkeys(("series_count", "instance_count", "size"), "1"),
        **dict.fromkeys(("held_count", "same_count"), "0"),
        **dict.fromkeys(("first_received_at", "last_received_at"), "CURRENT_TIMESTAMP"),
        **dict.fromkeys(("identity_differs", "named"), "false"),
        **dict.fromkeys(("accession_cell", "study_id_cell", "name_cell", "birth_date_cell"), _empty()),
    }
    access = "INSERT INTO accounts_access (audience, study_uid, date, until, rule) SELECT "
    year = "datetime('now', '+300 days')" if connection.vendor == "sqlite" else "now() + interval '300 days'"
    no_end = "NULL" if connection.vendor == "sqlite" else "NULL::timestamptz"
    step = max(1, studies // GRANTS)
    return [
        f"INSERT INTO archive_study ({', '.join(values)}) SELECT {', '.join(values.values())} FROM {n}",
        f"{access}{_uuid(group)}, {uid_}, {date}, {no_end}, 'sender' FROM {n}",
        f"{access}{_uuid(f'1 + n % {GROUPS}')}, {uid_}, {date}, {no_end}, 'attribute' FROM {n} WHERE n % 20 = 7",
        f"{access}{_uuid('10004')}, {uid_}, {date}, {year}, 'grant' FROM {n} WHERE n % {step} = 0",
        f"INSERT INTO accounts_restricted (study_uid) SELECT {uid_} FROM {n} WHERE n % 1000 = 3",
        f"INSERT INTO accounts_withdrawn (study_uid, at, by) SELECT {uid_}, CURRENT_TIMESTAMP, '-' FROM {n} "
        "WHERE n % 2000 = 4",
    ]


def _numbers(studies: int) -> str:
    if connection.vendor == "sqlite":
        return (
            f"(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {studies - 1}) SELECT n FROM s)"
        )
    return f"(SELECT n FROM generate_series(0::bigint, {studies - 1}) AS s(n)) AS numbers"


def _uuid(number: str) -> str:
    if connection.vendor == "sqlite":
        return f"printf('%032x', {number})"
    return f"lpad(to_hex(({number})::bigint), 32, '0')::uuid"


def _empty() -> str:
    return "x''" if connection.vendor == "sqlite" else "''::bytea"
