"""Objects answered ahead of their rows, and processes that die before those are written."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydicom.dataset import Dataset

from archive import contexts, ingest, owed, packs, rounds
from archive.models import Instance
from archive.tickets import Ticket
from audit.actions import Action
from audit.models import AuditEvent
from tests import builders


def ahead(sender: Any, ds: Dataset) -> Ticket:
    return ingest.submit(sender, builders.part10(ds), ahead=True)


def named() -> set[str]:
    return set(Instance.objects.values_list("uid", flat=True))


def uids(*slices: Dataset) -> set[str]:
    return {str(one.SOPInstanceUID) for one in slices}


def told() -> int:
    """How many objects the record says were stored."""
    return sum(AuditEvent.objects.filter(action=Action.STORE).values_list("count", flat=True))


@contextmanager
def killed() -> Iterator[None]:
    """What happens in the block happens in a process that then dies: nothing that it owes is written."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rounds, "settle", lambda: None)
        patched.setattr(owed, "unmark", lambda **_: None)
        yield
        ingest.stop()
        contexts.forget()
        packs.forget()
