"""Passkeys of one's own: each change asks for a fresh second factor, is on record, and raises an alert."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts import epoch, factors, gate, mine, sessions
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.factors import passkeys
from accounts.models import Passkey, Person
from audit import alerts
from audit.actions import Action

Options = dict[str, Any]


def ask(actor: Actor, session: str, host: str) -> Options | None:
    """Begin a proof by passkey for who signs in or gives a fresh factor; None where there is no passkey to use here."""
    if actor.verified:
        gate.permit(actor, Action.OWN_CHANGED)
    return passkeys.ask(mine.person(actor), session, host)


def offer(actor: Actor, session: str, host: str) -> Options | None:
    """Begin to make a passkey: the first one after the password, a further one with a fresh second factor."""
    if actor.verified:
        gate.permit(actor, Action.OWN_PASSKEY)
    me = mine.person(actor)
    if not actor.verified and (me.password_is_initial or factors.enrolled(me)):
        return None
    return passkeys.offer(me, session, host)


def add(actor: Actor, session: str, host: str, answer: str, *, name: str, end_others: bool) -> Passkey:
    """Keep a further passkey. Raises StepUpNeeded, and Unacceptable for an answer that proves nothing."""
    gate.permit(actor, Action.OWN_PASSKEY)
    me, made = mine.person(actor), passkeys.made(session, host, answer)
    if made is None:
        raise _not_made()
    with gate.change(actor, Action.OWN_PASSKEY, subject=actor.key, details={"act": "added"}) as told:
        kept = passkeys.keep(me, *made, name=name)
        if kept is None:
            raise _not_made()
        told["passkey"] = str(kept.id)
        if end_others:
            sessions.end_others(me, actor.session)
        epoch.raise_()
        alerts.raise_("passkeys-changed", me.username, "A passkey was added.")
    return kept


def rename(actor: Actor, passkey_id: UUID, name: str) -> None:
    """Give a passkey another name. Raises StepUpNeeded, and NotVisible for anybody else's."""
    me = mine.person(actor)
    _require(actor, me, passkey_id)
    told = {"act": "renamed", "passkey": str(passkey_id)}
    with gate.change(actor, Action.OWN_PASSKEY, subject=actor.key, details=told):
        Passkey.objects.filter(pk=passkey_id, person=me).update(name=passkeys.titled(name))


def remove(actor: Actor, passkey_id: UUID) -> None:
    """Take a passkey away and end every other session. Raises Unacceptable for the last factor, StepUpNeeded and
    NotVisible."""
    me = mine.person(actor)
    _require(actor, me, passkey_id)
    told = {"act": "removed", "passkey": str(passkey_id)}
    with gate.change(actor, Action.OWN_PASSKEY, subject=actor.key, details=told):
        # Two who take one away each at the same time must not leave none.
        Person.objects.select_for_update().get(pk=me.pk)
        Passkey.objects.filter(pk=passkey_id, person=me).delete()
        if not factors.enrolled(me):
            raise Unacceptable("passkey", _("This is your only second factor. Add another one before you remove it."))
        sessions.end_others(me, actor.session)
        alerts.raise_("passkeys-changed", me.username, "A passkey was removed.")


def _require(actor: Actor, me: Person, passkey_id: UUID) -> None:
    if not Passkey.objects.filter(pk=passkey_id, person=me).exists():
        raise gate.missed(actor, Action.OWN_PASSKEY, subject=f"passkey:{passkey_id}")


def _not_made() -> Unacceptable:
    return Unacceptable("passkey", _("The passkey was not added. Try again; each attempt lasts two minutes."))
