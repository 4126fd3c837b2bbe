"""People: made, changed, disabled, and given their factors back. Each change raises the access epoch."""

import re
import unicodedata
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import epoch, links, passwords, rights, sessions, tokens
from accounts.actors import Actor
from accounts.errors import AgainstRules, Unacceptable
from accounts.models import Group, Person
from accounts.roles import named

USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,59}")


def username(text: str) -> str:
    """Return a user name as it is kept: compatibility forms folded, lower case, no blanks around."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def create(
    name: str,
    *,
    password: str,
    roles: Sequence[str] = (),
    groups: Sequence[Group] = (),
    full_name: str = "",
    password_is_initial: bool = False,
    by: Actor | None = None,
) -> Person:
    """Make a person with roles (by name) and groups. Raises Unacceptable for a bad name, role or password, and for
    roles that one person must not hold together.

    `by` is who does so, if that is a person. An initial password is one that somebody else knows: the person replaces
    it at the first sign-in.
    """
    kept = username(name)
    if not USERNAME.fullmatch(kept):
        words = _("A user name has 2 to 60 letters a–z, digits or . _ @ + - and begins with a letter or digit.")
        raise Unacceptable("username", words)
    if Person.objects.filter(username=kept).exists():
        raise Unacceptable("username", _("There is a person with this user name already."))
    person = Person(username=kept, full_name=full_name.strip()[:120], password_is_initial=password_is_initial)
    passwords.put(person, password)
    held = named(roles)
    with transaction.atomic(), rights.changing(by):
        person.save()
        person.roles.set(held)
        person.groups.set(groups)
    return person


def edit(
    person: Person, *, roles: Sequence[str], groups: Sequence[Group], full_name: str, by: Actor | None = None
) -> None:
    """Replace the name that people read, the roles and the groups. Raises Unacceptable; nobody changes their own."""
    held = named(roles)
    with transaction.atomic(), rights.changing(by):
        if by is not None and rights.person_of(by) == person.pk:
            _require_the_same(person, {role.pk for role in held}, {group.pk for group in groups})
        person.full_name = full_name.strip()[:120]
        person.save(update_fields=["full_name"])
        person.roles.set(held)
        person.groups.set(groups)


def _require_the_same(person: Person, roles: set[int], groups: set[UUID]) -> None:
    held = set(person.roles.values_list("pk", flat=True)), set(person.groups.values_list("pk", flat=True))
    if (roles, groups) != held:
        words = _("Nobody changes their own roles and groups. Another administrator can.")
        raise AgainstRules("roles", words, "own")


def disable(person: Person, *, by: Actor | None = None) -> tuple[int, int]:
    """Shut the person out at once; return how many sessions ended and how many tokens were revoked.

    What the person shared by links is shared no more.

    Raises Unacceptable for the last administrator.
    """
    with transaction.atomic(), rights.changing(by):
        # Counted while they stand: what belongs to a disabled person stands no more.
        revoked = tokens.revoke_all(person)
        ended = sessions.end_all(person)
        links.end(person.links.all())
        Person.objects.filter(pk=person.pk).update(is_active=False)
    return ended, revoked


def enable(person: Person, *, by: Actor | None = None) -> None:
    """Let a disabled person sign in again; tokens stay gone."""
    with transaction.atomic(), rights.changing(by):
        Person.objects.filter(pk=person.pk).update(is_active=True)


def prefer(person: Person, *, language: str, theme: str) -> None:
    """Keep how the person wants pages: a language of the settings, and the dark or the light theme."""
    with transaction.atomic():
        Person.objects.filter(pk=person.pk).update(language=language, theme=theme)
        epoch.raise_()


def knows(person: Person, password: str) -> bool:
    """Tell whether this is the person's password."""
    return passwords.right(person, password)


def change_password(person: Person, password: str) -> None:
    """Set a password of the person's own choice. Raises Unacceptable when it is too short, too long or common."""
    passwords.put(person, password)
    with transaction.atomic():
        person.password_is_initial = False
        person.save(update_fields=["password", "password_is_initial"])
        epoch.raise_()


def reset_password(person: Person) -> str:
    """Give a new initial password and end every session; return it, to be handed over once."""
    password = passwords.suggest()
    passwords.put(person, password)
    with transaction.atomic():
        person.password_is_initial = True
        person.save(update_fields=["password", "password_is_initial"])
        sessions.end_all(person)
    return password
