"""What widens or fills a scope: rules at arrival, grants, linked physicians, and glass that was broken."""

from uuid import uuid4

from django.db import models

from accounts.models.people import Group, Person


class ScopeRule(models.Model):
    """Studies whose attribute has this value, after folding, fall to this group when they arrive."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    attribute = models.CharField(max_length=20)
    pattern = models.CharField(max_length=120)
    folded = models.CharField(max_length=240)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="rules")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attribute", "folded", "group"], name="one_scope_rule")]


class Grant(models.Model):
    """One study, shown to one person or group until a day. The reason stands in the record, sealed, as `event`."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    study_uid = models.CharField(max_length=64)
    audience = models.UUIDField()
    at = models.DateTimeField()
    until = models.DateTimeField()
    by = models.CharField(max_length=150)
    event = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study_uid", "audience"], name="one_grant")]


class PhysicianLink(models.Model):
    """One exact spelling of a physician is this person. `referring` and `performing` are the rows of the archive's
    dictionary that have it, `spelling` is a sealed cell of our own, for whoever manages people.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="spellings")
    referring = models.UUIDField(db_index=True)
    performing = models.UUIDField(db_index=True)
    spelling = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "referring"], name="one_physician_link")]


class BreakGlass(models.Model):
    """One time somebody opened a patient's studies in an emergency: until when, why, and what a reviewer found.

    What was written as the reason stands in the details of `event`, the reviewer's note in those of `review`.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    person = models.UUIDField()
    patient = models.CharField(max_length=32)  # pseudonym
    studies = models.JSONField(default=list)
    reason = models.CharField(max_length=20)
    opened_at = models.DateTimeField()
    until = models.DateTimeField()  # or when it was ended, if that was sooner
    event = models.UUIDField()
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.CharField(max_length=150, blank=True)
    verdict = models.CharField(max_length=16, blank=True)
    review = models.UUIDField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["person", "until"], name="glass_person"),
            models.Index(fields=["reviewed_at", "opened_at"], name="glass_waiting"),
        ]
