"""Acts of two people; and roles may be read by those who give them and by those who read the record."""

import uuid

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def let_roles_be_read(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    for role in apps.get_model("accounts", "Role").objects.all():
        if {"people.manage", "log.read"} & set(role.permissions):
            role.permissions = sorted({*role.permissions, "roles.read"})
            role.save(update_fields=["permissions"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_device_certificates")]
    operations = [
        migrations.RunPython(let_roles_be_read, migrations.RunPython.noop),
        migrations.CreateModel(
            name="Approval",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=40)),
                ("subject", models.CharField(max_length=64)),
                ("concerns", models.UUIDField(null=True)),
                ("asked_by", models.UUIDField()),
                ("asker", models.CharField(max_length=60)),
                ("asked_at", models.DateTimeField()),
                ("alone_from", models.DateTimeField(null=True)),
                ("lapses_at", models.DateTimeField()),
                ("state", models.CharField(default="open", max_length=10)),
                ("decider", models.CharField(blank=True, max_length=60)),
                ("decided_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["state", "asked_at"], name="approval_state")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")), fields=("kind", "subject"), name="one_asked"
                    )
                ],
            },
        ),
    ]
