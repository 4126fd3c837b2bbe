"""What pages of every room need: the navigation that this actor may use, and roles as people read them."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django import template
from django.db import Error as DatabaseFault
from django.template.context import Context
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import asked, break_glass, roles
from accounts.actors import NOBODY, Actor
from accounts.policy import Permission
from archive import sharing
from audit import inbox

register = template.Library()
register.filter("roles", roles.readable)

ALERTS = "/record/alerts/"
APPROVALS = "/approvals/"
SHARES = "/shares/"
ENTRIES: tuple[tuple[str, Permission, Promise], ...] = (
    ("/studies/", Permission.STUDY_SEARCH, _("Studies")),
    ("/trash/", Permission.STUDY_TRASH, _("Trash")),
    ("/destruction/", Permission.STUDY_DESTROY, _("Destruction")),
    ("/holds/", Permission.STUDY_HOLD, _("Legal holds")),
    ("/grants/", Permission.STUDY_GRANT, _("Grants")),
    ("/restricted/", Permission.STUDY_RESTRICT, _("Restricted")),
    ("/record/", Permission.LOG_READ, _("Record")),
    (ALERTS, Permission.ALERTS_READ, _("Alerts")),
    ("/break-glass/reviews/", Permission.BREAK_GLASS_REVIEW, _("Emergency access")),
    ("/people/", Permission.PEOPLE_MANAGE, _("People")),
    ("/sessions/", Permission.PEOPLE_MANAGE, _("Sessions")),
    ("/roles/", Permission.ROLES_READ, _("Roles")),
    ("/groups/", Permission.GROUPS_MANAGE, _("Groups")),
    ("/devices/", Permission.DEVICES_SEE, _("Devices")),
    ("/tokens/", Permission.TOKENS_MANAGE, _("Tokens")),
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
    # To a shared link every page but its study's is as if it were not there.
    if request is None or not actor.verified or actor.kind == "link":
        return []
    allowed = [(href, label) for href, needs, label in ENTRIES if needs in actor.permissions]
    here = max((href for href, _label in allowed if request.path.startswith(href)), key=len, default="")
    entries = [Entry(href, str(label), href == here, _waiting(href)) for href, label in allowed]
    entries += _shares(actor, request.path) + _approvals(actor, request.path)
    return [*entries, Entry("/me/", str(_("Me")), request.path.startswith("/me/"))]


@register.simple_tag(takes_context=True)
def broken_glass(context: Context) -> datetime | None:
    """Until when the request's actor sees what is not theirs to see; None where nothing was broken."""
    request = context.get("request")
    actor: Actor = getattr(request, "actor", NOBODY)
    with suppress(DatabaseFault):
        return break_glass.until(actor) if actor.verified else None
    return None


def _shares(actor: Actor, path: str) -> list[Entry]:
    """The link to shared links, for whoever makes some or looks after them."""
    return [Entry(SHARES, str(_("Links")), path.startswith(SHARES))] if sharing.may_list(actor) else []


def _approvals(actor: Actor, path: str) -> list[Entry]:
    """The link to acts of two people, with how many wait for this person, for whoever can confirm some."""
    with suppress(DatabaseFault):
        number = asked.open_count(actor)
        if number is not None:
            here = path.startswith(APPROVALS)
            return [Entry(APPROVALS, str(_("Acts of two")), here, str(number or ""))]
    return []


def _waiting(href: str) -> str:
    """How many alerts nobody has seen, for their link; nothing where there are none or the database does not say."""
    if href != ALERTS:
        return ""
    with suppress(DatabaseFault):
        number = inbox.open_count()
        return f"{number - 1}+" if number == inbox.MOST_COUNTED else str(number or "")
    return ""
