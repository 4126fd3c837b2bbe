"""`manage.py study VERB`: trash and holds, destruction, grants, restrictions."""

import getpass
from argparse import ArgumentParser
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts import groups, vouched
from accounts.actors import Actor
from accounts.errors import NotVisible, Unacceptable
from accounts.management.noun import Noun, Options, Verb
from archive import destruction, granting, removal, restricting
from archive.errors import ArchiveError
from archive.rebuilding import reconciling


def _trash(actor: Actor, options: Options) -> dict[str, Any]:
    try:
        ends_at = removal.trash(actor, options["study"])
    except (NotVisible, ArchiveError) as error:
        raise _spoken(error) from None
    return {"study": options["study"], "state": "trashed", "until": ends_at.isoformat()}


def _restore(actor: Actor, options: Options) -> dict[str, Any]:
    try:
        removal.restore(actor, options["study"])
    except (NotVisible, ArchiveError) as error:
        raise _spoken(error) from None
    return {"study": options["study"], "state": "restored"}


def _hold(actor: Actor, options: Options) -> dict[str, Any]:
    try:
        removal.hold(actor, options["study"], options["reason"])
    except (NotVisible, ArchiveError) as error:
        raise _spoken(error) from None
    return {"study": options["study"], "state": "held"}


def _release(actor: Actor, options: Options) -> dict[str, Any]:
    try:
        removal.release(actor, options["study"])
    except (NotVisible, ArchiveError) as error:
        raise _spoken(error) from None
    return {"study": options["study"], "state": "released"}


def _trashed(actor: Actor, _options: Options) -> dict[str, Any]:
    rows = removal.trashed(actor)
    return {
        "trash": [
            {"study": one.uid, "until": one.ends_at.isoformat(), "by": one.by, "state": "held" if one.held else ""}
            for one in rows
        ]
    }


def _reconcile(actor: Actor, options: Options) -> dict[str, Any]:
    (group,) = groups.named([options["group"]]) if options["group"] else (None,)
    try:
        reconciling.reconcile(actor, options["study"], group)
    except (NotVisible, ArchiveError) as error:
        raise _spoken(error) from None
    return {"study": options["study"], "state": "reconciled"}


def _restricted(actor: Actor, _options: Options) -> dict[str, Any]:
    return {"restricted": reconciling.waiting(actor)}


def _reconcilable(parser: ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--group", help="a group that shall see it besides those it has")


def _destroy(_actor: Actor, options: Options) -> dict[str, Any]:
    keeper = vouched.person(options["as"], getpass.getpass("Password: "), getpass.getpass("Code: "))
    if keeper is None:
        raise Unacceptable("as", _("Name, password or code is wrong."))
    try:
        certificate = destruction.destroy(keeper, options["study"])
    except (NotVisible, ArchiveError) as error:
        raise _spoken(error) from None
    return {"study": options["study"], "state": "destroyed", "certificate": str(certificate)}


def _grant(actor: Actor, options: Options) -> dict[str, Any]:
    try:
        last_day = date.fromisoformat(options["until"])
    except ValueError:
        raise Unacceptable("until", _("Give the last day of the grant.")) from None
    try:
        made = granting.grant(actor, options["study"], options["to"], last_day, options["reason"])
    except NotVisible as error:
        raise _spoken(error) from None
    return {"grant": str(made), "study": options["study"], "to": options["to"], "until": options["until"]}


def _revoke(actor: Actor, options: Options) -> dict[str, Any]:
    try:
        granting.revoke(actor, options["grant"])
    except NotVisible:
        raise Unacceptable("grant", _("There is no such grant.")) from None
    return {"grant": str(options["grant"]), "state": "revoked"}


def _grants(actor: Actor, _options: Options) -> dict[str, Any]:
    rows = granting.listed(actor)
    return {
        "grants": [
            {"grant": str(row.id), "study": row.study_uid, "to": row.to, "until": row.until.isoformat(), "by": row.by}
            for row in rows
        ]
    }


def _restrict(actor: Actor, options: Options) -> dict[str, Any]:
    try:
        restricting.restrict(actor, options["study"], options["reason"])
    except (NotVisible, ArchiveError) as error:
        raise _spoken(error) from None
    return {"study": options["study"], "state": "restricted"}


def _unrestrict(actor: Actor, options: Options) -> dict[str, Any]:
    try:
        restricting.unrestrict(actor, options["study"])
    except (NotVisible, ArchiveError) as error:
        raise _spoken(error) from None
    return {"study": options["study"], "state": "unrestricted"}


def _granted(parser: ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--to", required=True, metavar="PERSON|GROUP", help="a user name, or the name of a group")
    parser.add_argument("--until", required=True, metavar="DATE", help="the last day, as 2026-12-31; at most a year")
    parser.add_argument("--reason", required=True, help="why; it goes on record")


def _one_grant(parser: ArgumentParser) -> None:
    parser.add_argument("grant", type=UUID, help="its id, as `study grants` lists it")


def _spoken(error: Exception) -> Unacceptable:
    return Unacceptable("study", _("There is no such study.") if isinstance(error, NotVisible) else str(error))


def _one(parser: ArgumentParser) -> None:
    parser.add_argument("study", help="its Study Instance UID")


def _reasoned(parser: ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--reason", required=True, help="why; it goes on record, sealed")


def _vouched(parser: ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--as", required=True, metavar="PERSON", help="who destroys it; asked for both factors")


class Command(Noun):
    help = "Single studies: out of the archive and back, shown to somebody, restricted."
    verbs = {
        "trash": Verb("Hide a study from everybody.", _trash, _one),
        "restore": Verb("Show a study in the trash again.", _restore, _one),
        "hold": Verb("Keep a study from being destroyed.", _hold, _reasoned),
        "release": Verb("End a study's legal hold.", _release, _one),
        "destroy": Verb("Destroy a study in the trash for ever.", _destroy, _vouched),
        "restricted": Verb("List the studies that groups do not open, as after a rebuild of the index.", _restricted),
        "reconcile": Verb("Let the groups of a restricted study see it again.", _reconcile, _reconcilable),
        "grant": Verb("Show a study to a person or group until a day.", _grant, _granted),
        "revoke": Verb("End a grant now.", _revoke, _one_grant),
        "grants": Verb("List the grants that last.", _grants),
        "restrict": Verb("Let groups and physicians open a study no more.", _restrict, _reasoned),
        "unrestrict": Verb("Let those see a study again whose it is.", _unrestrict, _one),
        "trashed": Verb("List the studies in the trash.", _trashed),
    }
