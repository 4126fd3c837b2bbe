"""Every kind of event, in one place. The text is what stands in the log for ever: never reuse or rename one."""

from enum import StrEnum


class Action(StrEnum):
    # The ways of a study.
    STORE = "study:store"
    DUPLICATE = "study:duplicate"
    HELD_BACK = "study:held-back"
    HELD_ACCEPTED = "study:held-accepted"
    HELD_REJECTED = "study:held-rejected"
    REJECTED = "study:rejected"
    SEARCH = "study:search"
    VIEW = "study:view"
    DELIVERED = "study:delivered"
    DOWNLOAD = "study:download"
    TRANSFERRED = "study:transferred"
    COMPARE = "study:compare"
    TRASHED = "study:trashed"
    RESTORED = "study:restored"
    HOLD = "study:hold"
    RELEASED = "study:released"
    DESTROYED = "study:destroyed"
    DESTRUCTION_READ = "study:destruction-read"
    REKEYED = "study:rekeyed"
    BREAK_GLASS = "study:break-glass"
    RECONCILED = "study:reconciled"
    # People and their factors.
    SIGN_IN = "person:sign-in"
    SIGN_OUT = "person:sign-out"
    STEP_UP = "person:step-up"
    LOCKED = "person:locked"
    ENROLLED = "person:enrolled"
    FACTORS_RESET = "person:factors-reset"
    PEOPLE_READ = "person:read"
    PERSON_CHANGED = "person:changed"
    OWN_CHANGED = "person:own-changed"
    OWN_TOKEN = "person:own-token"  # noqa: S105 - the name of an event
    ROLE_CHANGED = "role:changed"
    GROUP_CHANGED = "group:changed"
    DEVICE_CHANGED = "device:changed"
    TOKEN_CHANGED = "token:changed"  # noqa: S105 - the name of an event
    GRANT_CHANGED = "grant:changed"
    SETTING_CHANGED = "setting:changed"
    SETUP_LINK = "setup:link"
    # The wire.
    ASSOCIATION = "wire:association"
    ECHO = "wire:echo"
    REFUSED = "wire:refused"
    PAGE = "page:refused"
    # Keys, the log itself, and the program.
    KEY_CHANGED = "key:changed"
    ROOT_ROTATED = "key:rotated"
    EPOCH_ENDED = "key:epoch-ended"
    SHARES_EXPORTED = "key:shares-exported"
    KEYS_RECOVERED = "key:recovered"
    SCRUBBED = "archive:scrubbed"
    CHECKED = "archive:checked"
    REBUILT = "archive:rebuilt"
    SWEPT = "archive:swept"
    REINDEXED = "archive:reindexed"
    COMPACTED = "archive:compacted"
    BACKUP_CREATED = "backup:created"
    BACKUP_VERIFIED = "backup:verified"
    BACKUP_RESTORED = "backup:restored"
    LOG_READ = "log:read"
    PATIENT_REPORT = "log:patient"
    OWN_READ = "log:own"
    LOG_EXPORTED = "log:exported"
    LOG_VERIFIED = "log:verified"
    LOG_OPENED = "log:opened"
    ALERT_CHANGED = "alert:changed"
    STARTED = "program:started"
    STOPPED = "program:stopped"
    DERIVED = "job:derived"


class Outcome(StrEnum):
    OK = "ok"
    DENIED = "denied"
    NOT_FOUND = "not-found"
    FAILED = "failed"


class Use(StrEnum):
    """What became of bytes that left: a preview is not a reading."""

    LISTED = "listed"
    PREVIEWED = "previewed"
    PREFETCHED = "prefetched"
    DISPLAYED = "displayed"
    RETRIEVED = "retrieved"
