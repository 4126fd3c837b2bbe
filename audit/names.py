"""Whose name that is: the log's keys of everybody who ever acted under it, found without walking over the record."""

from django.db import connection

# Each step looks up the next key, and the oldest and newest name under it: a few look-ups for each actor there ever
# was, however many rows they left.
_ACTORS = """
WITH RECURSIVE actors(actor) AS (
    SELECT min(actor_key) FROM audit_event
    UNION ALL
    SELECT (SELECT min(actor_key) FROM audit_event WHERE actor_key > actor) FROM actors WHERE actor IS NOT NULL
)
SELECT actor,
    (SELECT actor_name FROM audit_event WHERE actor_key = actor ORDER BY log, seq LIMIT 1),
    (SELECT actor_name FROM audit_event WHERE actor_key = actor ORDER BY log DESC, seq DESC LIMIT 1)
FROM actors WHERE actor IS NOT NULL
"""


def keys(name: str, *kinds: str) -> frozenset[str]:
    """The keys of actors of these kinds (of all, where none is given) that first or last acted under a name.

    Letters' case does not matter. Who was renamed twice is found by the name of now (`accounts`) or by these two.
    """
    wanted = name.casefold()
    with connection.cursor() as cursor:
        cursor.execute(_ACTORS)
        found = cursor.fetchall()
    mine = (key for key, *names in found if wanted in (one.casefold() for one in names))
    return frozenset(key for key in mine if not kinds or key.partition(":")[0] in kinds)
