"""What is prepared ahead of a row, by the words in which rows name it. Each yields names that the row may use."""

import os
from collections.abc import Callable
from io import StringIO
from typing import Any, Final

from django.core.management import call_command
from django.utils import timezone

from accounts import attempts, callers, desks, devices, factors, roles, setup_links, tokens
from accounts import people as persons
from accounts.models import Caller, Device, Group, Person, Role, Session, SetupLink, TotpDevice
from accounts.views.roles import _consequences
from archive import retrieve
from audit import alerts, checkpoints, journal, programs
from audit.models import Alert, AuditEvent
from tests import builders, people
from tests.accounts.browsing import code, fresh_code
from tests.archive.tending.conftest import orphan
from tests.completeness import care, keys_at_hand, requests, scopes, shared, studies
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


def role() -> Names:
    """A role that nobody holds, and what confirms that it is called otherwise and allows nothing any more."""
    made, name = roles.create(builders.word().lower(), ["study.search"]), builders.word().lower()
    said = _consequences(actor("administrator"), made, name, [])
    return {"role": str(made.id), "fresh": name, "confirmed": said["seal"]}


def unsound() -> Names:
    """A role that came about by another way than ours, and somebody to give it to."""
    made = Role.objects.create(name=builders.word().lower(), permissions=["people.manage", "study.view"])
    return {**somebody(), "unsound": made.name}


def desk() -> Names:
    """What somebody had laid out at a study of Radiology when the screen was locked."""
    names = {**stored(builders.ct_slice()), **somebody()}
    row = Session(session_key="0" * 40, person=Person.objects.get(pk=names["person"]))
    desks.keep(row, names["study"], b"{}", timezone.now())
    return names


def tried(times: int) -> Callable[[], Names]:
    def trying() -> Names:
        names = somebody()
        for _ in range(times):
            attempts.begin(names["someone"], "127.0.0.1")
        return names

    return trying


def tried_everywhere() -> Names:
    """A name that was tried from so many strange places that the next wrong password holds it up in all of them."""
    names = somebody()
    person = Person.objects.get(pk=names["person"])
    for number in range(attempts.NAME.free - 1):
        attempts.begin(names["someone"], f"10.1.0.{number}", person)
    return names


def device() -> Names:
    made = devices.create(builders.word()[:12], "127.0.0.9/32", groups=[], may=["store"])
    return {"device": str(made.id), "ae_title": made.ae_title}


def device_enrolled() -> Names:
    names = {**device(), **care.folder()}
    Device.objects.filter(pk=names["device"]).update(address="127.0.0.1/32")
    call_command("device", "enrol", names["ae_title"], "--into", names["folder"] + "/bundle", stdout=StringIO())
    return names


def without_study() -> Names:
    image = builders.ct_slice()
    del image.StudyInstanceUID
    return {"image": image}


def caller() -> Names:
    title = builders.word()[:12]
    callers.note(title, "10.0.0.7", "CUSTOS", "calling-title")
    callers.flush()
    return {"caller": str(Caller.objects.get(ae_title=title).id)}


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
    "a large new image": studies.offered_large,
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
    "who may grant": scopes.granter,
    "a study granted": scopes.granted,
    "a spelling linked": scopes.spelt,
    "the administrator": lambda: {"person": str(Person.objects.get(username="administrator").id)},
    "a rule": scopes.rule,
    "a file of rules": scopes.file_of_rules,
    "a broken glass": scopes.broken,
    "a glass to review": scopes.to_review,
    "a glass of the reviewer": scopes.of_the_reviewer,
    "five emergency accesses in vain": scopes.guessed,
    "somebody": somebody,
    "a code used before": code_used,
    "a newcomer without a second factor": newcomer,
    "a newcomer with an initial password": lambda: _person(password_is_initial=True)[1],
    "somebody disabled": disabled,
    "somebody's token": token,
    "somebody's session": session,
    "somebody's desk": desk,
    "four wrong passwords": tried(4),
    "five wrong passwords": tried(5),
    "a reset asked for": requests.reset_asked,
    "an own reset asked for": requests.own_reset_asked,
    "a destruction asked for": requests.destruction_asked,
    "power asked for": requests.power_asked,
    "power asked for a role": requests.role_power_asked,
    "a role that is held": requests.held_role,
    "a group": requests.group,
    "a role": role,
    "an unsound role": unsound,
    **keys_at_hand.PREPARED,
    **shared.PREPARED,
    "wrong passwords from many places": tried_everywhere,
    "somebody held up": tried(attempts.FREE),
    "a device": device,
    "an unknown caller": caller,
    "a device with a certificate": device_enrolled,
    "an image without a study": without_study,
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
