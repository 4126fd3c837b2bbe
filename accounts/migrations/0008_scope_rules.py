import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_approvals"),
    ]

    operations = [
        migrations.CreateModel(
            name="BreakGlass",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("person", models.UUIDField()),
                ("patient", models.CharField(max_length=32)),
                ("studies", models.JSONField(default=list)),
                ("reason", models.CharField(max_length=20)),
                ("opened_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("event", models.UUIDField()),
                ("reviewed_at", models.DateTimeField(null=True)),
                ("reviewed_by", models.CharField(blank=True, max_length=150)),
                ("verdict", models.CharField(blank=True, max_length=16)),
                ("review", models.UUIDField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["person", "until"], name="glass_person"),
                    models.Index(fields=["reviewed_at", "opened_at"], name="glass_waiting"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Grant",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("study_uid", models.CharField(max_length=64)),
                ("audience", models.UUIDField()),
                ("at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("by", models.CharField(max_length=150)),
                ("event", models.UUIDField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("study_uid", "audience"), name="one_grant")],
            },
        ),
        migrations.CreateModel(
            name="PhysicianLink",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("referring", models.UUIDField(db_index=True)),
                ("performing", models.UUIDField(db_index=True)),
                ("spelling", models.BinaryField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="spellings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("person", "referring"), name="one_physician_link")],
            },
        ),
        migrations.CreateModel(
            name="ScopeRule",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("attribute", models.CharField(max_length=20)),
                ("pattern", models.CharField(max_length=120)),
                ("folded", models.CharField(max_length=240)),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rules", to="accounts.group"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("attribute", "folded", "group"), name="one_scope_rule")
                ],
            },
        ),
    ]
