"""What pages of every room need: the navigation that this actor may use, and roles as people read them."""

from contextlib import suppress
from dataclasses import dataclass

from django import template
from django.db import Error as DatabaseFault
from django.template.context import Context
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.actors import NOBODY, Actor
from accounts.policy import Permission
from audit import inbox

register = template.Library()
register.filter("roles", roles.readable)

ALERTS = "/record/alerts/"
ENTRIES: tuple[tuple[str, Permission, Promise], ...] = (
    ("/studies/", Permission.STUDY_SEARCH, _("Studies")),
    ("/trash/", Permission.STUDY_TRASH, _("Trash")),
    ("/destruction/", Permission.STUDY_DESTROY, _("Destruction")),
    ("/holds/", Permission.STUDY_HOLD, _("Legal holds")),
    ("/record/", Permission.LOG_READ, _("Record")),
    (ALERTS, Permission.ALERTS_READ, _("Alerts")),
    ("/people/", Permission.PEOPLE_MANAGE, _("People")),
    ("/groups/", Permission.GROUPS_MANAGE, _("Groups")),
    ("/devices/", Permission.DEVICES_MANAGE, _("Devices")),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the navigation; `current` when the page shown lies below it, `count` of what waits there."""

    href: str
    label: str
    current: bool
    count: str = ""


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[Entry]:
    """Return the links that the request's actor may use; none for somebody who has not proved both factors."""
    request = context.get("request")
    actor: Actor = getattr(request, "actor", NOBODY)
    if request is None or not actor.verified:
        return []
    allowed = [(href, label) for href, needs, label in ENTRIES if needs in actor.permissions]
    here = max((href for href, _label in allowed if request.path.startswith(href)), key=len, default="")
    entries = [Entry(href, str(label), href == here, _waiting(href)) for href, label in allowed]
    return [*entries, Entry("/me/", str(_("Me")), request.path.startswith("/me/"))]


def _waiting(href: str) -> str:
    """How many alerts nobody has seen, for their link; nothing where there are none or the database does not say."""
    if href != ALERTS:
        return ""
    with suppress(DatabaseFault):
        number = inbox.open_count()
        return f"{number - 1}+" if number == inbox.MOST_COUNTED else str(number or "")
    return ""
