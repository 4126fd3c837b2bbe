"""People, roles, groups, devices, tokens, and which studies are whose."""

from typing import ClassVar
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django_otp.models import Device as OtpDevice
from django_otp.models import ThrottlingMixin, TimestampMixin


class Role(models.Model):
    """A named set of permissions (`accounts.policy.Permission` values)."""

    name = models.CharField(max_length=60, unique=True)
    permissions = models.JSONField(default=list)


class Group(models.Model):
    """A department or team: an audience of studies."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    name = models.CharField(max_length=100, unique=True)


class People(BaseUserManager["Person"]):
    def get_by_natural_key(self, username: str | None) -> "Person":
        return self.get(username__iexact=username)


class Person(AbstractBaseUser):  # type: ignore[django-manager-missing] # of an untyped library
    """Somebody who signs in with two factors."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    username = models.CharField(max_length=60, unique=True)
    full_name = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=5, default="en")
    theme = models.CharField(max_length=5, default="dark")
    roles = models.ManyToManyField(Role, related_name="people")
    groups = models.ManyToManyField(Group, related_name="people")
    is_active = models.BooleanField(default=True)
    password_is_initial = models.BooleanField(default=False)  # given by somebody else: replaced at the first sign-in
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = People()


class TotpDevice(TimestampMixin, ThrottlingMixin, OtpDevice):  # type: ignore[misc] # the library is untyped
    """A person's TOTP factor (RFC 6238). The seed is a sealed cell; `last_step` makes each code single use."""

    uid = models.UUIDField(unique=True, default=uuid4)
    seed = models.BinaryField()
    last_step = models.BigIntegerField(default=-1)

    def get_throttle_factor(self) -> int:
        """Seconds to wait after the first wrong code; doubled by each further one (`accounts.factors` caps it)."""
        return 1


class RecoveryCode(models.Model):
    """One way in when the factor is lost, used once. 120 random bits, of which only the SHA-256 is kept."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(null=True)


class Session(AbstractBaseSession):
    """A browser's session, with whose it is and what it has proved. `session_key` holds a digest, never the key."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="sessions")
    address = models.CharField(max_length=45, blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    stepped_up_at = models.DateTimeField(null=True)

    @classmethod
    def get_session_store_class(cls):  # type: ignore[no-untyped-def]
        from accounts.sessions import SessionStore

        return SessionStore


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
    last_failure = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)


class Token(models.Model):
    """An API token of a person: only its SHA-256 is kept."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)


class SetupLink(models.Model):
    """The one-time way to the first administrator: the SHA-256 of its token, dead once used or after an hour."""

    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class Attempt(models.Model):
    """How often one name was tried in vain from one address. `key` is an HMAC of both: what was typed is not kept."""

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()


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
