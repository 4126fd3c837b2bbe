"""What the record says of an act, and a record that can no longer be written."""

from django.db import connection

from audit.models import AuditEvent


def events(action: str) -> list[tuple[str, str]]:
    """Who did this, and how it ended, oldest first."""
    rows = AuditEvent.objects.filter(action=action).order_by("seq")
    return list(rows.values_list("actor_name", "outcome"))


def last() -> AuditEvent:
    """The newest event."""
    return AuditEvent.objects.order_by("-seq")[0]


def count() -> int:
    """How many events there are."""
    return AuditEvent.objects.count()


def make_the_log_unwritable() -> None:
    """Plant a trigger that refuses every insert into the log of an SQLite installation."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TRIGGER broken BEFORE INSERT ON {AuditEvent._meta.db_table} "
            "BEGIN SELECT RAISE(ABORT, 'broken'); END"
        )
