"""`manage.py backup create|verify|restore|list|places|forget`: copies of the whole archive, and back from them."""

import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from accounts import gate
from accounts.actors import Actor
from accounts.management.noun import Noun, Options, Verb
from accounts.management.shares import typed
from archive.backup import creating, keypart, places, restoring, verifying
from archive.backup.folder import Folder
from archive.backup.opening import open_backup
from archive.errors import ArchiveError, Damaged
from audit.actions import Action
from audit.anchors import AnchorError
from keystore import recovery
from keystore.errors import KeystoreError
from pacs import setting_up

DAMAGE_STATUS = 3


def _create(actor: Actor, options: Options) -> dict[str, Any]:
    made = creating.create(actor, options["place"], options["keys_in"], _progress(options))
    return {"backup": made.name, **{name: value for name, value in asdict(made).items() if name != "name"}}


def _verify(actor: Actor, options: Options) -> dict[str, Any]:
    seed = recovery.seed_from(typed()) if options["shares"] else None
    where = (options["place"], options["keys_in"], options["backup"])
    report = verifying.verify(actor, *where, seed, _progress(options))
    if report.faults:
        options["shortfall"].append(f"The backup is damaged: {len(report.faults) + report.more} faults.")
    return asdict(report)


def _restore(actor: Actor, options: Options) -> dict[str, Any]:
    gate.permit(actor, Action.BACKUP_RESTORED, subject=str(options["place"]))
    seed = recovery.seed_from(typed()) if options["shares"] else None
    _prepare(draw_root=seed is not None)
    restoring.require_empty()
    if options["keys_only"]:
        keys = keypart.read(Folder(options["keys_in"] or options["place"]), seed)
        found = {"keys": restoring.restore_keys(actor, keys, seed)}
        setting_up.keys()
        return found
    backup = open_backup(options["place"], options["keys_in"], options["backup"], seed)
    done = restoring.restore(actor, backup, seed, _progress(options))
    for step in (setting_up.keys, setting_up.roles, setting_up.certificate):
        step()
    if done.rekeyed:
        told = ", ".join(done.rekeyed)
        sys.stderr.write(f"Had been given another key since, and lie under the one before: {told}. Rekey them again.\n")
    if done.anchored_rows > done.kept_rows:
        lost = f"rows {done.kept_rows + 1} to {done.anchored_rows}"
        sys.stderr.write(f"Lost of the record, log {done.kept_log}: {lost}, which an anchor knows.\n")
    return asdict(done)


def _prepare(*, draw_root: bool) -> None:
    """Make what set-up makes ahead of the keys: those come from the backup."""
    setting_up.folders()
    if draw_root:
        setting_up.root_key()
    setting_up.secret_key()
    setting_up.tables()


def _list(actor: Actor, options: Options) -> dict[str, Any]:
    found = verifying.backups(actor, options["place"], options["keys_in"])
    return {
        "backups": [
            {"backup": one.name, "made": one.made_at, "packs": len(one.packs), "bytes": one.size, "rows": one.log[1]}
            for one in found
        ]
    }


def _places(actor: Actor, _options: Options) -> dict[str, Any]:
    return {
        "places": [
            {
                "place": one.path,
                "keys": one.keys_path,
                "last": one.last_at.isoformat() if one.last_at else "",
                "keys_replaced": one.keys_at.isoformat() if one.keys_at else "",
            }
            for one in places.registered(actor)
        ]
    }


def _forget(actor: Actor, options: Options) -> dict[str, Any]:
    places.forget(actor, options["place"])
    return {"forgotten": str(options["place"])}


def _progress(options: Options) -> creating.Tell:
    """Tell people how far it is, in steps that a terminal can bear."""

    def tell(what: str, done: int, total: int) -> None:
        if not options["json"] and (done == total or done % 100 == 0):
            sys.stderr.write(f"{done} of {total} {what}\n")
            sys.stderr.flush()

    return tell


def _place(parser: ArgumentParser) -> None:
    parser.add_argument("place", type=Path, help="the folder of the backups, outside the data directory")
    parser.add_argument("--keys-in", type=Path, metavar="FOLDER", help="where the key part is, if not in that folder")


def _one(parser: ArgumentParser) -> None:
    _place(parser)
    parser.add_argument("--backup", default="", metavar="NAME", help="which one, as `list` names it; else the newest")
    parser.add_argument("--shares", action="store_true", help="open it with recovery shares instead of the root key")


def _restoring(parser: ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--keys-only", action="store_true", help="restore the keys alone, where the packs survived")


class Command(Noun):
    help = "Backups: encrypted, consistent, incremental, made while the archive is in use."
    requires_system_checks: list[str] = []
    verbs = {
        "create": Verb("Make a backup in a folder.", _create, _place),
        "verify": Verb("Prove a backup without restoring it.", _verify, _one),
        "restore": Verb("Bring a backup into an empty installation.", _restore, _restoring),
        "list": Verb("List the backups in a folder.", _list, _place),
        "places": Verb("List the registered backup places.", _places),
        "forget": Verb("Take a folder off the list of backup places.", _forget, _place),
    }

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        shortfall: list[str] = []
        try:
            super().handle(*args, verb=verb, shortfall=shortfall, **options)
        except Damaged as error:
            raise CommandError(str(error), returncode=DAMAGE_STATUS) from None
        except (ArchiveError, KeystoreError, AnchorError) as error:
            raise CommandError(str(error)) from None
        if shortfall:
            raise CommandError(" ".join(shortfall), returncode=DAMAGE_STATUS)
