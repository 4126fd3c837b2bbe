"""Which message of PS3.15 A.5.3 tells which kind of event: one line for every action, held complete by a test."""

from enum import StrEnum
from typing import Final, NamedTuple

from audit.actions import Action
from audit.messages import codes
from audit.messages.codes import Code


class Parts(StrEnum):
    """Who stands in a message beside whoever acted, and what it is about: the tables of A.5.3 group into these."""

    APPLICATION = "application"
    LOG = "log"
    RECEIVED = "received"
    SENT = "sent"
    EXPORTED = "exported"
    STUDY = "study"
    QUERY = "query"
    ALERT = "alert"
    LOGIN = "login"


class Kind(NamedTuple):
    """One message: its EventID, EventActionCode (C R U D E), its parts, and its EventTypeCode where A.5.3 has one."""

    event: Code
    letter: str
    parts: Parts
    type: Code | None = None


def _alert(type_: Code) -> Kind:
    return Kind(codes.SECURITY_ALERT, "E", Parts.ALERT, type_)


def _study(letter: str) -> Kind:
    return Kind(codes.ACCESSED, letter, Parts.STUDY)


def _received(letter: str) -> Kind:
    return Kind(codes.TRANSFERRED, letter, Parts.RECEIVED)


_LOG_USED: Final = Kind(codes.AUDIT_LOG_USED, "R", Parts.LOG)

KINDS: Final[dict[Action, Kind]] = {
    Action.STORE: _received("C"),
    Action.DUPLICATE: _received("R"),
    Action.HELD_BACK: _received("C"),
    Action.REJECTED: _received("C"),
    Action.HELD_ACCEPTED: _study("C"),
    Action.HELD_REJECTED: _study("D"),
    Action.SEARCH: Kind(codes.QUERY, "E", Parts.QUERY),
    Action.VIEW: _study("R"),
    Action.BREAK_GLASS: _alert(codes.EMERGENCY),
    Action.GLASS_ENDED: _alert(codes.EMERGENCY_OVER),
    Action.GLASS_REVIEWED: _alert(codes.RESTRICTED_FUNCTION),
    Action.RESTRICTED: _study("U"),
    Action.ASSIGNED: _alert(codes.OBJECT_ATTRIBUTES),
    Action.COMPARE: _study("R"),
    Action.DERIVED: _study("R"),
    Action.DESTRUCTION_READ: _study("R"),
    Action.TRASHED: _study("U"),
    Action.RESTORED: _study("U"),
    Action.HOLD: _study("U"),
    Action.RELEASED: _study("U"),
    Action.REKEYED: _study("U"),
    Action.RECONCILED: _study("U"),
    Action.DESTROYED: Kind(codes.DELETED, "D", Parts.STUDY),
    Action.DELIVERED: Kind(codes.TRANSFERRED, "R", Parts.SENT),
    Action.TRANSFERRED: Kind(codes.BEGIN_TRANSFERRING, "E", Parts.SENT),
    Action.DOWNLOAD: Kind(codes.EXPORT, "R", Parts.EXPORTED),
    Action.SIGN_IN: Kind(codes.AUTHENTICATION, "E", Parts.LOGIN, codes.LOGIN),
    Action.STEP_UP: Kind(codes.AUTHENTICATION, "E", Parts.LOGIN, codes.LOGIN),
    Action.SIGN_OUT: Kind(codes.AUTHENTICATION, "E", Parts.LOGIN, codes.LOGOUT),
    Action.SCREEN_LOCKED: _alert(codes.USER_ATTRIBUTES),
    Action.SCREEN_UNLOCKED: Kind(codes.AUTHENTICATION, "E", Parts.LOGIN, codes.LOGIN),
    Action.LOCKED: _alert(codes.USER_ATTRIBUTES),
    Action.LOCK_LIFTED: _alert(codes.USER_ATTRIBUTES),
    Action.ENROLLED: _alert(codes.USER_ATTRIBUTES),
    Action.FACTORS_RESET: _alert(codes.USER_ATTRIBUTES),
    Action.PEOPLE_READ: _alert(codes.RESTRICTED_FUNCTION),
    Action.PERSON_CHANGED: _alert(codes.USER_ATTRIBUTES),
    Action.OWN_CHANGED: _alert(codes.USER_ATTRIBUTES),
    Action.OWN_TOKEN: _alert(codes.USER_ATTRIBUTES),
    Action.TOKENS_READ: _alert(codes.RESTRICTED_FUNCTION),
    Action.OWN_PASSKEY: _alert(codes.USER_ATTRIBUTES),
    Action.OWN_APP: _alert(codes.USER_ATTRIBUTES),
    Action.TOKEN_CHANGED: _alert(codes.USER_ATTRIBUTES),
    Action.SESSION_ENDED: _alert(codes.USER_ATTRIBUTES),
    Action.SETUP_LINK: _alert(codes.USER_ATTRIBUTES),
    Action.ROLE_READ: _alert(codes.RESTRICTED_FUNCTION),
    Action.ROLE_CHANGED: _alert(codes.ROLES),
    Action.GROUP_CHANGED: _alert(codes.ROLES),
    Action.DEVICE_CHANGED: _alert(codes.NETWORK_CONFIGURATION),
    Action.DEVICE_ENROLLED: _alert(codes.SECURITY_CONFIGURATION),
    Action.DEVICES_READ: _alert(codes.RESTRICTED_FUNCTION),
    Action.DEVICE_CALLED: _alert(codes.NODE_AUTHENTICATION),
    Action.APPROVAL_READ: _alert(codes.RESTRICTED_FUNCTION),
    Action.APPROVAL_ASKED: _alert(codes.RESTRICTED_FUNCTION),
    Action.APPROVAL_DECIDED: _alert(codes.RESTRICTED_FUNCTION),
    Action.GRANT_CHANGED: _alert(codes.OBJECT_ATTRIBUTES),
    Action.LINK_MADE: _alert(codes.OBJECT_ATTRIBUTES),
    Action.LINK_OPENED: Kind(codes.AUTHENTICATION, "E", Parts.LOGIN, codes.LOGIN),
    Action.LINK_ENDED: _alert(codes.OBJECT_ATTRIBUTES),
    Action.LINKS_READ: _alert(codes.RESTRICTED_FUNCTION),
    Action.SETTING_CHANGED: _alert(codes.SECURITY_CONFIGURATION),
    Action.ASSOCIATION: _alert(codes.NODE_AUTHENTICATION),
    Action.ECHO: _alert(codes.NODE_AUTHENTICATION),
    Action.REFUSED: _alert(codes.NODE_AUTHENTICATION),
    Action.PAGE: _alert(codes.RESTRICTED_FUNCTION),
    Action.KEY_CHANGED: _alert(codes.SECURITY_CONFIGURATION),
    Action.ROOT_ROTATED: _alert(codes.SECURITY_CONFIGURATION),
    Action.EPOCH_ENDED: _alert(codes.SECURITY_CONFIGURATION),
    Action.SHARES_EXPORTED: _alert(codes.SECURITY_CONFIGURATION),
    Action.KEYS_RECOVERED: _alert(codes.SECURITY_CONFIGURATION),
    Action.SCRUBBED: _alert(codes.LOCAL_SERVICE),
    Action.CHECKED: _alert(codes.LOCAL_SERVICE),
    Action.REBUILT: _alert(codes.LOCAL_SERVICE),
    Action.SWEPT: _alert(codes.LOCAL_SERVICE),
    Action.REINDEXED: _alert(codes.LOCAL_SERVICE),
    Action.COMPACTED: _alert(codes.LOCAL_SERVICE),
    Action.BACKUP_CREATED: _alert(codes.LOCAL_SERVICE),
    Action.BACKUP_VERIFIED: _alert(codes.LOCAL_SERVICE),
    Action.BACKUP_RESTORED: _alert(codes.LOCAL_SERVICE),
    Action.LOG_READ: _LOG_USED,
    Action.PATIENT_REPORT: _LOG_USED,
    Action.OWN_READ: _LOG_USED,
    Action.LOG_EXPORTED: _LOG_USED,
    Action.LOG_VERIFIED: _LOG_USED,
    Action.LOG_OPENED: _alert(codes.RECORDING_STARTED),
    Action.ALERT_CHANGED: _alert(codes.RESTRICTED_FUNCTION),
    Action.STARTED: Kind(codes.APPLICATION_ACTIVITY, "E", Parts.APPLICATION, codes.APPLICATION_START),
    Action.STOPPED: Kind(codes.APPLICATION_ACTIVITY, "E", Parts.APPLICATION, codes.APPLICATION_STOP),
}

UNKNOWN: Final = _alert(codes.RESTRICTED_FUNCTION)
"""For an action of a newer program that wrote into this log, and for a row that cannot be read."""


def of(action: str) -> Kind:
    """The message for what stands in a row; `UNKNOWN` where no action of ours has that text."""
    try:
        return KINDS[Action(action)]
    except ValueError:
        return UNKNOWN
