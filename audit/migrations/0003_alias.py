"""Which pseudonyms are one patient, append-only like what is on record."""

from uuid import uuid4

from django.db import migrations, models

REFUSE = "BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END"
SAME = "id = NEW.id OR rowid = NEW.rowid OR (pseudonym = NEW.pseudonym AND same_as = NEW.same_as)"
KNOWN = f"EXISTS (SELECT 1 FROM audit_alias WHERE {SAME})"  # noqa: S608 # nosec B608
SQLITE = (
    f"CREATE TRIGGER audit_alias_no_update BEFORE UPDATE ON audit_alias {REFUSE}",
    f"CREATE TRIGGER audit_alias_no_delete BEFORE DELETE ON audit_alias {REFUSE}",
    f"CREATE TRIGGER audit_alias_no_replace BEFORE INSERT ON audit_alias WHEN {KNOWN} {REFUSE}",
)
POSTGRES = (
    "CREATE TRIGGER audit_alias_no_change BEFORE UPDATE OR DELETE ON audit_alias "
    "FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_alias_no_sweep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_alias "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    "ALTER TABLE audit_alias ENABLE ALWAYS TRIGGER audit_alias_no_change",
    "ALTER TABLE audit_alias ENABLE ALWAYS TRIGGER audit_alias_no_sweep",
)


def guard(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRES:
        schema_editor.execute(statement, params=None)


def unguard(apps, schema_editor):
    """The triggers go with their table."""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]
    operations = [
        migrations.CreateModel(
            name="Alias",
            fields=[
                ("id", models.UUIDField(default=uuid4, primary_key=True, serialize=False)),
                ("pseudonym", models.CharField(db_index=True, max_length=32)),
                ("same_as", models.CharField(db_index=True, max_length=32)),
                ("joined_at", models.DateTimeField(auto_now_add=True)),
                ("reason", models.CharField(max_length=40)),
            ],
            options={
                "db_table": "audit_alias",
                "constraints": [models.UniqueConstraint(fields=("pseudonym", "same_as"), name="one_alias")],
            },
        ),
        migrations.RunPython(guard, unguard),
    ]
