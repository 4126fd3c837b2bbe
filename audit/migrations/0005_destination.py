"""How far the log was told to each collector of audit messages."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_seeking")]
    operations = [
        migrations.CreateModel(
            name="Destination",
            fields=[
                ("url", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("log", models.PositiveIntegerField()),
                ("seq", models.PositiveBigIntegerField()),
                ("note_log", models.PositiveIntegerField()),
                ("note_size", models.PositiveBigIntegerField()),
                ("moved_at", models.DateTimeField(auto_now=True)),
            ],
            options={"db_table": "audit_destination"},
        ),
    ]
