"""What is prepared ahead of a row, by the words in which rows name it. Each yields names that the row may use."""

import os
from collections.abc import Callable
from typing import Any, Final

from accounts import attempts, devices, factors, setup_links, tokens
from accounts import people as persons
from accounts.models import Group, Person, Role, Session, SetupLink, TotpDevice
from archive import retrieve
from audit import alerts, checkpoints, journal, programs
from audit.models import Alert, AuditEvent
from tests import builders, people
from tests.accounts.browsing import code, fresh_code
from tests.archive.tending.conftest import orphan
from tests.completeness import care, studies
from tests.completeness.studies import Names, actor, stored


def _person(**more: Any) -> tuple[Person, Names]:
    """A clinician of Radiology with the radiologist's password, so that it need not be hashed for every row."""
    known = Person.objects.get(username="radiologist").password
    made = Person.objects.create(username=builders.word().lower(), password=known, **more)
    made.roles.add(Role.objects.get(name="clinician"))
    made.groups.add(Group.objects.get(name="Radiology"))
    return made, {"someone": made.username, "person": str(made.id)}


def somebody() -> Names:
    """A person with a second factor, a code of it, a wrong one, and a recovery code."""
    made, names = _person()
    _, codes = factors.issue(made)
    right = fresh_code(made)
    return {**names, "code": right, "wrong": f"{(int(right) + 500_000) % 1_000_000:06d}", "recovery": codes[0]}


def code_used() -> Names:
    names = somebody()
    assert factors.prove(Person.objects.get(pk=names["person"]), names["code"])
    TotpDevice.objects.filter(user_id=names["person"]).update(throttling_failure_count=0)
    return names


def newcomer() -> Names:
    made, names = _person()
    return {**names, "code": code(factors.uri(factors.offer(made)))}


def disabled() -> Names:
    names = somebody()
    persons.disable(Person.objects.get(pk=names["person"]))
    return names


def token() -> Names:
    names = somebody()
    made, _ = tokens.create(Person.objects.get(pk=names["person"]), name="one")
    return {**names, "token": str(made.id)}


def session() -> Names:
    names = somebody()
    named = people.actor(Person.objects.get(pk=names["person"])).session
    return {**names, "session": named}


def tried(times: int) -> Callable[[], Names]:
    def trying() -> Names:
        names = somebody()
        for _ in range(times):
            attempts.begin(names["someone"], "127.0.0.1")
        return names

    return trying


def device() -> Names:
    made = devices.create(builders.word()[:12], "127.0.0.9/32", groups=[], may=["store"])
    return {"device": str(made.id), "ae_title": made.ae_title}


def sitting() -> Names:
    """What a radiologist was sent of one study, on record by now."""
    names = stored(builders.ct_slice())
    for one in retrieve.instances(actor("radiologist"), names["study"], names["series"], names["sop"]):
        assert b"".join(one.chunks)
    journal.settle()
    event = AuditEvent.objects.get(action="study:view", study_uid=names["study"])
    return {**names, "sitting": str(event.sitting)}


def alert() -> Names:
    alerts.raise_("journal", builders.word(), "Something to look at.")
    return {"alert": str(Alert.objects.latest("raised_at").pk)}


def checkpoint() -> Names:
    checkpoints.sign_due(at_once=True)
    return {}


def last_start() -> Names:
    programs.stopped(programs.started("web", "1", {"PACS_TLS": "self"}))
    return {}


def died() -> Names:
    last_start()
    left = programs.started("worker", "1", {"PACS_TLS": "self"})
    os.close(left.descriptor)
    return {}


def nobody_there() -> Names:
    """An installation whose first administrator is still to come."""
    Session.objects.all().delete()
    Person.objects.all().delete()
    return {"link": setup_links.issue()}


def link_used() -> Names:
    names = nobody_there()
    SetupLink.objects.all().delete()
    return names


LASTING: Final = frozenset({"a study of three"})
"""What rows only read, and which is therefore prepared once."""

PREPARED: Final[dict[str, Callable[[], Names]]] = {
    "a study of three": studies.of_three,
    "a study": studies.study,
    "a patient with two studies": studies.two,
    "a patient by number": studies.numbered,
    "a new image": lambda: studies.offered(builders.ct_slice()),
    "the same image again": studies.again,
    "another image under its UID": studies.conflicting,
    "an image for the trash": studies.for_the_trash,
    "a broken file": studies.broken,
    "an image to compare": studies.comparing,
    "an image held back": studies.held,
    "a study in the trash": studies.trashed,
    "a study whose time is over": studies.over,
    "a study under a hold": studies.under_hold,
    "a study in the trash under a hold": studies.trashed_under_hold,
    "a study destroyed": studies.destroyed,
    "a study restricted": studies.restricted,
    "somebody": somebody,
    "a code used before": code_used,
    "a newcomer without a second factor": newcomer,
    "a newcomer with an initial password": lambda: _person(password_is_initial=True)[1],
    "somebody disabled": disabled,
    "somebody's token": token,
    "somebody's session": session,
    "four wrong passwords": tried(4),
    "five wrong passwords": tried(5),
    "a device": device,
    "a sitting": sitting,
    "an alert": alert,
    "a checkpoint": checkpoint,
    "a folder": care.folder,
    "a device and a folder": lambda: {**device(), **care.folder()},
    "a backup": care.backup,
    "a backup place": care.backup_place,
    "no backup place": care.no_place,
    "another root": care.another_root,
    "an epoch to end": care.epoch,
    "a series": care.series,
    "a patient": care.patient,
    "a key left": care.key_left,
    "a pack that nobody names": lambda: {"pack": orphan()},
    "a last start": last_start,
    "a last start with other settings": lambda: {**last_start(), "tls": "proxy"},
    "a worker that died": died,
    "nobody there yet": nobody_there,
    "a link used before": link_used,
}
