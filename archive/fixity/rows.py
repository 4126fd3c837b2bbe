"""The rows of fixity: what was found damaged, and how far a scrub has come. Loaded by `archive.models`."""

from uuid import uuid4

from django.db import models


class Finding(models.Model):
    """One damage of one stored object, from when it was found until the object verified again. Rows stay as history.

    `object_id` is the id of an instance, a rendition or a newcomer held back; `what` says which part does not verify.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    object_id = models.UUIDField(db_index=True)
    what = models.CharField(max_length=40)
    error = models.CharField(max_length=200)
    expected = models.CharField(max_length=64, blank=True)  # SHA-256 as recorded, where that is what differs
    found = models.CharField(max_length=64, blank=True)
    found_at = models.DateTimeField()
    last_at = models.DateTimeField()
    mended_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "archive"
        constraints = [
            models.UniqueConstraint(
                fields=["object_id", "what"], condition=models.Q(mended_at=None), name="one_open_finding"
            )
        ]


class Scrub(models.Model):
    """One pass over what is stored, and the place of the last object whose verdict is committed: it survives a kill."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    percent = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    study = models.UUIDField(null=True)
    pack = models.CharField(max_length=120, blank=True)
    offset = models.PositiveBigIntegerField(default=0)
    objects_read = models.PositiveBigIntegerField(default=0)
    bytes_read = models.PositiveBigIntegerField(default=0)
    damaged = models.PositiveBigIntegerField(default=0)

    class Meta:
        app_label = "archive"
        constraints = [
            models.UniqueConstraint(fields=["percent"], condition=models.Q(finished_at=None), name="one_open_scrub")
        ]
