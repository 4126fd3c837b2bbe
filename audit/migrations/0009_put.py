"""On Postgres the server itself gives a row its place in the log, so that nobody holds the turn while rows travel."""

from django.db import migrations

COLUMNS = {
    "id": "uuid",
    "version": "integer",
    "action": "text",
    "outcome": "text",
    "actor_kind": "text",
    "actor_key": "text",
    "actor_name": "text",
    "actor_role": "text",
    "actor_address": "text",
    "actor_ae_title": "text",
    "actor_session": "text",
    "request_id": "text",
    "purpose": "text",
    "study_uid": "text",
    "patient": "text",
    "sitting": "uuid",
    "count": "bigint",
    "details_key": "uuid",
    "details": "bytea",
}
KINDS = ", ".join(COLUMNS.values())
# A plain number for each value, so that no variable of the function bears the name of a column.
PATIENCE, SYNCHRONOUS, TIME, PIECES, LISTED = "$1", "$2", "$3", "$4", "$5"
GIVEN = ", ".join(f"${number}" for number in range(6, len(COLUMNS) + 6))
NAMES = ", ".join(f'"{name}"' for name in COLUMNS)

MAKE = f"""
CREATE FUNCTION audit_put(text, text, bigint, text[], text[], {KINDS}) RETURNS void LANGUAGE plpgsql AS $put$
DECLARE
    newest record;
    now_us bigint := {TIME};
    -- Before the first row of the first log stand 32 zero bytes.
    in_log integer := 1;
    number bigint := 1;
    ahead bytea := decode(repeat('00', 32), 'hex');
    leaf_hash bytea;
BEGIN
    SELECT * INTO newest FROM audit_turn({PATIENCE}, {SYNCHRONOUS});
    IF newest.log IS NOT NULL THEN
        in_log := newest.log;
        number := newest.seq + 1;
        ahead := newest."row";
        now_us := greatest(now_us, newest.time_us);
    END IF;
    -- The canonical form is given in four pieces; between them stands what only this moment knows.
    leaf_hash := sha256('\\x00'::bytea || convert_to(
        {PIECES}[1] || in_log || {PIECES}[2] || number || {PIECES}[3] || now_us || {PIECES}[4], 'UTF8'));
    INSERT INTO audit_event (log, seq, time_us, {NAMES}, leaf, "row") VALUES (
        in_log, number, now_us, {GIVEN}, leaf_hash, sha256('\\x02'::bytea || ahead || int8send(number) || leaf_hash));
    IF {LISTED} <> '{{}}' THEN
        INSERT INTO audit_listed (log, seq, position, study_uid)
            SELECT in_log, number, one.at - 1, one.uid FROM unnest({LISTED}) WITH ORDINALITY AS one (uid, at);
    END IF;
END $put$
"""  # noqa: S608 # nosec B608 # names of our own


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        # Not as a template for values: the text has its own dollars and no percent.
        schema_editor.execute(MAKE, params=None)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP FUNCTION audit_put(text, text, bigint, text[], text[], {KINDS})")


class Migration(migrations.Migration):
    dependencies = [("audit", "0008_turn")]
    operations = [migrations.RunPython(make, remove)]
