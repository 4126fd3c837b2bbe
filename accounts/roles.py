"""Roles are rows, so that an administrator can edit them; the five an installation starts with come from the policy."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import epoch
from accounts.errors import Unacceptable
from accounts.models import Role
from accounts.policy import ROLES


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


def allow(role: Role, permissions: Iterable[str]) -> None:
    """Replace what a role may do."""
    with transaction.atomic():
        role.permissions = sorted(permissions)
        role.save(update_fields=["permissions"])
        epoch.raise_()
