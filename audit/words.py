"""What stands in the log for ever, as people read it: one label for each kind of event, outcome, use and purpose."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.actions import Action, Outcome, Use
from audit.rules import RULES

ACTIONS: dict[str, Promise] = {
    Action.STORE: _("received images"),
    Action.DUPLICATE: _("received images again"),
    Action.HELD_BACK: _("received images that were held back"),
    Action.HELD_ACCEPTED: _("accepted held images"),
    Action.HELD_REJECTED: _("rejected held images"),
    Action.REJECTED: _("sent images that were rejected"),
    Action.SEARCH: _("searched"),
    Action.VIEW: _("viewed"),
    Action.DELIVERED: _("was sent images"),
    Action.DOWNLOAD: _("downloaded"),
    Action.TRANSFERRED: _("transferred"),
    Action.COMPARE: _("compared held images"),
    Action.SIGN_IN: _("signed in"),
    Action.SIGN_OUT: _("signed out"),
    Action.STEP_UP: _("gave a fresh second factor"),
    Action.LOCKED: _("was locked"),
    Action.SCREEN_LOCKED: _("locked the screen"),
    Action.SCREEN_UNLOCKED: _("unlocked the screen"),
    Action.LOCK_LIFTED: _("let somebody sign in again"),
    Action.ENROLLED: _("enrolled a second factor"),
    Action.FACTORS_RESET: _("reset second factors"),
    Action.PEOPLE_READ: _("looked at people"),
    Action.PERSON_CHANGED: _("changed a person"),
    Action.OWN_CHANGED: _("changed the own account"),
    Action.OWN_TOKEN: _("changed an own token"),
    Action.ROLE_READ: _("looked at roles"),
    Action.OWN_PASSKEY: _("changed an own passkey"),
    Action.OWN_APP: _("changed the own authenticator app"),
    Action.ROLE_CHANGED: _("changed a role"),
    Action.GROUP_CHANGED: _("changed a group"),
    Action.DEVICE_CHANGED: _("changed a device"),
    Action.DEVICE_ENROLLED: _("gave a device a certificate"),
    Action.DEVICES_READ: _("looked at devices"),
    Action.DEVICE_CALLED: _("sent a device an echo"),
    Action.TOKENS_READ: _("looked at tokens"),
    Action.TOKEN_CHANGED: _("changed a token"),
    Action.SESSION_ENDED: _("ended sessions of a person"),
    Action.APPROVAL_READ: _("looked at acts of two people"),
    Action.APPROVAL_ASKED: _("asked for an act of two people"),
    Action.APPROVAL_DECIDED: _("decided about an act of two people"),
    Action.GRANT_CHANGED: _("changed a grant"),
    Action.LINK_MADE: _("shared a study by a link"),
    Action.LINK_OPENED: _("opened a shared link"),
    Action.LINK_ENDED: _("ended a shared link"),
    Action.LINKS_READ: _("looked at shared links"),
    Action.SETTING_CHANGED: _("changed a setting"),
    Action.SETUP_LINK: _("used a setup link"),
    Action.ASSOCIATION: _("opened an association"),
    Action.ECHO: _("sent an echo"),
    Action.REFUSED: _("was refused on the wire"),
    Action.PAGE: _("asked for a page"),
    Action.KEY_CHANGED: _("changed a key"),
    Action.LOG_READ: _("read the record"),
    Action.PATIENT_REPORT: _("looked up who saw a patient"),
    Action.OWN_READ: _("read the own views"),
    Action.LOG_EXPORTED: _("exported the record"),
    Action.LOG_VERIFIED: _("verified the record"),
    Action.LOG_OPENED: _("opened a new record"),
    Action.ALERT_CHANGED: _("changed an alert"),
    Action.STARTED: _("program started"),
    Action.STOPPED: _("program stopped"),
    Action.DERIVED: _("made previews"),
    Action.TRASHED: _("moved a study to the trash"),
    Action.RESTORED: _("took a study out of the trash"),
    Action.HOLD: _("put a study on legal hold"),
    Action.RELEASED: _("released a study from legal hold"),
    Action.DESTROYED: _("destroyed a study"),
    Action.DESTRUCTION_READ: _("looked at studies to be destroyed"),
    Action.REKEYED: _("gave a study a new key"),
    Action.BREAK_GLASS: _("broke the glass"),
    Action.GLASS_ENDED: _("ended an emergency access"),
    Action.GLASS_REVIEWED: _("reviewed an emergency access"),
    Action.RESTRICTED: _("changed whether a study is restricted"),
    Action.ASSIGNED: _("gave studies to their physician"),
    Action.RECONCILED: _("let a rebuilt study be seen again"),
    Action.ROOT_ROTATED: _("changed the root key"),
    Action.EPOCH_ENDED: _("ended an epoch of keys"),
    Action.SHARES_EXPORTED: _("handed out recovery shares"),
    Action.KEYS_RECOVERED: _("recovered the keys from shares"),
    Action.SCRUBBED: _("read stored images back"),
    Action.CHECKED: _("checked the index against the packs"),
    Action.REBUILT: _("rebuilt the index from the packs"),
    Action.SWEPT: _("removed orphans"),
    Action.REINDEXED: _("renewed the search index"),
    Action.COMPACTED: _("compacted packs"),
    Action.BACKUP_CREATED: _("made a backup"),
    Action.BACKUP_VERIFIED: _("verified a backup"),
    Action.BACKUP_RESTORED: _("restored a backup"),
}

OUTCOMES: dict[str, Promise] = {
    Outcome.OK: _("done"),
    Outcome.DENIED: _("denied"),
    Outcome.NOT_FOUND: _("not found"),
    Outcome.FAILED: _("failed"),
}

USES: dict[str, Promise] = {
    Use.LISTED: _("listed"),
    Use.PREVIEWED: _("previewed"),
    Use.PREFETCHED: _("prefetched"),
    Use.DISPLAYED: _("displayed"),
    Use.RETRIEVED: _("retrieved"),
}

# What a study was opened for: a reading, a copy that somebody asked for, or work of the archive's own.
PURPOSES: dict[str, Promise] = {
    "care": _("care"),
    "second-opinion": _("second opinion"),
    "patient-request": _("at the patient's request"),
    "teaching": _("teaching or research"),
    "legal": _("an authority or a court"),
    "other": _("another reason"),
    "derive": _("previews"),
    "duplicate": _("recognising the same again"),
    "compare": _("comparing what was held back"),
    "rebuild": _("making the index anew"),
    "settle": _("giving what was acknowledged its rows again"),
    "reindex": _("renewing the search index"),
}

# What a reader of the record looks for, and the kinds of event that belong to it (empty: decided by the outcome).
KINDS: dict[str, tuple[Promise, tuple[Action, ...]]] = {
    "views": (
        _("Views and downloads"),
        (Action.VIEW, Action.DOWNLOAD, Action.TRANSFERRED, Action.COMPARE, Action.BREAK_GLASS, Action.GLASS_ENDED),
    ),
    "refusals": (_("Refusals"), ()),
    "searches": (_("Searches"), (Action.SEARCH,)),
    "arrivals": (
        _("Arrivals"),
        (
            *(Action.STORE, Action.DUPLICATE, Action.HELD_BACK, Action.HELD_ACCEPTED, Action.HELD_REJECTED),
            Action.REJECTED,
        ),
    ),
    "people": (
        _("People and rights"),
        (
            *(Action.SIGN_IN, Action.SIGN_OUT, Action.STEP_UP, Action.LOCKED, Action.ENROLLED, Action.FACTORS_RESET),
            *(Action.PEOPLE_READ, Action.PERSON_CHANGED, Action.OWN_CHANGED, Action.OWN_TOKEN, Action.ROLE_CHANGED),
            *(Action.OWN_PASSKEY, Action.OWN_APP, Action.LOCK_LIFTED),
            *(Action.GROUP_CHANGED, Action.DEVICE_CHANGED, Action.TOKEN_CHANGED, Action.GRANT_CHANGED),
            *(Action.RECONCILED, Action.SETUP_LINK, Action.DEVICE_ENROLLED, Action.DEVICES_READ, Action.DEVICE_CALLED),
            *(Action.TOKENS_READ, Action.SESSION_ENDED, Action.ROLE_READ, Action.GLASS_REVIEWED, Action.RESTRICTED),
            *(Action.APPROVAL_READ, Action.APPROVAL_ASKED, Action.APPROVAL_DECIDED),
            Action.ASSIGNED,
            *(Action.SCREEN_LOCKED, Action.SCREEN_UNLOCKED),
            *(Action.LINK_MADE, Action.LINK_OPENED, Action.LINK_ENDED, Action.LINKS_READ),
        ),
    ),
    "removal": (
        _("Trash, holds and destruction"),
        (
            *(Action.TRASHED, Action.RESTORED, Action.HOLD, Action.RELEASED, Action.DESTROYED),
            Action.DESTRUCTION_READ,
        ),
    ),
    "keys": (
        _("Keys"),
        (
            *(Action.KEY_CHANGED, Action.REKEYED, Action.ROOT_ROTATED, Action.EPOCH_ENDED, Action.SHARES_EXPORTED),
            Action.KEYS_RECOVERED,
        ),
    ),
    "care": (
        _("Care of the archive"),
        (
            *(Action.SCRUBBED, Action.CHECKED, Action.REBUILT, Action.SWEPT, Action.REINDEXED, Action.COMPACTED),
            *(Action.BACKUP_CREATED, Action.BACKUP_VERIFIED, Action.BACKUP_RESTORED),
        ),
    ),
    "record": (
        _("The record itself"),
        (
            *(Action.LOG_READ, Action.PATIENT_REPORT, Action.OWN_READ, Action.LOG_EXPORTED, Action.LOG_VERIFIED),
            *(Action.LOG_OPENED, Action.ALERT_CHANGED),
        ),
    ),
}


def action(value: str) -> str:
    """The label of a kind of event; an unknown one (of a newer program) stands as it is."""
    return str(ACTIONS.get(value, value))


def outcome(value: str) -> str:
    return str(OUTCOMES.get(value, value))


def use(value: str) -> str:
    return str(USES.get(value, value))


def purpose(value: str) -> str:
    return str(PURPOSES.get(value, value))


def alert(kind: str) -> str:
    return str(RULES[kind].label) if kind in RULES else kind
