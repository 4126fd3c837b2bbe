"""Devices on the wire."""

from uuid import uuid4

from django.db import models

from accounts.models.people import Group


class Device(models.Model):
    """A modality or another archive: AE title, address range, and the services it may use."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    ae_title = models.CharField(max_length=16, unique=True)
    address = models.CharField(max_length=43)
    port = models.PositiveIntegerField(null=True)
    description = models.CharField(max_length=120, blank=True)
    issuer = models.CharField(max_length=64, blank=True)
    may = models.JSONField(default=list)
    sop_classes = models.JSONField(default=list)
    groups = models.ManyToManyField(Group, related_name="devices")
    is_active = models.BooleanField(default=True)
    certificate = models.CharField(max_length=64, blank=True)  # SHA-256 of the one it must show
    certificate_ends = models.DateTimeField(null=True)
    only_tls = models.BooleanField(default=False)
    last_seen_at = models.DateTimeField(null=True)
    last_image_at = models.DateTimeField(null=True)
    last_failure = models.CharField(max_length=200, blank=True)  # a code of accounts.failures
    last_failed_from = models.CharField(max_length=45, blank=True)
    last_failed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)


class Equipment(models.Model):
    """A machine behind a device, as the headers of what it sends name it; `changes` are the last ones, newest first."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="equipment")
    maker = models.CharField(max_length=64, blank=True)
    model = models.CharField(max_length=64, blank=True)
    serial = models.CharField(max_length=64, blank=True)
    station = models.CharField(max_length=64, blank=True)
    software = models.CharField(max_length=200, blank=True)
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField(null=True)
    changes = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "maker", "model", "serial"], name="one_equipment"),
        ]


class Caller(models.Model):
    """Somebody unknown who called: an AE title at an address, counted. An empty title stands for many from there."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    ae_title = models.CharField(max_length=16, blank=True)
    address = models.CharField(max_length=45)
    called = models.CharField(max_length=16, blank=True)
    failure = models.CharField(max_length=40)
    times = models.PositiveBigIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    blocked_by = models.CharField(max_length=150, blank=True)  # empty: not blocked

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ae_title", "address"], name="one_caller")]
