"""Two studies of two groups, for acts that one group may do and the other may not."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from accounts import people, roles, scope
from accounts.actors import Actor
from accounts.models import Device, Person, Role
from accounts.scope import Facts
from tests.conftest import PASSWORD

OURS = "1.2.826.0.1.3680043.8.498.1"
THEIRS = "1.2.826.0.1.3680043.8.498.2"
UNKNOWN = "1.2.826.0.1.3680043.8.498.404"
ActorOf = Callable[[Any], Actor]


@pytest.fixture
def two_studies(modality: Device, actor_of: ActorOf) -> None:
    """One study of Radiology, one of Cardiology."""
    with transaction.atomic():
        scope.assign(OURS, "20260102", Facts(actor_of(modality)))
        scope.assign(THEIRS, "20260102", Facts(actor_of(Device.objects.get(ae_title="ECHO_ONE"))))


@pytest.fixture
def second(administrator: Person) -> Person:
    """Another administrator."""
    return people.create("second", password=PASSWORD, roles=["administrator"])


@pytest.fixture
def third(administrator: Person) -> Person:
    """One more."""
    return people.create("third", password=PASSWORD, roles=["administrator"])


@pytest.fixture
def helper(radiologist: Person) -> Role:
    """A harmless role, which the radiologist holds alone."""
    role = roles.create("helper", ["system.see"])
    people.edit(radiologist, roles=["helper"], groups=[], full_name="")
    return role
