"""Shared links: one study, shown until a moment to whoever holds both halves of a secret."""

from uuid import uuid4

from django.db import models

from accounts.models.people import Person


class SharedLink(models.Model):
    """One study, shown to somebody without an account. `id` is its audience in the access table.

    Of the token only the SHA-256 is kept, of the passphrase an argon2 hash. For whom it is, is a sealed cell; the
    reason stands in the record, sealed, as `event`. The row goes when the link is ended.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="links")
    study_uid = models.CharField(max_length=64, db_index=True)
    digest = models.CharField(max_length=64, unique=True)
    passphrase = models.CharField(max_length=128)
    recipient = models.BinaryField()
    may_download = models.BooleanField(default=False)
    at = models.DateTimeField()
    until = models.DateTimeField(db_index=True)
    event = models.UUIDField()
    times_opened = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
