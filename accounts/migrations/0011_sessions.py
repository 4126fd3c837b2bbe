from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_devices"),
    ]

    operations = [
        migrations.AddField(
            model_name="token",
            name="address",
            field=models.CharField(blank=True, max_length=43),
        ),
        migrations.AddField(
            model_name="token",
            name="used_from",
            field=models.CharField(blank=True, max_length=45),
        ),
    ]
