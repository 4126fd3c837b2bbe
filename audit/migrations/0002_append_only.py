"""Triggers that refuse to change or remove what is on record, whoever asks and through whatever statement."""

from django.db import migrations

REFUSAL = "the record is append-only"
# Table and the columns by which an INSERT OR REPLACE could hit an existing row.
TABLES = {
    "audit_event": (("log", "seq"), ("id",)),
    "audit_listed": (("log", "seq", "position"),),
    "audit_checkpoint": (("log", "size"), ("id",)),
}


def _sqlite(table: str, uniques: tuple[tuple[str, ...], ...]) -> list[str]:
    # recursive_triggers lets the DELETE trigger see a REPLACE; the INSERT trigger refuses it where that is off.
    same = [" AND ".join(f'"{name}" = NEW."{name}"' for name in names) for names in uniques]
    exists = " UNION ALL ".join(f"SELECT 1 FROM {table} WHERE {match}" for match in (*same, "rowid = NEW.rowid"))  # noqa: S608 # nosec B608
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS ({exists}) {refuse}",
    ]


def _postgres(table: str) -> list[str]:
    # ENABLE ALWAYS: a session that plays a replica does not get past them either.
    call = "EXECUTE FUNCTION audit_refuse()"
    return [
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {call}",
        f"CREATE TRIGGER {table}_no_sweep BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT {call}",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_change",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_sweep",
    ]


FUNCTION = (
    "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
)


def guard(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        statements = [statement for table, uniques in TABLES.items() for statement in _sqlite(table, uniques)]
    else:
        statements = [FUNCTION, *(statement for table in TABLES for statement in _postgres(table))]
    for statement in statements:
        schema_editor.execute(statement, params=None)


def unguard(apps, schema_editor):
    for table in TABLES:
        if schema_editor.connection.vendor == "sqlite":
            for act in ("update", "delete", "replace"):
                schema_editor.execute(f"DROP TRIGGER {table}_no_{act}")
        else:
            schema_editor.execute(f"DROP TRIGGER {table}_no_change ON {table}")
            schema_editor.execute(f"DROP TRIGGER {table}_no_sweep ON {table}")
    if schema_editor.connection.vendor != "sqlite":
        schema_editor.execute("DROP FUNCTION audit_refuse()")


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(guard, unguard)]
