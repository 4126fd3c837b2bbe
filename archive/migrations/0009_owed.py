from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0008_series_by_number_and_date"),
    ]

    operations = [
        migrations.AddField(
            model_name="pack",
            name="owed",
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name="pack",
            index=models.Index(condition=models.Q(("owed", True)), fields=["study"], name="pack_owed"),
        ),
    ]
