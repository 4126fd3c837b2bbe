"""Groups: departments or teams whose members see the studies that fall to them."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import epoch, rights
from accounts.actors import Actor
from accounts.errors import AgainstRules, Unacceptable
from accounts.models import Access, Group, Person
from accounts.scope import UNASSIGNED

UNASSIGNED_NAME = "Unassigned"


def ensure() -> None:
    """Make the group of studies that no rule assigns."""
    Group.objects.get_or_create(id=UNASSIGNED, defaults={"name": UNASSIGNED_NAME})


def create(name: str) -> Group:
    """Make a group. Raises Unacceptable when the name is empty, too long or taken (in any spelling of case)."""
    with transaction.atomic():
        group = Group.objects.create(name=_name(name))
        epoch.raise_()
    return group


def rename(group: Group, name: str) -> None:
    """Give a group another name. Raises Unacceptable, also for the group of studies that no rule assigns."""
    _require_ours(group)
    with transaction.atomic():
        group.name = _name(name, group)
        group.save(update_fields=["name"])
        epoch.raise_()


def add(group: Group, person: Person, *, by: Actor | None = None) -> None:
    """Let a person see what falls to a group. Raises AgainstRules: nobody lets themselves in."""
    _require_another(person, by)
    with transaction.atomic():
        person.groups.add(group)
        epoch.raise_()


def remove(group: Group, person: Person, *, by: Actor | None = None) -> None:
    """Take a person out of a group: its studies are gone from that person's screens within two seconds."""
    _require_another(person, by)
    with transaction.atomic():
        person.groups.remove(group)
        epoch.raise_()


def delete(group: Group) -> None:
    """Remove a group to which nothing and nobody belongs any more. Raises Unacceptable."""
    _require_ours(group)
    with transaction.atomic():
        rights.turn()
        if Access.objects.filter(audience=group.id).exists():
            raise Unacceptable("group", _("Studies belong to this group; it can be deleted once it has none."))
        if group.people.exists() or group.devices.exists():
            raise Unacceptable("group", _("People or devices belong to this group. Take them out first."))
        group.delete()
        epoch.raise_()


def _require_ours(group: Group) -> None:
    if group.id == UNASSIGNED:
        raise Unacceptable("group", _("This group belongs to the archive: it takes the studies that no rule assigns."))


def _require_another(person: Person, by: Actor | None) -> None:
    if by is not None and rights.person_of(by) == person.pk:
        words = _("Nobody changes their own roles and groups. Another administrator can.")
        raise AgainstRules("group", words, "own")


def _name(text: str, group: Group | None = None) -> str:
    name = " ".join(text.split())
    if not name or len(name) > 100 or not name.isprintable():
        raise Unacceptable("name", _("A group needs a name of at most 100 characters."))
    taken = Group.objects.filter(name__iexact=name)
    if (taken.exclude(pk=group.pk) if group is not None else taken).exists():
        raise Unacceptable("name", _("There is a group with this name already."))
    return name


def named(names: Iterable[str]) -> list[Group]:
    """Return the groups with these names. Raises Unacceptable when one does not exist."""
    wanted = list(dict.fromkeys(names))
    found = {group.name: group for group in Group.objects.filter(name__in=wanted)}
    for name in wanted:
        if name not in found:
            raise Unacceptable("group", _("There is no group “%(name)s”.") % {"name": name})
    return [found[name] for name in wanted]
