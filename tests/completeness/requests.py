"""Requests for acts of two people, and groups, prepared ahead of the rows about them."""

from uuid import UUID

from accounts import approvals, groups, power, resetting, rights, roles
from accounts.actors import Actor
from accounts.models import Person, Role
from accounts.views.roles import _consequences
from archive import hastening
from audit.actions import Action
from tests import builders, people
from tests.completeness import studies
from tests.completeness.studies import Names, actor


def _of_role(role: str) -> Person:
    """Another one who holds this role, with the radiologist's password, so that it need not be hashed for every row."""
    known = Person.objects.get(username="radiologist").password
    made = Person.objects.create(username=builders.word().lower(), password=known)
    made.roles.add(Role.objects.get(name=role))
    return made


def _somebody() -> str:
    return str(_of_role("clinician").id)


def reset_asked() -> Names:
    """Another administrator asked that somebody's factors be reset."""
    return _asked(people.actor(_of_role("administrator")))


def own_reset_asked() -> Names:
    """The administrator of the rows asked for it."""
    return _asked(actor("administrator"))


def _asked(by: Actor) -> Names:
    person = _somebody()
    return {"approval": str(approvals.ask(by, resetting.NAME, person, concerns=UUID(person))), "person": person}


def power_asked() -> Names:
    """Another administrator asked that somebody be given the role of a keeper."""
    person, by = _of_role("technologist"), people.actor(_of_role("administrator"))
    with rights.change(by, Action.PERSON_CHANGED, subject=f"person:{person.id}"):
        made = power.edit(by, person, wanted=["keeper"], groups=[], full_name="")
    return {"approval": str(made), "person": str(person.id)}


def held_role() -> Names:
    """A role that somebody holds, and what confirms that power is added to it."""
    made = roles.create(builders.word().lower(), ["backup.manage"])
    _of_role(made.name)
    said = _consequences(actor("administrator"), made, made.name, ["keys.manage"])
    return {"role": str(made.id), "fresh": made.name, "confirmed": str(said["seal"])}


def role_power_asked() -> Names:
    """Another administrator asked that a role that somebody holds be given power."""
    names, by = held_role(), people.actor(_of_role("administrator"))
    with rights.change(by, Action.ROLE_CHANGED, subject=names["fresh"]):
        made = power.edit_role(by, Role.objects.get(pk=names["role"]), names["fresh"], ["keys.manage"])
    return {**names, "approval": str(made)}


def destruction_asked() -> Names:
    """Another keeper asked that a study be destroyed before its time."""
    names = studies.trashed()
    made = approvals.ask(people.actor(_of_role("keeper")), hastening.NAME, names["study"])
    return {**names, "approval": str(made)}


def group() -> Names:
    """A group to which nothing belongs, and somebody to let in."""
    made, person = groups.create(builders.word()), Person.objects.get(pk=_somebody())
    return {"group": str(made.id), "someone": person.username}
