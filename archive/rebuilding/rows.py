"""What lies in packs and no row names, while a rebuild is under way. Loaded by `archive.models`."""

from django.db import models

WAITING, ASIDE, DERIVED = 0, 1, 2
"""Where a record stands: to be looked at in its turn, once more when all the others have been, or last of all."""


class Unnamed(models.Model):
    """One whole record that no row names. Scratch: a rebuild begins with an empty table and leaves one."""

    object_id = models.UUIDField(db_index=True)
    kind = models.PositiveSmallIntegerField()
    generation = models.PositiveBigIntegerField()
    key_id = models.UUIDField()
    owner = models.UUIDField()  # the study row in whose folder it lies
    pack = models.CharField(max_length=120)
    head = models.PositiveIntegerField()  # how long its head is, which ends where the object begins
    offset = models.PositiveBigIntegerField()
    length = models.PositiveBigIntegerField()
    arrived_us = models.BigIntegerField(default=0)
    written_at = models.DateTimeField()  # when the pack was written last
    slot = models.CharField(max_length=32, blank=True)  # of what is derived: which of them take one another's place
    state = models.PositiveSmallIntegerField(default=WAITING)

    class Meta:
        app_label = "archive"
        indexes = [
            models.Index(fields=["state", "arrived_us", "pack", "offset"], name="unnamed_order"),
            models.Index(fields=["slot"], name="unnamed_slot"),
        ]
