import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_scope_rules"),
    ]

    operations = [
        migrations.CreateModel(
            name="Challenge",
            fields=[
                ("session", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("value", models.CharField(max_length=64)),
                ("act", models.CharField(max_length=8)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="Passkey",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("credential_id", models.CharField(max_length=1364, unique=True)),
                ("credential", models.BinaryField()),
                ("aaguid", models.UUIDField()),
                ("sign_count", models.BigIntegerField(default=0)),
                ("transports", models.JSONField(default=list)),
                ("host", models.CharField(max_length=255)),
                ("name", models.CharField(blank=True, max_length=60)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="passkeys",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
