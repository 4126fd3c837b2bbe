"""What each permission allows and which roles hold it: the table that an auditor reads."""

from enum import StrEnum

from django.utils.translation import gettext_noop as _

from audit.actions import Action


class Permission(StrEnum):
    STUDY_SEARCH = "study.search"
    STUDY_VIEW = "study.view"
    STUDY_DOWNLOAD = "study.download"
    STUDY_STORE = "study.store"
    STUDY_RECONCILE = "study.reconcile"
    STUDY_DERIVE = "study.derive"
    STUDY_TRASH = "study.trash"
    STUDY_HOLD = "study.hold"
    STUDY_DESTROY = "study.destroy"
    PEOPLE_MANAGE = "people.manage"
    GROUPS_MANAGE = "groups.manage"
    DEVICES_MANAGE = "devices.manage"
    TOKENS_MANAGE = "tokens.manage"
    LOG_READ = "log.read"
    LOG_VERIFY = "log.verify"
    ALERTS_READ = "alerts.read"
    KEYS_MANAGE = "keys.manage"
    KEYS_EXPORT = "keys.export"
    ARCHIVE_TEND = "archive.tend"
    BACKUP_MANAGE = "backup.manage"
    SYSTEM_SEE = "system.see"
    OWN = "own"  # every person's, over what is their own; no role names it


# The permission that each act through the gate needs. An act that is not here is refused to everybody.
NEEDS: dict[Action, Permission] = {
    Action.SEARCH: Permission.STUDY_SEARCH,
    Action.VIEW: Permission.STUDY_VIEW,
    Action.COMPARE: Permission.STUDY_RECONCILE,
    Action.DOWNLOAD: Permission.STUDY_DOWNLOAD,
    Action.STORE: Permission.STUDY_STORE,
    Action.HELD_ACCEPTED: Permission.STUDY_RECONCILE,
    Action.HELD_REJECTED: Permission.STUDY_RECONCILE,
    Action.DERIVED: Permission.STUDY_DERIVE,
    Action.TRASHED: Permission.STUDY_TRASH,
    Action.RESTORED: Permission.STUDY_TRASH,
    Action.HOLD: Permission.STUDY_HOLD,
    Action.RELEASED: Permission.STUDY_HOLD,
    Action.DESTROYED: Permission.STUDY_DESTROY,
    Action.DESTRUCTION_READ: Permission.STUDY_DESTROY,
    Action.REKEYED: Permission.KEYS_MANAGE,
    Action.RECONCILED: Permission.GROUPS_MANAGE,
    Action.KEY_CHANGED: Permission.KEYS_MANAGE,
    Action.ROOT_ROTATED: Permission.KEYS_MANAGE,
    Action.EPOCH_ENDED: Permission.KEYS_MANAGE,
    Action.SHARES_EXPORTED: Permission.KEYS_EXPORT,
    Action.KEYS_RECOVERED: Permission.KEYS_MANAGE,
    Action.SCRUBBED: Permission.ARCHIVE_TEND,
    Action.CHECKED: Permission.ARCHIVE_TEND,
    Action.REBUILT: Permission.ARCHIVE_TEND,
    Action.SWEPT: Permission.ARCHIVE_TEND,
    Action.REINDEXED: Permission.ARCHIVE_TEND,
    Action.COMPACTED: Permission.ARCHIVE_TEND,
    Action.BACKUP_CREATED: Permission.BACKUP_MANAGE,
    Action.BACKUP_VERIFIED: Permission.BACKUP_MANAGE,
    Action.BACKUP_RESTORED: Permission.BACKUP_MANAGE,
    Action.PEOPLE_READ: Permission.PEOPLE_MANAGE,
    Action.PERSON_CHANGED: Permission.PEOPLE_MANAGE,
    Action.FACTORS_RESET: Permission.PEOPLE_MANAGE,
    Action.ROLE_CHANGED: Permission.PEOPLE_MANAGE,
    Action.GROUP_CHANGED: Permission.GROUPS_MANAGE,
    Action.DEVICE_CHANGED: Permission.DEVICES_MANAGE,
    Action.TOKEN_CHANGED: Permission.TOKENS_MANAGE,
    Action.LOG_READ: Permission.LOG_READ,
    Action.LOG_VERIFIED: Permission.LOG_VERIFY,
    Action.PATIENT_REPORT: Permission.LOG_READ,
    Action.LOG_EXPORTED: Permission.LOG_READ,
    Action.ALERT_CHANGED: Permission.ALERTS_READ,
    Action.OWN_CHANGED: Permission.OWN,
    Action.OWN_TOKEN: Permission.OWN,
    Action.OWN_READ: Permission.OWN,
}

# Acts on a study that may come before anybody has it, or that the program does for itself.
UNSCOPED: frozenset[Action] = frozenset({Action.STORE, Action.HOLD, Action.RELEASED, Action.DESTROYED, Action.REKEYED})

# Acts that ask a person for a second factor given within the last five minutes.
STEP_UP_SECONDS = 300
STEP_UP: frozenset[Action] = frozenset(
    {
        Action.DOWNLOAD,
        Action.PERSON_CHANGED,
        Action.FACTORS_RESET,
        Action.ROLE_CHANGED,
        Action.TOKEN_CHANGED,
        Action.OWN_TOKEN,
        Action.DESTROYED,
        Action.SHARES_EXPORTED,
    }
)

# The five roles an installation starts with; administrators edit them as rows afterwards. The names are kept in English
# and marked for translation: pages show them in the reader's language.
ROLES: dict[str, frozenset[Permission]] = {
    _("clinician"): frozenset({Permission.STUDY_SEARCH, Permission.STUDY_VIEW, Permission.STUDY_DOWNLOAD}),
    _("technologist"): frozenset(
        {
            Permission.STUDY_SEARCH,
            Permission.STUDY_VIEW,
            Permission.STUDY_STORE,
            Permission.STUDY_RECONCILE,
            Permission.STUDY_TRASH,
        }
    ),
    _("administrator"): frozenset(
        {
            Permission.PEOPLE_MANAGE,
            Permission.GROUPS_MANAGE,
            Permission.DEVICES_MANAGE,
            Permission.TOKENS_MANAGE,
            Permission.ALERTS_READ,
            Permission.SYSTEM_SEE,
            Permission.ARCHIVE_TEND,
        }
    ),
    _("privacy officer"): frozenset(
        {Permission.LOG_READ, Permission.LOG_VERIFY, Permission.ALERTS_READ, Permission.STUDY_HOLD}
    ),
    _("keeper"): frozenset(
        {
            Permission.KEYS_MANAGE,
            Permission.KEYS_EXPORT,
            Permission.BACKUP_MANAGE,
            Permission.STUDY_DESTROY,
            Permission.LOG_VERIFY,
            Permission.SYSTEM_SEE,
        }
    ),
}

# What a device may be allowed on the wire, and the permissions that come with it.
DEVICE_SERVICES: dict[str, frozenset[Permission]] = {
    "store": frozenset({Permission.STUDY_STORE}),
    "find": frozenset({Permission.STUDY_SEARCH}),
    "get": frozenset({Permission.STUDY_SEARCH, Permission.STUDY_VIEW}),
    "move": frozenset({Permission.STUDY_SEARCH, Permission.STUDY_VIEW}),
    "commit": frozenset({Permission.STUDY_STORE}),
    "worklist": frozenset(),
}

# What the program's own jobs may do, by the job's name.
SYSTEM_JOBS: dict[str, frozenset[Permission]] = {
    "derive": frozenset({Permission.STUDY_DERIVE}),
    "compare": frozenset({Permission.STUDY_DERIVE}),
    "verify": frozenset({Permission.LOG_VERIFY}),
    "tend": frozenset({Permission.ARCHIVE_TEND}),
    "destroy": frozenset({Permission.STUDY_DESTROY}),
    "rekey": frozenset({Permission.KEYS_MANAGE}),
    "backup": frozenset({Permission.BACKUP_MANAGE}),
}

# What an API token may carry at most; its own scopes and its person's rights narrow it further.
TOKEN_MAY: frozenset[Permission] = frozenset(
    {
        Permission.STUDY_SEARCH,
        Permission.STUDY_VIEW,
        Permission.STUDY_STORE,
        Permission.LOG_READ,
        Permission.LOG_VERIFY,
        Permission.ALERTS_READ,
    }
)

# What whoever gives commands on this machine may do; nothing of it opens a study.
SHELL: frozenset[Permission] = frozenset(
    {
        Permission.PEOPLE_MANAGE,
        Permission.GROUPS_MANAGE,
        Permission.DEVICES_MANAGE,
        Permission.TOKENS_MANAGE,
        Permission.LOG_READ,
        Permission.LOG_VERIFY,
        Permission.ALERTS_READ,
        Permission.KEYS_MANAGE,
        Permission.STUDY_TRASH,
        Permission.STUDY_HOLD,
        Permission.ARCHIVE_TEND,
        Permission.BACKUP_MANAGE,
        Permission.SYSTEM_SEE,
    }
)
