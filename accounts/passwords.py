"""Passwords, by NIST SP 800-63B-4: long, not common, no rules of composition, kept as argon2."""

import secrets

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.errors import Unacceptable
from accounts.models import Person

LONGEST = 128
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def put(person: Person, password: str) -> None:
    """Set the password on the person, unsaved. Raises Unacceptable with words for the person."""
    if len(password) > LONGEST:
        raise Unacceptable("password", _("A password has at most 128 characters."))
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Unacceptable("password", " ".join(error.messages)) from None
    person.password = make_password(password)


def right(person: Person | None, password: str) -> bool:
    """Tell whether this is the person's password. For nobody, the same work is done and the answer is no."""
    decoy = _decoy()
    if len(password) > LONGEST:
        password = ""
    if person is None or not person.is_active:
        check_password(password, decoy)
        return False
    return check_password(password, person.password)


def suggest() -> str:
    """Return a password to be handed over once: 100 bits in groups that can be read aloud."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _place in range(5)) for _group in range(4))


_decoys: list[str] = []


def _decoy() -> str:
    """A hash made like any other, of a password that nobody has; made once a process."""
    if not _decoys:
        _decoys.append(make_password(secrets.token_urlsafe(24)))
    return _decoys[0]
