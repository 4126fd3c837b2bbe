"""On Postgres the turn to write the log and its newest row come by one call, whose plans the server keeps."""

from django.db import migrations

MAKE = """
CREATE FUNCTION audit_turn(
    patience text, synchronous text, OUT log integer, OUT seq bigint, OUT "row" bytea, OUT time_us bigint
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('lock_timeout', patience, true), set_config('synchronous_commit', synchronous, true);
    PERFORM pg_advisory_xact_lock(109356099334003);
    -- A statement of its own, so that it sees what the one before us committed.
    SELECT e.log, e.seq, e."row", e.time_us INTO audit_turn.log, audit_turn.seq, audit_turn."row", audit_turn.time_us
        FROM audit_event e ORDER BY e.log DESC, e.seq DESC LIMIT 1;
END $$
"""


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(MAKE)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION audit_turn(text, text)")


class Migration(migrations.Migration):
    dependencies = [("audit", "0007_partitions")]
    operations = [migrations.RunPython(make, remove)]
