"""`manage.py keys …`: the care of root, epochs, recovery key and keys of studies, without showing any of them."""

import getpass
import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from accounts import gate, vouched
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.management.noun import Noun, Options, Verb
from accounts.management.shares import typed
from archive.backup import places
from archive.errors import ArchiveError, Unavailable
from archive.keeping import cleaning, closing, ending, recovering, rekeying, rotating, status
from archive.keeping.rotating import Rotated
from audit.actions import Action
from keystore import roots
from keystore.errors import KeystoreError
from keystore.opening import using

DAMAGE_STATUS: Final = 3
"""The exit status that says: the command did its work, and what is stored is not whole."""

_NEXT = "Set PACS_KEK_URL to the new root and start again; until then running processes refuse within a minute."
_AGAIN = "Run manage.py keys clean."


def _status(actor: Actor, _options: Options) -> dict[str, Any]:
    found = status.look(actor)
    sharing = found.sharing
    return {
        "root": found.root.place,
        "root_id": str(found.root.id) if found.root.id else "",
        "trouble": found.root.trouble,
        "recovery": f"{sharing.threshold} of {sharing.shares} shares, {sharing.at:%Y-%m-%d}" if sharing else "none",
        "epochs": [
            {
                "number": one.number,
                "month": f"{one.began_at:%Y-%m}",
                "state": one.state,
                "root": str(one.root),
                "recovery": "sealed" if one.recoverable else "-",
                "study_keys": one.study_keys,
                "leaving_keys": one.leaving_keys,
                "former_keys": one.former_keys,
                "patient_keys": one.patient_keys,
                "installation_keys": one.installation_keys,
            }
            for one in found.epochs
        ],
    }


def _create_root(actor: Actor, options: Options) -> dict[str, Any]:
    gate.permit(actor, Action.ROOT_ROTATED, subject="create-root")
    path = _absolute(options["path"])
    try:
        roots.create_file(path)
    except OSError as error:
        raise Unacceptable("path", f"The root key {path} cannot be made: {error.strerror}.") from None
    root = roots.from_url(f"file:{path}")
    return {"root": root.describe(), "root_id": str(root.id), "url": f"file:{path}"}


def _rotate(actor: Actor, options: Options) -> dict[str, Any]:
    return _passed(actor, rotating.rotate(actor, _url(options["to"])), options)


def _recover(actor: Actor, options: Options) -> dict[str, Any]:
    gate.permit(actor, Action.KEYS_RECOVERED, subject="recover")
    return _passed(actor, recovering.recover(actor, _url(options["to"]), typed()), options)


def _passed(actor: Actor, done: Rotated, options: Options) -> dict[str, Any]:
    with using(roots.from_url(_url(options["to"]))):
        _tidy(actor, options)
    return {"root": done.place, "root_id": str(done.root), "epochs": done.epochs, "next": _NEXT}


def _export(actor: Actor, options: Options) -> dict[str, Any]:
    keeper = vouched.person(options["as"], getpass.getpass("Password: "), getpass.getpass("Code: "))
    if keeper is None:
        raise Unacceptable("as", _("Name, password or code is wrong."))
    shares = recovering.export(keeper, options["threshold"], options["shares"])
    _tidy(actor, options)
    return {"threshold": options["threshold"], "shares": shares}


def _end(actor: Actor, options: Options) -> dict[str, Any]:
    numbers = ending.before(options["before"]) if options["before"] else [options["number"]]
    done = [ending.end(actor, number) for number in numbers]
    _tidy(actor, options)
    return {"ended": [{"number": one.number, "keys": one.keys} for one in done]}


def _rekey(actor: Actor, options: Options) -> dict[str, Any]:
    def tell(done: int, total: int) -> None:
        if not options["json"]:
            sys.stderr.write(f"{done} of {total} objects\n")

    done = rekeying.rekey(actor, options["study"], anew=options["anew"], tell=tell)
    _tidy(actor, options)
    if done.left:
        options["damage"].append(f"{len(done.left)} parts of the study do not open and stay under the key before.")
    return {"key": str(done.key), "objects": done.objects, "left": list(done.left)}


def _tidy(actor: Actor, options: Options) -> None:
    """Let database files and backup places forget what was replaced; what cannot be reached is told after the rest."""
    try:
        cleaning.clean(actor)
    except Unavailable as error:
        options["shortfall"].append(f"It is done, but what it replaced still lies in the database: {error} {_AGAIN}")
    replaced = places.replace_keys(actor)
    if replaced.missed:
        told = ", ".join(replaced.missed)
        options["shortfall"].append(f"It is done, but what it replaced still opens in backups: {told}. {_AGAIN}")
    closing.close(actor.name, replaced)


def _clean(actor: Actor, options: Options) -> dict[str, Any]:
    _tidy(actor, options)
    return {"clean": "no" if options["shortfall"] else "yes"}


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise Unacceptable("path", "Name the root key by its whole path, from the first slash.")
    return path


def _url(url: str) -> str:
    if url.startswith("file:"):
        _absolute(Path(url.removeprefix("file:")))
    return url


def _to(parser: ArgumentParser) -> None:
    parser.add_argument("--to", required=True, metavar="URL", help="the new root, written as in PACS_KEK_URL")


def _path(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="where the new root key is to be; it is never overwritten")


def _sharing(parser: ArgumentParser) -> None:
    parser.add_argument("--shares", type=int, default=5, metavar="N", help="how many people get one (5)")
    parser.add_argument("--threshold", type=int, default=3, metavar="M", help="how many of them are needed (3)")
    parser.add_argument("--as", required=True, metavar="PERSON", help="who exports them; asked for both factors")


def _study(parser: ArgumentParser) -> None:
    parser.add_argument("study", help="its Study Instance UID")
    words = "draw another key though something that does not open is left under an older one"
    parser.add_argument("--anew", action="store_true", help=words)


def _which(parser: ArgumentParser) -> None:
    one = parser.add_mutually_exclusive_group(required=True)
    one.add_argument("number", nargs="?", type=int, help="its number, as `keys status` shows it")
    one.add_argument("--before", type=_day, metavar="DATE", help="every epoch that began before that day (2026-01-31)")


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("a day, such as 2026-01-31") from None
    if day > datetime.now(UTC).date():
        raise ArgumentTypeError("a day that has come")
    return day


class Command(Noun):
    help = "The keys of the installation: root, epochs, recovery. Shows none of them."
    verbs = {
        "status": Verb("Tell which root, epochs and recovery key there are.", _status),
        "create-root": Verb("Make a new root key file.", _create_root, _path),
        "rotate": Verb("Pass every epoch key to another root.", _rotate, _to),
        "export-shares": Verb("Make a new recovery key and show its shares, once.", _export, _sharing),
        "recover": Verb("Pass every epoch key to a new root with enough shares, without the old one.", _recover, _to),
        "end-epoch": Verb("Pass an epoch's keys to the present one and destroy its key.", _end, _which),
        "clean": Verb("Overwrite what database and backup places still hold of keys that are gone.", _clean),
        "rekey": Verb("Seal a study anew under a new key, because the one it has may be known.", _rekey, _study),
    }

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        shortfall, damage = list[str](), list[str]()
        try:
            super().handle(*args, verb=verb, shortfall=shortfall, damage=damage, **options)
        except (ArchiveError, KeystoreError) as error:
            raise CommandError(str(error)) from None
        if shortfall or damage:
            raise CommandError(" ".join([*shortfall, *damage]), returncode=DAMAGE_STATUS if damage else 1)
