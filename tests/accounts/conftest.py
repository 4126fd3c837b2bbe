"""Two studies of two groups, for acts that one group may do and the other may not."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from accounts import scope
from accounts.actors import Actor
from accounts.models import Device
from accounts.scope import Facts

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
