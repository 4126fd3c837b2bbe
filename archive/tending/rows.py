"""The rows of tending: how far the search tokens have been made anew. Loaded by `archive.models`."""

from uuid import uuid4

from django.db import models


class Reindexing(models.Model):
    """One pass that makes all search tokens anew, and the rows behind which it goes on: it survives a kill."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    level = models.CharField(max_length=8)  # "exact", "prefix" or "full", as PACS_SEARCH was when it began
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    patient = models.UUIDField(null=True)
    phrase = models.UUIDField(null=True)
    patients = models.PositiveBigIntegerField(default=0)
    studies = models.PositiveBigIntegerField(default=0)
    phrases = models.PositiveBigIntegerField(default=0)
    trashed = models.PositiveBigIntegerField(default=0)
    damaged = models.PositiveBigIntegerField(default=0)

    class Meta:
        app_label = "archive"
        constraints = [
            models.UniqueConstraint(fields=["level"], condition=models.Q(finished_at=None), name="one_open_reindexing")
        ]
