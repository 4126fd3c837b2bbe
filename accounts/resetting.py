"""Taking lost factors away: who can do that becomes the person, so it needs two."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts import factors, people
from accounts.actors import Actor
from accounts.acts import Kind, Proposal
from accounts.errors import AgainstRules
from accounts.models import Person
from audit import log
from audit.actions import Action, Outcome

NAME = "reset-factors"


def _known(subject: str) -> Person:
    """Return the person whose factors are lost. Raises AgainstRules for one that is gone or disabled."""
    person = Person.objects.filter(pk=UUID(subject), is_active=True).first()
    if person is None:
        raise AgainstRules("person", _now("This person is disabled or not there any more."), "gone")
    return person


def _ready(subject: str, _proposal: Proposal) -> None:
    _known(subject)


def _named(subject: str) -> str:
    return Person.objects.filter(pk=UUID(subject)).values_list("username", flat=True).first() or "-"


def _carry_out(actor: Actor, subject: str, _proposal: Proposal, told: dict[str, Any]) -> str:
    """Reset, in the caller's transaction; return the initial password, to be handed over once."""
    person = _known(subject)
    factors.reset(person)
    password = people.reset_password(person)
    details = {"subject": f"person:{person.id}", "act": "reset", **told}
    log.append([log.Event(Action.FACTORS_RESET, Outcome.OK, actor.who, details=details)])
    return password


KIND = Kind(
    NAME,
    Action.FACTORS_RESET,
    _("Reset password and second factor"),
    _(
        "The password and every second factor of this person are taken away, and all sessions end. Whoever confirms is "
        "shown a new initial password once, and hands it to this very person, who then enrols again."
    ),
    _named,
    _ready,
    _carry_out,
)
