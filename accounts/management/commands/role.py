"""`manage.py role list|show`."""

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _

from accounts import gate
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.management.noun import Noun, Options, Verb
from accounts.models import Role
from accounts.permission_words import words
from audit.actions import Action


def _list(actor: Actor, _options: Options) -> dict[str, Any]:
    gate.permit(actor, Action.ROLE_READ)
    rows = Role.objects.prefetch_related("people").order_by("name")
    return {"roles": [{"role": role.name, "people": role.people.count()} for role in rows]}


def _show(actor: Actor, options: Options) -> dict[str, Any]:
    gate.permit(actor, Action.ROLE_READ)
    role = Role.objects.filter(name=options["name"]).first()
    if role is None:
        gate.missed(actor, Action.ROLE_READ, subject=options["name"][:200])
        raise Unacceptable("role", _("There is no role “%(name)s”.") % {"name": options["name"]})
    people = list(role.people.order_by("username").values_list("username", flat=True))
    return {
        "role": role.name,
        "permissions": sorted(role.permissions),
        "allows": words(role.permissions),
        "people": people,
    }


def _name(parser: ArgumentParser) -> None:
    parser.add_argument("name")


class Command(Noun):
    help = "Roles, and what each allows."
    verbs = {
        "list": Verb("List the roles.", _list),
        "show": Verb("Show what one role allows and who holds it.", _show, _name),
    }
