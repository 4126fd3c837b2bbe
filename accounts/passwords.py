"""Passwords, by NIST SP 800-63B-4: long, not common, no rules of composition, kept as argon2.

Twelve characters at least: eight are the standard's floor beside a second factor, fifteen where there is none, and the
password is the one of the two that is guessed. They never expire; blanks and paste are welcome.
"""

import secrets
import unicodedata

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
    password = normal(password)
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
    # A password kept before they were normalised may still be of the other form.
    forms = dict.fromkeys((normal(password), password))
    known = person if person is not None and person.is_active else None
    # Every form is tried, also after one was right: the work tells nothing.
    if known is None:
        for form in forms:
            check_password(form, decoy)
        return False
    return any([check_password(form, known.password, lambda again: _renew(known, again)) for form in forms])


def hashed(secret: str) -> str:
    """Return what is kept of a secret that the program made."""
    return make_password(secret)


def matches(kept: str | None, secret: str) -> bool:
    """Tell whether this is the secret of which that was kept. For none, the same work is done and the answer is no."""
    right = check_password(secret, kept or _decoy())
    return right and kept is not None


def normal(password: str) -> str:
    """Return the one form of what is typed in several: composed (NFC), each kind of blank a plain one (RFC 8265)."""
    composed = unicodedata.normalize("NFC", password)
    return "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in composed)


def _renew(person: Person, password: str) -> None:
    """Keep a right password under the parameters of now, unless it was changed meanwhile."""
    before, person.password = person.password, make_password(password)
    Person.objects.filter(pk=person.pk, password=before).update(password=person.password)


def suggest() -> str:
    """Return a password to be handed over once: 100 bits in groups that can be read aloud."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _place in range(5)) for _group in range(4))


_decoys: list[str] = []


def _decoy() -> str:
    """A hash made like any other, of a password that nobody has; made once a process."""
    if not _decoys:
        _decoys.append(make_password(secrets.token_urlsafe(24)))
    return _decoys[0]
