import django.db.models.deletion
from django.db import migrations, models

NAME = "archive_instance_series_id_d920b877"


class Migration(migrations.Migration):
    """The index of instances by series is said again by `instance_order`, which begins with the series.

    Said in SQL, since Django would write the whole table of instances anew on SQLite.
    """

    dependencies = [
        ("archive", "0009_owed"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX IF EXISTS {NAME}", f"CREATE INDEX {NAME} ON archive_instance (series_id)"
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="instance",
                    name="series",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="instances",
                        to="archive.series",
                    ),
                ),
            ],
        ),
    ]
