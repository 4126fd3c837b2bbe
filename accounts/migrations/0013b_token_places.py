"""From where each token was used, so that a new place is told."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_power_takes_two")]
    operations = [migrations.AddField("token", "places", models.JSONField(default=list))]
