"""Who holds what by all roles together; every change of it passes here, one after the other.

Whoever changes rights loses a race in one of two ways: the right to do so went meanwhile, or nobody would be left who
manages people. Both are found out behind the turn, where the tables stand still. So is whether power would come about
by one person alone (`accounts.power`).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from accounts import duties, epoch, gate, refusals
from accounts.actors import Actor
from accounts.errors import AgainstRules, Forbidden
from accounts.models import Approval, Person, Role, Token
from accounts.policy import Permission
from accounts.refusals import Asked
from audit import alerts
from audit.actions import Action, Outcome

POWERS: Final = frozenset({Permission.PEOPLE_MANAGE, Permission.GROUPS_MANAGE, Permission.TOKENS_MANAGE, *duties.KEYS})
"""Power over people, roles or keys: two give it, and it is told by an alert whenever somebody comes to hold it."""
_TURN: Final = int.from_bytes(b"rights")


class Holder(NamedTuple):
    """A person, and what all roles of that person allow together, whether or not the person may sign in now."""

    name: str
    active: bool
    permissions: frozenset[str]

    @property
    def power(self) -> frozenset[str]:
        """What of it is power that can be used: a disabled person has none, and gains it by being enabled."""
        return self.permissions & POWERS if self.active else frozenset()


NOBODY: Final = Holder("", active=False, permissions=frozenset())


def holders() -> dict[UUID, Holder]:
    """Return everybody with what they hold."""
    carried = {role.pk: frozenset(role.permissions) for role in Role.objects.all()}
    given = defaultdict[UUID, set[str]](set)
    for person_id, role_id in Person.roles.through.objects.values_list("person_id", "role_id"):
        given[person_id] |= carried.get(role_id, frozenset())
    rows = Person.objects.values_list("id", "username", "is_active")
    return {key: Holder(name, active, frozenset(given[key])) for key, name, active in rows}


def of(person: Person) -> frozenset[str]:
    """Return what one person holds by all roles."""
    return frozenset[str]().union(*(role.permissions for role in person.roles.all()))


def person_of(actor: Actor) -> UUID | None:
    """Return the id of the person who acts, also through a token; None for whoever is no person."""
    if actor.kind == "person":
        return UUID(actor.id)
    if actor.kind == "token":
        return Token.objects.filter(pk=UUID(actor.id)).values_list("person_id", flat=True).first()
    return None


def turn() -> None:
    """Wait inside the caller's transaction until no other change of rights is under way, and keep the others waiting.

    On SQLite whoever is in a transaction has this turn already.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("Rights change inside a transaction.")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TURN])


def holds_now(person_id: UUID | None, permission: Permission) -> bool:
    """Tell from the tables themselves whether this person may sign in and holds a permission."""
    person = Person.objects.filter(pk=person_id, is_active=True).first() if person_id else None
    return person is not None and permission in of(person)


@contextmanager
def changing(by: Actor | None = None, *, of_two: str = "") -> Iterator[None]:
    """Change what people hold, inside the caller's transaction and one change after the other.

    `by` is who changes it; `of_two` says in words who wanted it together with them, where it was asked for and
    confirmed. Raises AgainstRules, and with it the transaction fails: where somebody would hold what must be apart, or
    more by their own hand, or power by the hand of one person; where nobody would manage people any more; and where
    `by` may no longer do so.
    """
    turn()
    before, mine = holders(), person_of(by) if by is not None else None
    if mine is not None and not holds_now(mine, Permission.PEOPLE_MANAGE):
        raise AgainstRules("person", _("You may not do this any more."), "lost")
    yield
    after = holders()
    for key, holder in after.items():
        known = before.get(key, NOBODY)
        if holder.permissions - known.permissions:
            require_sound(holder, own=key == mine)
        if power := holder.power - known.power:
            if mine is not None and not of_two:
                raise AgainstRules("roles", _("Power over people, roles or keys is given by two people."), "two")
            if by is not None:
                _tell(holder.name, power, of_two or f"{by.name} gave it by a command.")
    _watch(_managing(before), _managing(after))
    epoch.raise_()


def require_sound(holder: Holder, *, own: bool) -> None:
    """Return if somebody may come to hold this. Raises AgainstRules, also where it would be by their own hand."""
    if own:
        words = _("Nobody gives rights to themselves. Another administrator can.")
        raise AgainstRules("roles", words, "own")
    duties.require(holder.name, holder.permissions)


def unsound() -> list[tuple[str, str]]:
    """Return who holds together what must be apart, and why it must: from before a rule, or by some other way."""
    found = [(one.name, pair) for one in holders().values() for pair in duties.APART if pair.met(one.permissions)]
    return [(name, str(pair.reason)) for name, pair in sorted(found, key=lambda both: both[0])]


def _tell(name: str, powers: frozenset[str], how: str) -> None:
    alerts.raise_("power-given", name, f"{name} may now: {', '.join(sorted(powers))}. {how}")


def _managing(known: Mapping[UUID, Holder]) -> dict[UUID, str]:
    return {key: one.name for key, one in known.items() if Permission.PEOPLE_MANAGE in one.power}


def _watch(before: Mapping[UUID, str], after: Mapping[UUID, str]) -> None:
    """Look at who manages people before and after a change. Raises AgainstRules where nobody would be left.

    One who is left alone goes on by waiting a day, so that being left alone is told; and whoever comes new can confirm
    what waits, so that it waits for nothing else any more.
    """
    if before and not after:
        raise AgainstRules("person", _("Somebody must remain who manages people."), "last")
    if len(before) > 1 and len(after) == 1:
        (name,) = after.values()
        gone = ", ".join(sorted(before[key] for key in before.keys() - after.keys()))
        alerts.raise_("one-left", name, f"Only {name} manages people now; no longer does: {gone}.")
    if settings.PACS_FOUR_EYES and after.keys() - before.keys():
        Approval.objects.filter(state="open").exclude(alone_from=None).update(alone_from=None)


@contextmanager
def recorded(actor: Actor, action: Action, *, subject: str, details: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Put what is against the rules about rights on record before it is raised on.

    Raises AgainstRules, or Forbidden for whoever lost the right meanwhile.
    """
    try:
        yield
    except AgainstRules as error:
        raise _on_record(actor, action, subject, details, error) from None


@contextmanager
def change(
    actor: Actor, action: Action, *, subject: str, study_uid: str = "", details: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """Do as `gate.change` does, and as `recorded` does about what is against the rules about rights."""
    try:
        with gate.change(actor, action, subject=subject, study_uid=study_uid, details=details) as told:
            yield told
    except AgainstRules as error:
        raise _on_record(actor, action, subject, details, error, study_uid) from None


def _on_record(
    actor: Actor,
    action: Action,
    subject: str,
    details: Mapping[str, Any] | None,
    error: AgainstRules,
    study_uid: str = "",
) -> Exception:
    asked = Asked(action, study_uid, details={"subject": subject, **(details or {}), "rule": error.rule})
    forbidden = refusals.recorded(actor, asked, Outcome.DENIED, Forbidden(str(error)))
    return forbidden if error.rule == "lost" else error
