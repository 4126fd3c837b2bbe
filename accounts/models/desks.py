"""What somebody had laid out to read when the screen was locked."""

from uuid import uuid4

from django.db import models

from accounts.models.people import Person


class Desk(models.Model):
    """How one person had laid out one study: `sealed` is a cell under the installation's field key."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="desks")
    study_uid = models.CharField(max_length=64)
    session = models.CharField(max_length=16)  # its name in the record
    sealed = models.BinaryField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "study_uid"], name="one_desk")]
