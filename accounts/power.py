"""Power over people, roles and keys: two people give it, one takes it away.

What of a change gives nobody power is done at once; the rest of it is asked for in the same transaction, and comes
about as it was shown or not at all. The shell is the machine's owner and waits for nobody: an alert tells of it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts import approvals, duties, people, rights, roles
from accounts.actors import Actor
from accounts.acts import Kind, Proposal
from accounts.errors import AgainstRules
from accounts.models import Approval, Group, Person, Role
from accounts.permission_words import words
from audit import log
from audit.actions import Action, Outcome

GIVE: Final = "give-power"
ADD: Final = "add-power"


def create(actor: Actor, name: str, *, wanted: Sequence[str], **more: Any) -> tuple[Person, UUID | None]:
    """Make a person as `people.create` does, without the roles that give power; return the request for those, if any.

    As all of these: inside the caller's `rights.change`. Raises Unacceptable.
    """
    rights.turn()
    later = _powerful(None, roles.named(wanted))
    person = people.create(name, roles=_without(wanted, later), by=actor, **more)
    return person, _ask(actor, person, later)


def edit(
    actor: Actor, person: Person, *, wanted: Sequence[str], groups: Sequence[Group], full_name: str
) -> UUID | None:
    """Change a person as `people.edit` does, without what gives power; return the request for that, if any."""
    rights.turn()
    own = rights.person_of(actor) == person.pk
    later = [] if own else _powerful(person, roles.named(wanted))
    people.edit(person, roles=_without(wanted, later), groups=groups, full_name=full_name, by=actor)
    return _ask(actor, person, later)


def enable(actor: Actor, person: Person) -> UUID | None:
    """Let a disabled person sign in again, without the roles that give power; return the request for those, if any."""
    rights.turn()
    person.refresh_from_db()
    later = [] if person.is_active else [role for role in person.roles.all() if rights.POWERS & set(role.permissions)]
    person.roles.remove(*later)
    people.enable(person, by=actor)
    return _ask(actor, person, later)


def edit_role(actor: Actor, role: Role, name: str, permissions: Sequence[str]) -> UUID | None:
    """Change a role as `roles.edit` does, without power that it would bring somebody; return the request for that."""
    rights.turn()
    role.refresh_from_db()
    later = held_back(role, permissions, by=actor)
    roles.edit(role, name, [one for one in permissions if one not in later], by=actor)
    if not later:
        return None
    gaining = _gaining(role, later)
    proposal = {
        "role": role.name,
        "before": sorted(role.permissions),
        "adds": sorted(later),
        "people": [person.username for person in gaining],
        "falls_on": [str(person.id) for person in gaining],
    }
    return approvals.ask_along(actor, ADD, str(role.pk), concerns=None, proposal=proposal)


def held_back(role: Role, permissions: Iterable[str], *, by: Actor) -> frozenset[str]:
    """Return what of these permissions would bring power to somebody who holds the role, and so waits for a second."""
    changed = roles.would_change(role, permissions, by=by)
    gained = frozenset[str]().union(*(one.gains for one in changed if one.active))
    return gained & rights.POWERS


def waiting(person: Person) -> Approval | None:
    """Return the open request to give this person power."""
    waits = Approval.objects.filter(kind=GIVE, subject=str(person.id), state="open", lapses_at__gt=timezone.now())
    return waits.first()


def _powerful(person: Person | None, wanted: list[Role]) -> list[Role]:
    """Return which of these roles bring power that the person does not hold now. Somebody disabled has none to gain."""
    if person is not None and not Person.objects.filter(pk=person.pk, is_active=True).exists():
        return []
    held = rights.of(person) if person is not None else frozenset[str]()
    return [role for role in wanted if rights.POWERS & (frozenset(role.permissions) - held)]


def _without(wanted: Sequence[str], later: list[Role]) -> list[str]:
    names = {role.name for role in later}
    return [name for name in wanted if name not in names]


def _ask(actor: Actor, person: Person, later: list[Role]) -> UUID | None:
    if not later:
        return None
    given = [{"id": role.pk, "name": role.name, "permissions": sorted(role.permissions)} for role in later]
    return approvals.ask_along(actor, GIVE, str(person.id), concerns=person.id, proposal={"roles": given})


def _changed() -> AgainstRules:
    return AgainstRules("approval", _now("This has changed since it was asked for. Ask for it again."), "changed")


def _person(subject: str) -> Person:
    person = Person.objects.filter(pk=UUID(subject), is_active=True).first()
    if person is None:
        raise AgainstRules("person", _now("This person is disabled or not there any more."), "gone")
    return person


def _roles(proposal: Proposal) -> list[Role]:
    """Return the roles of a proposal. Raises AgainstRules unless each still is what was shown."""
    known = {role.pk: role for role in Role.objects.filter(pk__in=[one["id"] for one in proposal["roles"]])}
    for one in proposal["roles"]:
        role = known.get(one["id"])
        if role is None or (role.name, sorted(role.permissions)) != (one["name"], one["permissions"]):
            raise _changed()
    return list(known.values())


def _ready_to_give(subject: str, proposal: Proposal) -> None:
    person = _person(subject)
    duties.require(person.username, rights.of(person).union(*(role.permissions for role in _roles(proposal))))


def _give(actor: Actor, subject: str, proposal: Proposal, told: dict[str, Any]) -> None:
    person, given = _person(subject), _roles(proposal)
    with rights.changing(actor, of_two=_both(actor, told)):
        person.roles.add(*given)
    details = {"subject": f"person:{person.id}", "act": "power given", "roles": [role.name for role in given], **told}
    log.append([log.Event(Action.PERSON_CHANGED, Outcome.OK, actor.who, details=details)])


def _gaining(role: Role, adds: Iterable[str]) -> list[Person]:
    """Return who would hold more than now once the role allowed these as well, by user name."""
    people_of = role.people.prefetch_related("roles").order_by("username")
    return [person for person in people_of if frozenset(adds) - rights.of(person)]


def _role(subject: str, proposal: Proposal) -> Role:
    """Return the role of a proposal. Raises AgainstRules unless it allows, and concerns whom, it did when shown."""
    role = Role.objects.filter(pk=int(subject)).first()
    if role is None or (role.name, sorted(role.permissions)) != (proposal["role"], proposal["before"]):
        raise _changed()
    if [str(person.id) for person in _gaining(role, proposal["adds"])] != proposal["falls_on"]:
        raise _changed()
    return role


def _ready_to_add(subject: str, proposal: Proposal) -> None:
    role = _role(subject, proposal)
    roles.would_change(role, {*role.permissions, *proposal["adds"]})


def _add(actor: Actor, subject: str, proposal: Proposal, told: dict[str, Any]) -> None:
    role = _role(subject, proposal)
    with rights.changing(actor, of_two=_both(actor, told)):
        role.permissions = sorted({*role.permissions, *proposal["adds"]})
        role.save(update_fields=["permissions"])
    details = {"subject": role.name, "act": "power added", "permissions": role.permissions, **told}
    log.append([log.Event(Action.ROLE_CHANGED, Outcome.OK, actor.who, details={**details, "adds": proposal["adds"]})])


def _both(actor: Actor, told: dict[str, Any]) -> str:
    if told["asked_by"] == actor.name[:60]:
        return f"{actor.name} asked for it and carried it out alone, a day later."
    return f"{told['asked_by']} asked for it and {actor.name} confirmed."


def _shown_roles(proposal: Proposal) -> list[str]:
    return [f"{roles.readable(one['name'])}: {'; '.join(words(one['permissions']))}" for one in proposal["roles"]]


def _shown_role(proposal: Proposal) -> list[str]:
    return [*words(proposal["adds"]), _now("This concerns: %(names)s") % {"names": ", ".join(proposal["people"])}]


def _named_person(subject: str) -> str:
    return Person.objects.filter(pk=UUID(subject)).values_list("username", flat=True).first() or "-"


def _named_role(subject: str) -> str:
    return Role.objects.filter(pk=int(subject)).values_list("name", flat=True).first() or "-"


GIVING: Final = Kind(
    GIVE,
    Action.PERSON_CHANGED,
    _("Give a person power"),
    _(
        "The person gets these roles, which hold power over people, roles or keys, at once. If a role is changed "
        "before that, or the person is disabled, nothing comes of this and it must be asked for again."
    ),
    _named_person,
    _ready_to_give,
    _give,
    shown=_shown_roles,
    leads_on=True,
)
ADDING: Final = Kind(
    ADD,
    Action.ROLE_CHANGED,
    _("Add power to a role"),
    _(
        "Everybody who holds the role gets this power over people, roles or keys at once. If the role is changed "
        "before that, or who holds it, nothing comes of this and it must be asked for again."
    ),
    _named_role,
    _ready_to_add,
    _add,
    shown=_shown_role,
    leads_on=True,
)
