"""What each permission lets somebody do, in words: for the pages of roles and people, and for refusals."""

from collections.abc import Iterable
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.policy import Permission

SECTIONS: Final[tuple[tuple[Promise, tuple[tuple[Permission, Promise], ...]], ...]] = (
    (
        _("Studies"),
        (
            (Permission.STUDY_SEARCH, _("search for studies of the own groups")),
            (Permission.STUDY_VIEW, _("view images of studies")),
            (Permission.STUDY_DOWNLOAD, _("download studies")),
            (Permission.STUDY_STORE, _("send images into the archive")),
            (Permission.STUDY_RECONCILE, _("look at images that were held back, and decide about them")),
            (Permission.STUDY_TRASH, _("move studies to the trash and restore them")),
            (Permission.STUDY_HOLD, _("put studies on legal hold and release them")),
            (Permission.STUDY_DESTROY, _("destroy studies in the trash for ever")),
            (Permission.STUDY_BREAK_GLASS, _("open a patient of another group for an hour in an emergency")),
            (Permission.STUDY_GRANT, _("let somebody see a study of another group for a time")),
            (Permission.STUDY_SHARE, _("share a study by a link with somebody who has no account")),
            (Permission.STUDY_RESTRICT, _("keep a study from all groups but for grants and emergencies")),
            (Permission.BREAK_GLASS_REVIEW, _("judge emergency accesses of others")),
        ),
    ),
    (
        _("People and devices"),
        (
            (Permission.PEOPLE_MANAGE, _("make and disable people, give them roles, edit roles, reset lost factors")),
            (Permission.ROLES_READ, _("read what each role allows and who holds it")),
            (Permission.GROUPS_MANAGE, _("make groups, change who belongs to them and which studies they see")),
            (Permission.DEVICES_SEE, _("see how devices are, and send them an echo")),
            (Permission.DEVICES_MANAGE, _("make devices known, change what they may, disable them")),
            (Permission.TOKENS_MANAGE, _("make and revoke API tokens of others")),
        ),
    ),
    (
        _("Record"),
        (
            (Permission.LOG_READ, _("read the record of who did what, and export it")),
            (Permission.LOG_VERIFY, _("verify that the record is whole")),
            (Permission.ALERTS_READ, _("read alerts and mark them as seen")),
        ),
    ),
    (
        _("Keys and machine"),
        (
            (Permission.KEYS_MANAGE, _("replace keys and end epochs of keys")),
            (Permission.KEYS_EXPORT, _("hand out the recovery shares")),
            (Permission.BACKUP_MANAGE, _("make, verify and restore backups")),
            (Permission.ARCHIVE_TEND, _("check, sweep and compact what is stored")),
            (Permission.SYSTEM_SEE, _("see how the archive is")),
        ),
    ),
)

WORDS: Final[dict[str, Promise]] = {permission: words for _section, rows in SECTIONS for permission, words in rows}

KEPT_BACK: Final = frozenset({Permission.STUDY_DERIVE, Permission.STUDY_ASSIGN, Permission.OWN})
"""What no role holds: the first two are the program's own work, the other everybody's."""


def offered() -> list[Permission]:
    """Return what a role can hold, in the order of the table."""
    return [permission for _section, rows in SECTIONS for permission, _words in rows]


def word(permission: str) -> str:
    """Return what a permission lets somebody do; one of a newer program stands as it is."""
    return str(WORDS.get(permission, permission))


def words(permissions: Iterable[str]) -> list[str]:
    """Return these permissions in words, in the order of the table; those that are not in it come last."""
    wanted = set(permissions)
    known = [permission for permission in offered() if permission in wanted]
    return [word(one) for one in (*known, *sorted(wanted.difference(WORDS)))]
