"""The row of a backup place. Loaded by `archive.models`."""

from uuid import uuid4

from django.db import models


class BackupPlace(models.Model):
    """A folder that holds backups of this archive: whoever ends an epoch must reach the keys there."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    path = models.CharField(max_length=500, unique=True)
    keys_path = models.CharField(max_length=500)  # the folder of the key part: the same, or one kept elsewhere
    registered_at = models.DateTimeField()
    last_at = models.DateTimeField(null=True)  # of the last backup that was completed there
    last_name = models.CharField(max_length=40, blank=True)
    keys_at = models.DateTimeField(null=True)  # when the key part there was last replaced

    class Meta:
        app_label = "archive"
