"""A study that was rebuilt is seen by nobody until somebody says what was decided about it, on record."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.errors import NotVisible
from accounts.models import Restricted
from archive import ingest, query
from audit.models import AuditEvent
from tests import builders
from tests.archive.rebuilding.conftest import run
from tests.archive.tending.conftest import Archive

pytestmark = pytest.mark.both_databases


def study(*argv: str) -> Any:
    out = StringIO()
    call_command("study", *argv, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def rebuilt(archive: Archive, elsewhere: Callable[[], Archive]) -> tuple[Archive, str]:
    uid = archive.store(builders.ct_slice()).study.uid
    ingest.stop()
    place = elsewhere()
    run()
    return place, uid


def sees(place: Archive, person: Any, uid: str) -> bool:
    try:
        return query.study(place.actor_of(person), uid).uid == uid
    except NotVisible:
        return False


def test_its_own_group_does_not_see_it_until_then(rebuilt: tuple[Archive, str], outsider: Any) -> None:
    place, uid = rebuilt
    assert not sees(place, place.reader, uid)
    assert study("restricted") == {"restricted": [uid]}
    assert study("reconcile", uid) == {"study": uid, "state": "reconciled"}
    assert sees(place, place.reader, uid)
    assert not sees(place, outsider, uid)
    event = AuditEvent.objects.get(action="study:reconciled")
    assert (event.actor_kind, event.study_uid, event.outcome) == ("shell", uid, "ok")


def test_another_group_is_let_in_by_name(rebuilt: tuple[Archive, str], outsider: Any) -> None:
    place, uid = rebuilt
    study("reconcile", uid, "--group", "Cardiology")
    assert sees(place, outsider, uid)


def test_what_is_not_restricted_or_not_there_is_refused(rebuilt: tuple[Archive, str]) -> None:
    _, uid = rebuilt
    study("reconcile", uid)
    with pytest.raises(CommandError, match="not restricted"):
        study("reconcile", uid)
    with pytest.raises(CommandError, match="no such study"):
        study("reconcile", "1.2.3")
    with pytest.raises(CommandError, match="no group"):
        study("reconcile", uid, "--group", "Nobody")
    assert not Restricted.objects.exists()
