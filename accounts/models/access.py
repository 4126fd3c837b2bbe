"""Which studies are whose, and which are nobody's for now or for good."""

from uuid import uuid4

from django.db import models


class Access(models.Model):
    """One study is visible to one audience (a person, device, group or shared link) because of one rule."""

    audience = models.UUIDField()
    study_uid = models.CharField(max_length=64)
    date = models.CharField(max_length=8, blank=True)
    until = models.DateTimeField(null=True)
    rule = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["audience", "study_uid", "rule"], name="one_access")]
        indexes = [models.Index(fields=["study_uid", "audience"], name="access_study")]


class Restricted(models.Model):
    """A study that groups and physicians do not open: only grants, break-glass and shared links do."""

    study_uid = models.CharField(max_length=64, primary_key=True)


class Withdrawn(models.Model):
    """A study in the trash: nobody sees it by any way, not even the program's own jobs, until it is restored."""

    study_uid = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)


class Hold(models.Model):
    """A legal hold: its study is not destroyed until somebody releases it. The reason stands in the record, sealed."""

    study_uid = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)


class Destroyed(models.Model):
    """A study that is no more: its keys are gone, as the signed certificate `note` says; other traces go after them.

    `closing` is the later certificate that its epochs have ended, too; it names the backup places that were missed, and
    `closed_at` is set once none was.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    study_uid = models.CharField(max_length=64, db_index=True)
    note = models.TextField()
    packs = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    completed_at = models.DateTimeField(null=True)
    closing = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)


class AccessEpoch(models.Model):
    """One row, raised by every change of rights; each process reads it every second and re-checks what it serves."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.PositiveBigIntegerField(default=0)
