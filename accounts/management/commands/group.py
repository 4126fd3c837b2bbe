"""`manage.py group add|list|give|import`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from accounts import gate, groups, scope, scope_rules
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.management.noun import Noun, Options, Verb
from accounts.models import Group
from audit.actions import Action


def _add(actor: Actor, options: Options) -> dict[str, Any]:
    with gate.change(actor, Action.GROUP_CHANGED, subject=options["name"], details={"act": "created"}):
        group = groups.create(options["name"])
    return {"id": str(group.id), "group": group.name}


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name")


def _known(actor: Actor, name: str) -> Group:
    """Return the group with this name. Raises Unacceptable, on record, when there is none."""
    if not Group.objects.filter(name=name).exists():
        gate.missed(actor, Action.GROUP_CHANGED, subject=name[:200])
    (group,) = groups.named([name])
    return group


def _give(actor: Actor, options: Options) -> dict[str, Any]:
    group, study_uid = _known(actor, options["name"]), options["study"]
    if not scope.owned(study_uid):
        gate.missed(actor, Action.GROUP_CHANGED, subject=group.name, study_uid=study_uid)
        raise Unacceptable("study", _("There is no such study."))
    told = {"act": "given"}
    with gate.change(actor, Action.GROUP_CHANGED, subject=group.name, study_uid=study_uid, details=told):
        if not scope.give(study_uid, group):
            raise Unacceptable("study", _("There is no such study."))
    return {"group": group.name, "study": options["study"]}


def _give_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name")
    parser.add_argument("study", help="its Study Instance UID")


def _import(actor: Actor, options: Options) -> dict[str, Any]:
    gate.permit(actor, Action.GROUP_CHANGED)
    try:
        with Path(options["file"]).open("rb") as file:
            data = file.read(scope_rules.MOST_BYTES + 1)
    except OSError:
        raise Unacceptable("file", _("This file cannot be read.")) from None
    done = scope_rules.import_(actor, data, dry=options["dry_run"])
    made = [{"attribute": one.attribute, "value": one.pattern, "group": one.group} for one in done.made]
    return {"changed": not options["dry_run"], "known": done.known, "rules": made}


def _import_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", help="CSV in UTF-8 whose first line is attribute,value,group")
    parser.add_argument("--dry-run", action="store_true", help="say what it would do, and change nothing")


def _list(actor: Actor, _options: Options) -> dict[str, Any]:
    gate.permit(actor, Action.GROUP_CHANGED)
    return {"groups": [{"id": str(group.id), "group": group.name} for group in Group.objects.order_by("name")]}


class Command(Noun):
    help = "Groups of people and devices, to which studies belong."
    verbs = {
        "add": Verb("Make a group.", _add, _add_arguments),
        "list": Verb("List the groups.", _list),
        "import": Verb("Add the rules at arrival of a file.", _import, _import_arguments),
        "give": Verb("Let a group see one study that others have.", _give, _give_arguments),
    }
