"""What exactly somebody asks of a second person, so that nothing else is confirmed than what was shown."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_shared_links")]
    operations = [migrations.AddField("approval", "proposal", models.JSONField(default=dict))]
