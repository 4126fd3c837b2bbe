"""Acts that need two people."""

from uuid import uuid4

from django.db import models
from django.db.models import Q


class Approval(models.Model):
    """An act that somebody asked for, and what became of it. `subject` is whose or what it is about: an id or a UID.

    `concerns` is the person on whom it falls, who neither asks nor confirms. `alone_from` is set where there was no
    second person to be had: from then on whoever asked may carry it out. `proposal` is what exactly was asked for;
    nothing else comes of it, whatever changes meanwhile.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=64)
    proposal = models.JSONField(default=dict)
    concerns = models.UUIDField(null=True)
    asked_by = models.UUIDField()
    asker = models.CharField(max_length=60)
    asked_at = models.DateTimeField()
    alone_from = models.DateTimeField(null=True)
    lapses_at = models.DateTimeField()
    state = models.CharField(max_length=10, default="open")  # then done, refused, withdrawn or lapsed
    decider = models.CharField(max_length=60, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], condition=Q(state="open"), name="one_asked")]
        indexes = [models.Index(fields=["state", "asked_at"], name="approval_state")]
