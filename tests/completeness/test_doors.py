"""What the program offers and what the table of doors names are the same, and what is to come is shut."""

import argparse
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from accounts import doorways as doors
from accounts.doorways import Kind
from archive import sop_classes, tasks
from archive.dimse import contexts
from archive.dimse.negotiation import Proposal
from archive.errors import Unavailable
from tests.accounts.test_every_route import ROUTES

# Neither discloses nor changes anything of the archive: whether it lives, the way to one's first page, one's language.
HARMLESS_ROUTES = {"healthz", "readyz", "", "language/"}
HARMLESS_COMMANDS = {"healthy", "serve"}
ROOMS = ("accounts", "archive", "audit", "keystore", "pacs")

SERVICES_TO_COME = {
    "C-FIND": ("1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.2.2.1"),
    "C-MOVE": ("1.2.840.10008.5.1.4.1.2.1.2", "1.2.840.10008.5.1.4.1.2.2.2"),
    "C-GET": ("1.2.840.10008.5.1.4.1.2.1.3", "1.2.840.10008.5.1.4.1.2.2.3"),
    "storage commitment": ("1.2.840.10008.1.20.1",),
    "modality worklist": ("1.2.840.10008.5.1.4.31",),
}


def names(kind: Kind, *, built: bool = True) -> set[str]:
    return {door.name for door in doors.ALL if door.kind == kind and door.built == built}


def offered_commands() -> Iterator[str]:
    """Every command of ours as `NOUN VERB`, or its name where it has no verbs; the parser itself is asked."""
    for name, app in get_commands().items():
        if app not in ROOMS:
            continue
        parser = load_command_class(app, name).create_parser("manage.py", name)
        verbs = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        yield from [f"{name} {verb}" for action in verbs for verb in action.choices] or [name]


def test_no_door_is_named_twice() -> None:
    assert len({(door.kind, door.name) for door in doors.ALL}) == len(doors.ALL)


def test_every_route_is_a_door_or_harmless() -> None:
    web = {route.removeprefix("dicom-web/") for route in ROUTES if route.startswith("dicom-web/")}
    assert web == names(Kind.DICOMWEB)
    pages = {route for route in ROUTES if not route.startswith("dicom-web/")}
    assert pages == names(Kind.PAGE) | HARMLESS_ROUTES


def test_every_verb_of_every_command_is_a_door_or_harmless() -> None:
    assert set(offered_commands()) == names(Kind.COMMAND) | HARMLESS_COMMANDS


def test_every_kind_of_job_is_a_door() -> None:
    assert set(tasks.HANDLERS) == names(Kind.JOB)


def test_the_wire_answers_the_services_that_are_doors(modality: Any, actor_of: Any) -> None:
    actor = actor_of(modality)
    classes = {"C-ECHO": contexts.VERIFICATION, "C-STORE": "1.2.840.10008.5.1.4.1.1.2"}
    assert {*classes, "DICOM TLS"} == names(Kind.DIMSE)
    for uid in classes.values():
        assert contexts.answer(Proposal(1, uid, ("1.2.840.10008.1.2",)), actor).accepted


def test_services_to_come_are_no_classes_of_ours(modality: Any, actor_of: Any) -> None:
    assert names(Kind.DIMSE, built=False) == set(SERVICES_TO_COME)
    for uid in (uid for uids in SERVICES_TO_COME.values() for uid in uids):
        assert not sop_classes.is_storage(uid)
        answer = contexts.answer(Proposal(1, uid, ("1.2.840.10008.1.2",)), actor_of(modality))
        assert answer.result == contexts.UNKNOWN_CLASS


@pytest.mark.parametrize("door", [door for door in doors.TO_COME if door.kind in (Kind.PAGE, Kind.DICOMWEB)], ids=str)
def test_routes_to_come_lead_nowhere(door: doors.Door) -> None:
    path = "/dicom-web/" * (door.kind == Kind.DICOMWEB) + door.name.replace("<uid:study>", "1.2")
    with pytest.raises(Resolver404):
        resolve("/" + path.lstrip("/"))


@pytest.mark.parametrize("door", [door for door in doors.TO_COME if door.kind == Kind.JOB], ids=str)
def test_jobs_to_come_are_refused_by_the_worker(door: doors.Door) -> None:
    with pytest.raises(Unavailable):
        tasks._handler(door.name)
