"""`manage.py person add|list|disable|reset-factors`."""

from argparse import ArgumentParser
from typing import Any

from accounts import factors, gate, groups, passwords, people, rights
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.management.noun import Noun, Options, Verb
from accounts.models import Person
from audit import alerts
from audit.actions import Action


def known(actor: Actor, action: Action, name: str) -> Person:
    """Return the person with this user name. Raises Unacceptable, on record, when there is none, and Forbidden."""
    person = Person.objects.filter(username=people.username(name)).first()
    if person is None:
        gate.missed(actor, action, subject=name[:200])
        raise Unacceptable("username", f"There is no person “{name}”.")
    return person


def _add(actor: Actor, options: Options) -> dict[str, Any]:
    password = options["password"] or passwords.suggest()
    told = {"act": "created", "roles": options["role"], "groups": options["group"], "factors": "shell-issued"}
    with rights.change(actor, Action.PERSON_CHANGED, subject=options["name"], details=told):
        person = people.create(
            options["name"],
            password=password,
            roles=options["role"],
            groups=groups.named(options["group"]),
            full_name=options["full_name"],
            by=actor,
        )
        uri, codes = factors.issue(person)
    return {
        "id": str(person.id),
        "username": person.username,
        "password": password,
        "totp_uri": uri,
        "recovery_codes": codes,
    }


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name")
    parser.add_argument("--role", action="append", default=[], help="may be repeated")
    parser.add_argument("--group", action="append", default=[], help="may be repeated")
    parser.add_argument("--full-name", default="")
    parser.add_argument("--password", default="", help="for demonstrations; without it one is drawn")


def _list(actor: Actor, _options: Options) -> dict[str, Any]:
    gate.permit(actor, Action.PEOPLE_READ)
    rows = Person.objects.prefetch_related("roles", "groups").order_by("username")
    return {
        "people": [
            {
                "username": person.username,
                "full_name": person.full_name,
                "roles": [role.name for role in person.roles.all()],
                "groups": [group.name for group in person.groups.all()],
                "active": person.is_active,
            }
            for person in rows
        ]
    }


def _disable(actor: Actor, options: Options) -> dict[str, Any]:
    person = known(actor, Action.PERSON_CHANGED, options["name"])
    subject = f"person:{person.id}"
    with rights.change(actor, Action.PERSON_CHANGED, subject=subject, details={"act": "disabled"}) as told:
        told["sessions"], told["tokens"] = people.disable(person, by=actor)
    return {"username": person.username, "active": False}


def _reset(actor: Actor, options: Options) -> dict[str, Any]:
    person = known(actor, Action.FACTORS_RESET, options["name"])
    with gate.change(actor, Action.FACTORS_RESET, subject=f"person:{person.id}", details={"act": "reset"}):
        factors.reset(person)
        password = people.reset_password(person)
        alerts.raise_("factors-reset", person.username, f"{actor.name} reset them by a command.")
    return {"username": person.username, "password": password}


def _name(parser: ArgumentParser) -> None:
    parser.add_argument("name")


class Command(Noun):
    help = "People who sign in."
    verbs = {
        "add": Verb("Make a person with working factors.", _add, _add_arguments),
        "list": Verb("List the people.", _list),
        "disable": Verb("Shut a person out at once.", _disable, _name),
        "reset-factors": Verb("Give a new initial password; the person enrols again.", _reset, _name),
    }
