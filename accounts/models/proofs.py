"""What somebody shows to be let in: factors, sessions, tokens, the first link; and how often it was tried in vain."""

from uuid import uuid4

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django_otp.models import Device as OtpDevice
from django_otp.models import ThrottlingMixin, TimestampMixin

from accounts.models.links import SharedLink
from accounts.models.people import Person


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


class Passkey(models.Model):
    """A person's passkey (WebAuthn), usable under one host. `credential` is what its authenticator said of it, the
    public key (COSE) last; nothing of it is secret."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="passkeys")
    credential_id = models.CharField(max_length=1364, unique=True)  # base64url, as browsers write it
    credential = models.BinaryField()
    aaguid = models.UUIDField()  # the model of the authenticator, where it says so
    sign_count = models.BigIntegerField(default=0)
    transports = models.JSONField(default=list)
    host = models.CharField(max_length=255)
    name = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)


class Challenge(models.Model):
    """What a session's next passkey must sign, for two minutes, once. `session` is the primary key of its row."""

    session = models.CharField(max_length=40, primary_key=True)
    value = models.CharField(max_length=64)
    act = models.CharField(max_length=8)
    expires_at = models.DateTimeField(db_index=True)


class Session(AbstractBaseSession):
    """A browser's session, with whose it is and what it has proved. `session_key` holds a digest, never the key.

    It is a person's, or that of a shared link, which has no person.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="sessions")
    link = models.ForeignKey(SharedLink, on_delete=models.CASCADE, null=True, related_name="sessions")
    address = models.CharField(max_length=45, blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    stepped_up_at = models.DateTimeField(null=True)
    locked_at = models.DateTimeField(null=True)
    parked_at = models.DateTimeField(null=True)  # somebody else signed in at its workstation while it was locked

    @classmethod
    def get_session_store_class(cls):  # type: ignore[no-untyped-def]
        from accounts.sessions import SessionStore

        return SessionStore


class Token(models.Model):
    """An API token of a person, of which only the SHA-256 is kept; it works from `address` alone, where that is set."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    address = models.CharField(max_length=43, blank=True)
    used_from = models.CharField(max_length=45, blank=True)
    places = models.JSONField(default=list)  # from where it was used, the first place first (`accounts.token_places`)


class SetupLink(models.Model):
    """The one-time way to the first administrator: the SHA-256 of its token, dead once used or after an hour."""

    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class Attempt(models.Model):
    """How often one name was tried in vain at one place, or from all strange ones, or any name from one address.

    `key` is an HMAC: what was typed is not kept. `person` is whose name it was, if anybody's.
    """

    key = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=8, default="place")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="attempts")
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(db_index=True)


class KnownPlace(models.Model):
    """A browser or an address where a person signed in with both factors, by its HMAC."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="places")
    digest = models.CharField(max_length=64)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "digest"], name="one_place")]
