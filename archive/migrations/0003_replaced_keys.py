"""A study may be given another key: whose key it is stands in a column of its own, and replaced keys stay beside."""

from django.db import migrations, models


def fill(apps, schema_editor):
    """Until now every key was its owner's first."""
    apps.get_model("archive", "StudyKey").objects.update(owner=models.F("id"))


class Migration(migrations.Migration):
    dependencies = [("archive", "0002_fixity")]

    operations = [
        migrations.AddField("studykey", "owner", models.UUIDField(null=True)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField("studykey", "owner", models.UUIDField()),
        migrations.RemoveConstraint("studykey", "one_key"),
        migrations.AddConstraint(
            "studykey",
            models.UniqueConstraint(
                condition=models.Q(("scope__in", ("study", "patient"))), fields=("scope", "subject"), name="one_key"
            ),
        ),
        migrations.AddIndex("studykey", models.Index(fields=["subject"], name="key_subject")),
    ]
