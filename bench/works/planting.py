"""Plants a long record straight into the tables, as no program could write it so fast.

Plausible in its proportions, one day like the next over three years. Its hashes are not true: it is for measuring how
fast pages are, and `audit verify` would rightly call it edited. All of it is invented.
"""

from typing import Any

from django.db import connection

YEARS_US = 3 * 365 * 86_400 * 1_000_000
STUDIES, PATIENTS, PEOPLE = 400_000, 150_000, 400
BUSY = 1000  # one sitting in so many is of study 0: a teaching case, looked at every day
_BLOCK = 8  # rows: a sitting of five, a search, an arrival, and something else
_LISTED = 3

# `n` counts rows and `b` blocks; a large prime scatters what would otherwise stand in order.
_STUDY = f"CASE WHEN b % {BUSY} = 0 THEN 0 ELSE b * 2654435761 % {STUDIES} END"
_PERSON = f"b * 40503 % {PEOPLE}"
_PART = f"n % {_BLOCK}"
_KIND = (
    f"CASE WHEN {_PART} IN (0, 3) THEN 'study:view' WHEN {_PART} IN (1, 2, 4) THEN 'study:delivered' "
    f"WHEN {_PART} = 5 THEN 'study:search' WHEN {_PART} = 6 THEN 'study:store' "
    "WHEN b % 40 = 1 THEN 'study:view' WHEN b % 400 = 2 THEN 'study:download' "
    "WHEN b % 90000 = 3 THEN 'study:destroyed' ELSE 'person:sign-in' END"
)
_OUTCOME = (
    f"CASE WHEN {_PART} = 7 AND b % 40 = 1 THEN 'denied' WHEN {_PART} = 7 AND b % 4000 = 2 THEN 'failed' ELSE 'ok' END"
)
_ABOUT = f"({_PART} <> 5 AND ({_PART} <> 7 OR b % 40 = 1 OR b % 400 = 2))"


def plant(rows: int, first_us: int, person: str, device: str) -> None:
    """Plant so many rows behind what is there, over three years from `first_us`; two actors have the keys given."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # No page may take so long as this does.
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("SET maintenance_work_mem = '512MB'")
        put_back = _strip(cursor)
        cursor.execute("SELECT max(seq) FROM audit_event")
        last = cursor.fetchone()[0] or 0
        cursor.execute(_events(rows, last, first_us, person, device))
        cursor.execute(_listings(rows, last))
        for statement in put_back:
            cursor.execute(statement)
        cursor.execute("ANALYZE")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM audit_event, audit_listed")
            cursor.execute("RESET maintenance_work_mem")
            cursor.execute("RESET statement_timeout")


def _strip(cursor: Any) -> list[str]:
    """Take indexes and triggers away, which cost more row by row than at once; return what puts them back."""
    if connection.vendor == "sqlite":
        of = "tbl_name IN ('audit_event', 'audit_listed') AND sql IS NOT NULL AND type IN ('index', 'trigger')"
        cursor.execute(f"SELECT type, name, sql FROM sqlite_master WHERE {of} ORDER BY type")
        found = cursor.fetchall()
    else:
        cursor.execute(
            "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE tablename IN ('audit_event', 'audit_listed')"
            " AND indexname NOT LIKE '%pkey'"
        )
        found = [(kind, name, sql.replace(" ON ONLY ", " ON ")) for kind, name, sql in cursor.fetchall()]
    for kind, name, _ in found:
        cursor.execute(f"DROP {kind} {name}")
    return [sql for _, _, sql in found]


def _series(rows: int) -> str:
    if connection.vendor == "sqlite":
        numbers = f"WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {rows - 1})"
        return f"({numbers} SELECT n, n / {_BLOCK} AS b FROM s)"
    return f"(SELECT n, n / {_BLOCK} AS b FROM generate_series(0::bigint, {rows - 1}) AS s(n)) AS numbers"


def _hex(number: str) -> str:
    if connection.vendor == "sqlite":
        return f"printf('%032x', {number})"
    return f"lpad(to_hex(({number})::bigint), 32, '0')"


def _uuid(number: str) -> str:
    return _hex(number) if connection.vendor == "sqlite" else f"({_hex(number)})::uuid"


def _events(rows: int, last: int, first_us: int, person: str, device: str) -> str:
    zeros = "zeroblob(32)" if connection.vendor == "sqlite" else "decode(repeat('00', 32), 'hex')"
    empty = "x''" if connection.vendor == "sqlite" else "''::bytea"
    no_uuid = "NULL" if connection.vendor == "sqlite" else "NULL::uuid"
    arrives = f"{_PART} = 6"
    values = {
        "log": "1",
        "seq": f"{last} + 1 + n",
        "id": _uuid("n + 1"),
        "version": "1",
        "time_us": f"{first_us} + n * {YEARS_US // rows}",
        "action": _KIND,
        "outcome": _OUTCOME,
        "actor_kind": f"CASE WHEN {arrives} THEN 'device' ELSE 'person' END",
        "actor_key": f"CASE WHEN {arrives} THEN (CASE WHEN b % 20 = 0 THEN '{device}' ELSE 'device:' || (b % 20) END)"
        f" WHEN {_PERSON} = 0 THEN '{person}' ELSE 'person:' || ({_PERSON}) END",
        "actor_name": f"CASE WHEN {arrives} THEN 'MODALITY' || (b % 20) ELSE 'reader' || ({_PERSON}) END",
        "actor_role": f"CASE WHEN {arrives} THEN '' ELSE 'clinician' END",
        "actor_address": "'10.0.' || (b % 7) || '.' || (b * 31 % 250)",
        "actor_ae_title": f"CASE WHEN {arrives} THEN 'MODALITY' || (b % 20) ELSE '' END",
        "actor_session": f"CASE WHEN {arrives} THEN '' ELSE {_hex('b / 20')} END",
        "request_id": "''",
        "purpose": f"CASE WHEN {_PART} IN (0, 3) THEN 'care' ELSE '' END",
        "study_uid": f"CASE WHEN {_ABOUT} THEN '1.2.826.0.1.3680043.10.99.' || ({_STUDY}) ELSE '' END",
        "patient": f"CASE WHEN {_ABOUT} THEN {_hex(f'({_STUDY}) % {PATIENTS}')} ELSE '' END",
        "sitting": f"CASE WHEN {_PART} < 5 THEN {_uuid('b + 1')} ELSE {no_uuid} END",
        "count": f"CASE WHEN {_PART} = 5 THEN {_LISTED} ELSE 1 END",
        "details_key": no_uuid,
        "details": empty,
        "leaf": zeros,
        '"row"': zeros,
    }
    return f"INSERT INTO audit_event ({', '.join(values)}) SELECT {', '.join(values.values())} FROM {_series(rows)}"


def _listings(rows: int, last: int) -> str:
    places = " UNION ALL ".join(f"SELECT {position} AS position" for position in range(_LISTED))
    uid = f"'1.2.826.0.1.3680043.10.99.' || ({_STUDY} + position * 131) % {STUDIES}"
    return (
        f"INSERT INTO audit_listed (log, seq, position, study_uid) SELECT 1, {last} + 1 + n, position, {uid} "
        f"FROM {_series(rows)} CROSS JOIN ({places}) AS places WHERE {_PART} = 5"
    )
