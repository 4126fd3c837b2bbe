"""People: made, changed, disabled, and given their factors back. Each change raises the access epoch."""

import re
import unicodedata
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import epoch, passwords, sessions, tokens
from accounts.errors import Unacceptable
from accounts.models import Group, Person, Role
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
) -> Person:
    """Make a person with roles (by name) and groups. Raises Unacceptable for a bad name, role or password.

    An initial password is one that somebody else knows: the person replaces it at the first sign-in.
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
    with transaction.atomic():
        person.save()
        person.roles.set(held)
        person.groups.set(groups)
        epoch.raise_()
    return person


def edit(person: Person, *, roles: Sequence[str], groups: Sequence[Group], full_name: str) -> None:
    """Replace the name that people read, the roles and the groups. Raises Unacceptable."""
    held = named(roles)
    with transaction.atomic():
        _require_an_administrator_without(person, keeps=any(_manages(role) for role in held))
        person.full_name = full_name.strip()[:120]
        person.save(update_fields=["full_name"])
        person.roles.set(held)
        person.groups.set(groups)
        epoch.raise_()


def disable(person: Person) -> None:
    """Shut the person out at once: sessions end, tokens are revoked. Raises Unacceptable for the last administrator."""
    with transaction.atomic():
        _require_an_administrator_without(person, keeps=False)
        Person.objects.filter(pk=person.pk).update(is_active=False)
        tokens.revoke_all(person)
        sessions.end_all(person)


def enable(person: Person) -> None:
    """Let a disabled person sign in again; tokens stay gone."""
    with transaction.atomic():
        Person.objects.filter(pk=person.pk).update(is_active=True)
        epoch.raise_()


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


def _manages(role: Role) -> bool:
    return "people.manage" in role.permissions


def _require_an_administrator_without(person: Person, *, keeps: bool) -> None:
    """Refuse a change after which nobody could manage people any more."""
    managing = [role.pk for role in Role.objects.all() if _manages(role)]
    holders = Person.objects.filter(is_active=True, roles__in=managing)
    if not keeps and holders.filter(pk=person.pk).exists() and not holders.exclude(pk=person.pk).exists():
        raise Unacceptable("person", _("Somebody must remain who manages people."))
