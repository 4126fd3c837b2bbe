"""The rows of the key hierarchy: nothing here opens without the root key."""

from typing import ClassVar
from uuid import uuid4

from django.db import models


class Installation(models.Model):
    """The one row that says which installation this database belongs to, and what its recovery key is.

    ``recovery`` is the sealed public half (``keystore.recipient``), beside it when and how the seed was shared.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    uuid = models.UUIDField(default=uuid4)
    created_at = models.DateTimeField(auto_now_add=True)
    recovery = models.BinaryField(null=True)
    recovery_at = models.DateTimeField(null=True)
    recovery_threshold = models.PositiveSmallIntegerField(null=True)
    recovery_count = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="one_installation")]


class EpochKey(models.Model):
    """A key that wraps keys for about a month. ``wrapped`` is sealed by the root, ``recovery`` to the recovery key.

    Ending an epoch first sets ``ended_at``, so that nothing new is wrapped under it, and empties ``wrapped`` and
    ``recovery`` once what still lives has been wrapped anew.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    number = models.PositiveIntegerField(unique=True)
    root_id = models.UUIDField()
    wrapped = models.BinaryField()
    recovery = models.BinaryField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)


class InstallationKey(models.Model):
    """A lasting key of the installation, by purpose (``field``, ``token``, …) and label (``log`` has one a year)."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    purpose = models.CharField(max_length=16)
    label = models.CharField(max_length=32, blank=True)
    epoch = models.ForeignKey(EpochKey, on_delete=models.PROTECT)
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["purpose", "label"], name="one_key_for_each_purpose"),
        ]
