"""The tables of the record. Append-only by triggers; no foreign keys, so nothing done elsewhere can reach it."""

from uuid import uuid4

from django.db import models


class AuditEvent(models.Model):
    """One event. The clear columns, the digest of the sealed details and the listed studies are hashed into `leaf`."""

    pk = models.CompositePrimaryKey("log", "seq")
    log = models.PositiveIntegerField()
    seq = models.PositiveBigIntegerField()
    id = models.UUIDField(default=uuid4, unique=True)
    version = models.PositiveSmallIntegerField(default=1)
    time_us = models.BigIntegerField()
    action = models.CharField(max_length=32)
    outcome = models.CharField(max_length=12)
    actor_kind = models.CharField(max_length=12)
    actor_key = models.CharField(max_length=80)
    actor_name = models.CharField(max_length=150)
    actor_role = models.CharField(max_length=200, blank=True)
    actor_address = models.CharField(max_length=45, blank=True)
    actor_ae_title = models.CharField(max_length=16, blank=True)
    actor_session = models.CharField(max_length=32, blank=True)
    request_id = models.CharField(max_length=36, blank=True)
    purpose = models.CharField(max_length=32, blank=True)
    study_uid = models.CharField(max_length=64, blank=True)
    patient = models.CharField(max_length=32, blank=True)  # pseudonym, hexadecimal
    sitting = models.UUIDField(null=True)
    count = models.PositiveBigIntegerField(default=0)
    details_key = models.UUIDField(null=True)
    details = models.BinaryField(default=bytes)
    leaf = models.BinaryField(max_length=32)
    row = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit_event"
        indexes = [
            # In each, the order of the record is the order of the index: pages turn backwards along it.
            models.Index(fields=["study_uid", "log", "seq"], name="event_study"),
            models.Index(fields=["patient", "log", "seq"], name="event_patient"),
            models.Index(fields=["actor_key", "log", "seq"], name="event_actor"),
            models.Index(fields=["action", "log", "seq"], name="event_action"),
            models.Index(
                fields=["sitting", "log", "seq"], name="event_sitting", condition=models.Q(sitting__isnull=False)
            ),
            models.Index(fields=["outcome", "log", "seq"], name="event_refusal", condition=~models.Q(outcome="ok")),
            models.Index(fields=["time_us", "log", "seq"], name="event_time"),
        ]


class AuditListed(models.Model):
    """A study that one search showed. Child rows, hashed into the event's leaf in order."""

    pk = models.CompositePrimaryKey("log", "seq", "position")
    log = models.PositiveIntegerField()
    seq = models.PositiveBigIntegerField()
    position = models.PositiveIntegerField()
    study_uid = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_listed"
        indexes = [models.Index(fields=["study_uid", "log", "seq"], name="listed_study")]


class AuditLease(models.Model):
    """Leave to view one study for the rest of a five-minute slot; written with its event, adopted by every process."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    actor_key = models.CharField(max_length=80)
    session = models.CharField(max_length=32, blank=True)
    study_uid = models.CharField(max_length=64)
    purpose = models.CharField(max_length=32)
    slot = models.BigIntegerField()
    until = models.FloatField()
    event = models.UUIDField()
    sitting = models.UUIDField()

    class Meta:
        db_table = "audit_lease"
        constraints = [
            models.UniqueConstraint(fields=["actor_key", "session", "study_uid", "purpose", "slot"], name="one_lease")
        ]


class Alias(models.Model):
    """Two pseudonyms of one patient, as a merge or a correction found. Append-only; `reason` names nobody."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    pseudonym = models.CharField(max_length=32, db_index=True)
    same_as = models.CharField(max_length=32, db_index=True)
    joined_at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=40)

    class Meta:
        db_table = "audit_alias"
        constraints = [models.UniqueConstraint(fields=["pseudonym", "same_as"], name="one_alias")]


class Heartbeat(models.Model):
    """The last good probe of one serving process: the log could be written then."""

    process = models.CharField(max_length=64, primary_key=True)
    beaten_at = models.DateTimeField()


class JournalMark(models.Model):
    """How far one process's journal of deliveries has been moved into the log; changed in the events' transaction."""

    id = models.UUIDField(primary_key=True)
    settled = models.PositiveBigIntegerField()


class Checkpoint(models.Model):
    """A signed tree head (C2SP tlog-checkpoint); append-only. `frontier` lets the next one start where this ended."""

    log = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField()
    note = models.TextField()
    frontier = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "audit_checkpoint"
        constraints = [models.UniqueConstraint(fields=["log", "size"], name="one_checkpoint")]


class Alert(models.Model):
    """Something a person should look at. `subject` is a UID, an AE title or a name of ours, never a patient."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=150, blank=True)
    message = models.TextField()
    raised_at = models.DateTimeField(auto_now_add=True)
    last_at = models.DateTimeField(auto_now=True)
    times = models.PositiveIntegerField(default=1)
    seen_at = models.DateTimeField(null=True)
    seen_by = models.CharField(max_length=150, blank=True)
    seen_event = models.UUIDField(null=True)  # its sealed details hold the note of whoever saw it

    class Meta:
        db_table = "audit_alert"
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject"], condition=models.Q(seen_at=None), name="one_open_alert")
        ]
        # The inbox turns pages of what is open or of what was seen, of one kind or of all.
        indexes = [
            models.Index(fields=["-last_at", "-id"], name="alert_open", condition=models.Q(seen_at=None)),
            models.Index(fields=["-last_at", "-id"], name="alert_seen", condition=models.Q(seen_at__isnull=False)),
            models.Index(fields=["kind", "-last_at", "-id"], name="alert_open_kind", condition=models.Q(seen_at=None)),
            models.Index(
                fields=["kind", "-last_at", "-id"], name="alert_seen_kind", condition=models.Q(seen_at__isnull=False)
            ),
        ]


class Destination(models.Model):
    """A collector of audit messages, and how far the log and its checkpoints are safely there."""

    url = models.CharField(max_length=200, primary_key=True)
    log = models.PositiveIntegerField()
    seq = models.PositiveBigIntegerField()
    note_log = models.PositiveIntegerField()
    note_size = models.PositiveBigIntegerField()
    moved_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "audit_destination"
