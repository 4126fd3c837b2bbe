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
    STUDY_BREAK_GLASS = "study.break-glass"
    STUDY_GRANT = "study.grant"
    STUDY_SHARE = "study.share"
    STUDY_RESTRICT = "study.restrict"
    STUDY_ASSIGN = "study.assign"
    BREAK_GLASS_REVIEW = "break-glass.review"
    PEOPLE_MANAGE = "people.manage"
    ROLES_READ = "roles.read"
    GROUPS_MANAGE = "groups.manage"
    DEVICES_MANAGE = "devices.manage"
    DEVICES_SEE = "devices.see"
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
    Action.BREAK_GLASS: Permission.STUDY_BREAK_GLASS,
    Action.GLASS_ENDED: Permission.OWN,
    Action.GLASS_REVIEWED: Permission.BREAK_GLASS_REVIEW,
    Action.GRANT_CHANGED: Permission.STUDY_GRANT,
    Action.LINK_MADE: Permission.STUDY_SHARE,
    # Whoever may look after the links of others holds a permission of `LINK_KEEPERS` as well (`accounts.links`).
    Action.LINK_ENDED: Permission.OWN,
    Action.LINKS_READ: Permission.OWN,
    Action.RESTRICTED: Permission.STUDY_RESTRICT,
    Action.ASSIGNED: Permission.STUDY_ASSIGN,
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
    Action.LOCK_LIFTED: Permission.ALERTS_READ,
    Action.PEOPLE_READ: Permission.PEOPLE_MANAGE,
    Action.PERSON_CHANGED: Permission.PEOPLE_MANAGE,
    Action.FACTORS_RESET: Permission.PEOPLE_MANAGE,
    Action.SESSION_ENDED: Permission.PEOPLE_MANAGE,
    Action.ROLE_READ: Permission.ROLES_READ,
    Action.ROLE_CHANGED: Permission.PEOPLE_MANAGE,
    Action.GROUP_CHANGED: Permission.GROUPS_MANAGE,
    Action.DEVICE_CHANGED: Permission.DEVICES_MANAGE,
    Action.DEVICE_ENROLLED: Permission.DEVICES_MANAGE,
    Action.DEVICES_READ: Permission.DEVICES_SEE,
    Action.DEVICE_CALLED: Permission.DEVICES_SEE,
    Action.TOKENS_READ: Permission.TOKENS_MANAGE,
    Action.TOKEN_CHANGED: Permission.TOKENS_MANAGE,
    Action.LOG_READ: Permission.LOG_READ,
    Action.LOG_VERIFIED: Permission.LOG_VERIFY,
    Action.PATIENT_REPORT: Permission.LOG_READ,
    Action.LOG_EXPORTED: Permission.LOG_READ,
    Action.ALERT_CHANGED: Permission.ALERTS_READ,
    # Whoever asks for or confirms an act of two people holds the permission of that act as well (`accounts.approvals`).
    Action.APPROVAL_READ: Permission.OWN,
    Action.APPROVAL_ASKED: Permission.OWN,
    Action.APPROVAL_DECIDED: Permission.OWN,
    Action.OWN_CHANGED: Permission.OWN,
    Action.OWN_TOKEN: Permission.OWN,
    Action.OWN_PASSKEY: Permission.OWN,
    Action.OWN_APP: Permission.OWN,
    Action.OWN_READ: Permission.OWN,
    Action.SCREEN_LOCKED: Permission.OWN,
    Action.SCREEN_UNLOCKED: Permission.OWN,
}

# Acts on a study that may come before anybody has it, or that the program does for itself.
UNSCOPED: frozenset[Action] = frozenset(
    {
        *(Action.STORE, Action.HOLD, Action.RELEASED, Action.DESTROYED, Action.REKEYED, Action.RESTRICTED),
        *(Action.APPROVAL_ASKED, Action.APPROVAL_DECIDED, Action.LINK_ENDED),
    }
)

# Acts that ask a person for a second factor given within the last five minutes.
STEP_UP_SECONDS = 300
STEP_UP: frozenset[Action] = frozenset(
    {
        Action.DOWNLOAD,
        Action.PERSON_CHANGED,
        Action.FACTORS_RESET,
        Action.ROLE_CHANGED,
        Action.DEVICE_ENROLLED,
        Action.TOKEN_CHANGED,
        Action.OWN_TOKEN,
        Action.OWN_PASSKEY,
        Action.OWN_APP,
        Action.DESTROYED,
        Action.SHARES_EXPORTED,
        Action.BREAK_GLASS,
        Action.GRANT_CHANGED,
        Action.LINK_MADE,
    }
)

# The five roles an installation starts with; administrators edit them as rows afterwards. The names are kept in English
# and marked for translation: pages show them in the reader's language.
ROLES: dict[str, frozenset[Permission]] = {
    _("clinician"): frozenset(
        {Permission.STUDY_SEARCH, Permission.STUDY_VIEW, Permission.STUDY_DOWNLOAD, Permission.STUDY_BREAK_GLASS}
    ),
    _("technologist"): frozenset(
        {
            Permission.STUDY_SEARCH,
            Permission.STUDY_VIEW,
            Permission.STUDY_STORE,
            Permission.STUDY_RECONCILE,
            Permission.STUDY_TRASH,
            Permission.DEVICES_SEE,
        }
    ),
    _("administrator"): frozenset(
        {
            Permission.PEOPLE_MANAGE,
            Permission.ROLES_READ,
            Permission.GROUPS_MANAGE,
            Permission.DEVICES_MANAGE,
            Permission.DEVICES_SEE,
            Permission.TOKENS_MANAGE,
            Permission.ALERTS_READ,
            Permission.SYSTEM_SEE,
            Permission.ARCHIVE_TEND,
        }
    ),
    _("privacy officer"): frozenset(
        {
            Permission.LOG_READ,
            Permission.LOG_VERIFY,
            Permission.ALERTS_READ,
            Permission.STUDY_HOLD,
            Permission.ROLES_READ,
            Permission.STUDY_RESTRICT,
            Permission.BREAK_GLASS_REVIEW,
        }
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
    "physician": frozenset({Permission.STUDY_ASSIGN}),
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

# What a shared link may do at most, and only while whoever made it may; its study and its doors narrow it further.
LINK_MAY: frozenset[Permission] = frozenset({Permission.STUDY_SEARCH, Permission.STUDY_VIEW, Permission.STUDY_DOWNLOAD})

# Who sees and ends the links of others.
LINK_KEEPERS: frozenset[Permission] = frozenset({Permission.STUDY_GRANT, Permission.LOG_READ})

# What whoever gives commands on this machine may do; nothing of it opens a study.
SHELL: frozenset[Permission] = frozenset(
    {
        Permission.PEOPLE_MANAGE,
        Permission.ROLES_READ,
        Permission.GROUPS_MANAGE,
        Permission.DEVICES_MANAGE,
        Permission.TOKENS_MANAGE,
        Permission.LOG_READ,
        Permission.LOG_VERIFY,
        Permission.ALERTS_READ,
        Permission.KEYS_MANAGE,
        Permission.STUDY_TRASH,
        Permission.STUDY_HOLD,
        Permission.STUDY_GRANT,
        Permission.STUDY_RESTRICT,
        Permission.ARCHIVE_TEND,
        Permission.BACKUP_MANAGE,
        Permission.SYSTEM_SEE,
    }
)
