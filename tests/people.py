"""Who is who in the tests: four people of one hospital, an outsider, and two devices."""

import secrets
from typing import Any

from django.utils import timezone

from accounts import devices, identify, people, roles, sessions
from accounts.actors import Actor
from accounts.models import Device, Group, Person, Session

STAFF = {
    "radiologist": ("clinician", "Radiology", "Rosa Weber"),
    "technologist": ("technologist", "Radiology", "Tom Bernard"),
    "administrator": ("administrator", None, "Ada Klein"),
    "privacy": ("privacy officer", None, "Paul Petit"),
    "outsider": ("clinician", "Cardiology", "Olga Stern"),
}


def settle(password: str) -> None:
    """Make the groups, the staff and two devices."""
    roles.ensure()
    groups = {name: Group.objects.create(name=name) for name in ("Radiology", "Cardiology")}
    for username, (role, group, full_name) in STAFF.items():
        people.create(
            username,
            password=password,
            roles=[role],
            groups=[groups[group]] if group else [],
            full_name=full_name,
        )
    devices.create("CT_ONE", "127.0.0.1/32", groups=[groups["Radiology"]], may=["store"])
    devices.create("ECHO_ONE", "127.0.0.1/32", groups=[groups["Cardiology"]], may=["store"])


def actor(of: Person | Device | Any) -> Actor:
    """The verified actor of a person (a second factor given just now) or of a device."""
    if isinstance(of, Device):
        return identify.device_actor(of, "127.0.0.1", of.ae_title)
    session = _signed_in(of)
    return identify.person_actor(of, address="127.0.0.1", session=session, stepped_up_now=True)


def _signed_in(person: Person) -> str:
    """A session with both factors; the gate looks it up again whenever rights have changed. Returns its name."""
    now = timezone.now()
    row = Session.objects.create(
        session_key=sessions.row_key(secrets.token_hex(16)),
        expire_date=now + sessions.ABSOLUTE,
        person=person,
        address="127.0.0.1",
        seen_at=now,
        verified_at=now,
        stepped_up_at=now,
    )
    return sessions.name(row.pk)
