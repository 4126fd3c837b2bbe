"""Roles are rows, so that an administrator can edit them; the five an installation starts with come from the policy."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import duties, rights
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.models import Role
from accounts.permission_words import offered
from accounts.policy import ROLES
from accounts.rights import Holder

LONGEST_NAME = 60


def ensure() -> None:
    """Make the roles of the policy that are missing; those that exist stay as people edited them."""
    for name, permissions in ROLES.items():
        Role.objects.get_or_create(name=name, defaults={"permissions": sorted(permissions)})


def readable(names: str) -> str:
    """Return a role's name, or several with ", " between, those of the policy in the language of who reads."""
    return ", ".join(_(name) if name in ROLES else name for name in names.split(", "))


def named(names: Iterable[str]) -> list[Role]:
    """Return the roles with these names. Raises Unacceptable when one does not exist."""
    wanted = list(dict.fromkeys(names))
    found = {role.name: role for role in Role.objects.filter(name__in=wanted)}
    for name in wanted:
        if name not in found:
            raise Unacceptable("role", _("There is no role “%(name)s”.") % {"name": name})
    return [found[name] for name in wanted]


def create(name: str, permissions: Iterable[str], *, by: Actor | None = None) -> Role:
    """Make a role that nobody holds yet. Raises Unacceptable for a bad name, an unknown permission, or duties."""
    kept = _permissions(permissions)
    with transaction.atomic(), rights.changing(by):
        role = Role(name=_name(name), permissions=kept)
        duties.require(role.name, kept)
        role.save()
    return role


def edit(role: Role, name: str, permissions: Iterable[str], *, by: Actor | None = None) -> None:
    """Replace a role's name and what it allows, for everybody who holds it. Raises Unacceptable."""
    kept = _permissions(permissions)
    with transaction.atomic(), rights.changing(by):
        role.name, role.permissions = _name(name, role), kept
        duties.require(role.name, kept)
        role.save(update_fields=["name", "permissions"])


def allow(role: Role, permissions: Iterable[str], *, by: Actor | None = None) -> None:
    """Replace what a role allows. Raises Unacceptable."""
    edit(role, role.name, permissions, by=by)


def delete(role: Role, *, by: Actor | None = None) -> None:
    """Remove a role. Raises Unacceptable while somebody holds it, be it somebody disabled."""
    with transaction.atomic(), rights.changing(by):
        if role.people.exists():
            raise Unacceptable("role", _("Somebody holds this role. Take it from everybody first."))
        role.delete()


@dataclass(frozen=True, slots=True)
class Changed:
    """One person to whom an edited role brings or takes something."""

    name: str
    active: bool
    gains: frozenset[str]
    loses: frozenset[str]


def would_change(role: Role, permissions: Iterable[str], *, by: Actor | None = None) -> list[Changed]:
    """Return for whom something changes once the role allows this, by name. What other roles allow as well stays.

    Raises Unacceptable where that would be refused.
    """
    kept, mine = frozenset(_permissions(permissions)), rights.person_of(by) if by is not None else None
    duties.require(role.name, kept)
    found = list[Changed]()
    for person in role.people.prefetch_related("roles").order_by("username"):
        before = rights.of(person)
        others = frozenset[str]().union(*(one.permissions for one in person.roles.all() if one.pk != role.pk))
        after = others | kept
        if after - before:
            rights.require_sound(Holder(person.username, person.is_active, after), own=person.pk == mine)
        if before != after:
            found.append(Changed(person.username, person.is_active, after - before, before - after))
    return found


def _name(text: str, role: Role | None = None) -> str:
    name = " ".join(text.split())
    if not name or len(name) > LONGEST_NAME or "," in name or not name.isprintable():
        raise Unacceptable("name", _("A role needs a name of at most 60 characters, without a comma."))
    taken = Role.objects.filter(name__iexact=name)
    if (taken.exclude(pk=role.pk) if role is not None else taken).exists():
        raise Unacceptable("name", _("There is a role with this name already."))
    return name


def _permissions(permissions: Iterable[str]) -> list[str]:
    """Return these permissions as they are kept. Raises Unacceptable for one that no role can hold."""
    wanted, possible = set(permissions), set(offered())
    for one in sorted(wanted - possible):
        raise Unacceptable("permissions", _("A role cannot hold “%(name)s”.") % {"name": one[:60]})
    return sorted(wanted)
