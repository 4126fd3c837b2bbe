"""What every person may do with what is their own: preferences, password, tokens, sessions."""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from accounts import factors, gate, people, sessions, tokens
from accounts.actors import Actor
from accounts.errors import NotVisible, Unacceptable
from accounts.models import Person, Token
from audit import log
from audit.actions import Action, Outcome

THEMES = ("dark", "light")


def person(actor: Actor) -> Person:
    """Return the row of the person who acts, also when only the password was given. Raises NotVisible for others."""
    found = Person.objects.filter(pk=UUID(actor.id), is_active=True).first() if actor.kind == "person" else None
    if found is None:
        raise NotVisible
    return found


def prefer(actor: Actor, *, language: str, theme: str) -> None:
    """Keep how this person wants pages. Raises Unacceptable for a language or theme that does not exist."""
    if language not in dict(settings.LANGUAGES):
        raise Unacceptable("language", _("There is no such language."))
    if theme not in THEMES:
        raise Unacceptable("theme", _("There is no such theme."))
    with gate.change(actor, Action.OWN_CHANGED, subject=actor.key, details={"language": language, "theme": theme}):
        people.prefer(person(actor), language=language, theme=theme)


def speak(actor: Actor, language: str) -> None:
    """Keep the person's language alone."""
    prefer(actor, language=language, theme=person(actor).theme)


def change_password(actor: Actor, old: str, new: str) -> None:
    """Replace the password; every other session of the person ends. Raises Unacceptable."""
    me = person(actor)
    if not people.knows(me, old):
        # Whoever sits at a session that was left open could guess the password here.
        told = {"subject": actor.key, "act": "password", "refused": "password"}
        log.commit([log.Event(Action.OWN_CHANGED, Outcome.DENIED, actor.who, details=told)])
        raise Unacceptable("old", _("This is not your present password."))
    with gate.change(actor, Action.OWN_CHANGED, subject=actor.key, details={"act": "password"}):
        people.change_password(me, new)
        sessions.end_others(me, actor.session)


def make_token(actor: Actor, *, name: str, scopes: Sequence[str], days: int, address: str = "") -> str:
    """Make an API token; return its secret, to be shown once. Raises StepUpNeeded or Unacceptable."""
    with gate.change(actor, Action.OWN_TOKEN, subject=actor.key, details={"act": "created"}) as told:
        token, secret = tokens.create(person(actor), name=name, scopes=scopes, days=days, address=address)
        told.update(tokens.told(token))
    return secret


def revoke_token(actor: Actor, token_id: UUID) -> None:
    """End one of the person's own tokens. Raises NotVisible for anything else."""
    token = Token.objects.filter(pk=token_id, person=person(actor)).first()
    if token is None:
        raise gate.missed(actor, Action.OWN_CHANGED, subject=f"token:{token_id}")
    with gate.change(actor, Action.OWN_CHANGED, subject=actor.key, details={"act": "revoked", "token": str(token_id)}):
        tokens.revoke(token)


def end_session(actor: Actor, session: str) -> None:
    """End one of the person's own sessions, by its name in the log. Raises NotVisible for anything else."""
    me = person(actor)
    if not sessions.named(session).filter(person=me).exists():
        raise gate.missed(actor, Action.OWN_CHANGED, subject=f"session:{session}")
    with gate.change(actor, Action.OWN_CHANGED, subject=actor.key, details={"act": "ended", "session": session}):
        sessions.end_named(me, session)


def new_recovery_codes(actor: Actor) -> list[str]:
    """Replace the recovery codes; return the new ones, to be shown once. Raises StepUpNeeded."""
    with gate.change(actor, Action.OWN_TOKEN, subject=actor.key, details={"act": "recovery codes"}):
        return factors.new_recovery_codes(person(actor))
