from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_closed"),
    ]

    operations = [
        migrations.AddField(
            model_name="device",
            name="certificate",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="device",
            name="certificate_ends",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="device",
            name="only_tls",
            field=models.BooleanField(default=False),
        ),
    ]
