"""The authenticator app of one's own: each change asks for a fresh second factor, is on record, and raises an alert."""

from django.utils.translation import gettext as _

from accounts import epoch, factors, gate, mine, sessions
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.models import TotpDevice
from audit import alerts
from audit.actions import Action


def offer(actor: Actor) -> TotpDevice | None:
    """Return an app's factor to scan, with a seed that nobody has seen; None where there is an app already.

    Raises StepUpNeeded.
    """
    gate.permit(actor, Action.OWN_APP)
    me = mine.person(actor)
    return None if factors.has_app(me) else factors.offer_anew(me)


def add(actor: Actor, code: str, *, end_others: bool) -> None:
    """Keep the app that was scanned, once it has given a code. Raises StepUpNeeded, or Unacceptable for a wrong one."""
    gate.permit(actor, Action.OWN_APP)
    me = mine.person(actor)
    device = factors.waiting_app(me)
    if device is None or factors.has_app(me) or not factors.proves(device, code):
        raise _not_added()
    with gate.change(actor, Action.OWN_APP, subject=actor.key, details={"act": "added"}):
        if not factors.keep_app(me, device):
            raise _not_added()
        if end_others:
            sessions.end_others(me, actor.session)
        epoch.raise_()
        alerts.raise_("app-changed", me.username, "An authenticator app was added.")


def remove(actor: Actor) -> None:
    """Take the app away and end every other session. Raises Unacceptable for the last factor, StepUpNeeded, and
    NotVisible where there is none."""
    me = mine.person(actor)
    if not factors.has_app(me):
        raise gate.missed(actor, Action.OWN_APP, subject=actor.key)
    with gate.change(actor, Action.OWN_APP, subject=actor.key, details={"act": "removed"}):
        if not factors.drop_app(me):
            raise Unacceptable("code", _("This is your only second factor. Add another one before you remove it."))
        sessions.end_others(me, actor.session)
        alerts.raise_("app-changed", me.username, "An authenticator app was removed.")


def _not_added() -> Unacceptable:
    return Unacceptable("code", _("The app was not added: the code is wrong or was used already. Try again."))
