import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def release(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """What was found the same keeps its digest and names no bytes any more."""
    apps.get_model("archive", "Held").objects.filter(state="same").update(pack=None, offset=0, length=0)


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0005_tending"),
    ]

    operations = [
        migrations.AddField(
            model_name="pack",
            name="compacted_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="pack",
            name="removed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="held",
            name="pack",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="archive.pack"
            ),
        ),
        migrations.RunPython(release, migrations.RunPython.noop),
    ]
