"""On Postgres the two tables of the log become ranges of (log, seq); what is there stays where it lies, as the first."""

from django.db import migrations

TABLES = ("audit_event", "audit_listed")
EVERYTHING = "FROM (MINVALUE, MINVALUE) TO (MAXVALUE, MAXVALUE)"


def divide(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        for table in TABLES:
            _divide(cursor, table)


def _divide(cursor, table):
    first = f"{table}_1"
    cursor.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisprimary, i.indisunique,"
        " (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = i.indexrelid)"
        " FROM pg_index i WHERE i.indrelid = %s::regclass",
        [table],
    )
    indexes = cursor.fetchall()
    cursor.execute(f"ALTER TABLE {table} RENAME TO {first}")
    # The row trigger of the whole is copied to each of its parts, under the same name.
    cursor.execute(f"DROP TRIGGER {table}_no_change ON {first}")
    for name, _definition, _primary, _unique, _columns in indexes:
        cursor.execute(f"ALTER INDEX {name} RENAME TO {name}_1")
    cursor.execute(f"CREATE TABLE {table} (LIKE {first} INCLUDING DEFAULTS) PARTITION BY RANGE (log, seq)")
    for name, definition, primary, unique, columns in indexes:
        if primary:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} PRIMARY KEY ({columns})")
        elif not unique:
            # What is unique without log and seq can be so within one part alone; it stays there.
            cursor.execute(definition)
    cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {first} FOR VALUES {EVERYTHING}")
    call = "EXECUTE FUNCTION audit_refuse()"
    cursor.execute(f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {call}")
    cursor.execute(
        f"CREATE TRIGGER {table}_no_sweep BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT {call}"
    )
    for part in (table, first):
        for trigger in ("no_change", "no_sweep"):
            cursor.execute(f"ALTER TABLE {part} ENABLE ALWAYS TRIGGER {table}_{trigger}")


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_inbox")]
    operations = [migrations.RunPython(divide, migrations.RunPython.noop)]
