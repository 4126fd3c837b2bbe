"""Groups: departments or teams whose members see the studies that fall to them."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import epoch
from accounts.errors import Unacceptable
from accounts.models import Group
from accounts.scope import UNASSIGNED

UNASSIGNED_NAME = "Unassigned"


def ensure() -> None:
    """Make the group of studies that no rule assigns."""
    Group.objects.get_or_create(id=UNASSIGNED, defaults={"name": UNASSIGNED_NAME})


def create(name: str) -> Group:
    """Make a group. Raises Unacceptable when the name is empty, too long or taken (in any spelling of case)."""
    name = " ".join(name.split())
    if not name or len(name) > 100:
        raise Unacceptable("name", _("A group needs a name of at most 100 characters."))
    if Group.objects.filter(name__iexact=name).exists():
        raise Unacceptable("name", _("There is a group with this name already."))
    with transaction.atomic():
        group = Group.objects.create(name=name)
        epoch.raise_()
    return group


def named(names: Iterable[str]) -> list[Group]:
    """Return the groups with these names. Raises Unacceptable when one does not exist."""
    wanted = list(dict.fromkeys(names))
    found = {group.name: group for group in Group.objects.filter(name__in=wanted)}
    for name in wanted:
        if name not in found:
            raise Unacceptable("group", _("There is no group “%(name)s”.") % {"name": name})
    return [found[name] for name in wanted]
