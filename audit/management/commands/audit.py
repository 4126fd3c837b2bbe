"""`manage.py audit status|verify|prove|export|key|messages`: is the record whole, is this row in it, give it to others.

Exit codes of `verify`: 0 intact, 1 edited, 2 cut or rolled back, 3 signature or clock, 4 intact as far as a restored
backup kept it, 9 not verified at all. Of `status`: 0 good, 1 something to be looked at, 2 something broken, 9 unknown.
"""

import getpass
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseFault
from django.db import transaction

from accounts import gate, identify
from accounts.actors import Actor
from accounts.errors import Refused
from archive import space
from audit import anchors, checkpoints, export, log, proofs, recorded, tables
from audit.actions import Action, Outcome
from audit.anchoring.collected import Collected
from audit.errors import LogUnavailable
from audit.events import Event
from audit.health import looking
from audit.health.lines import GRAVITY, Health, State
from audit.messages import cursor
from audit.recorded import UNVERIFIED
from audit.verify import Report
from keystore.errors import KeystoreError

_VERDICTS = {
    0: "The record is intact.",
    1: "The record was edited.",
    2: "The record was cut or rolled back.",
    3: "A signature or a clock is wrong.",
    4: "The record is intact as far as a restored backup kept it.",
}


class Command(BaseCommand):
    """Verbs about the record, acting and recorded as `shell:<user>`."""

    help = "Verify, prove and export the record."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        check = verbs.add_parser("verify", help="Recompute the whole record and compare it with what was signed.")
        check.add_argument("--json", action="store_true", help="print one JSON object")
        check.add_argument("--anchor", action="append", type=Path, metavar="DIR", help="instead of PACS_ANCHORS")
        check.add_argument("--notes", action="append", type=Path, metavar="FILE", help="a collector's file, likewise")
        status = verbs.add_parser("status", help="Tell how the record itself is: written, signed, copied, verified.")
        status.add_argument("--json", action="store_true", help="print one JSON object")
        prove = verbs.add_parser("prove", help="Prove to an outsider that one row is in the signed record (JSON).")
        prove.add_argument("seq", type=int)
        prove.add_argument("--log", type=int, default=1)
        prove.add_argument("--json", action="store_true", help="the only form there is")
        give = verbs.add_parser("export", help="Print the record for another program.")
        form = give.add_mutually_exclusive_group()
        form.add_argument("--csv", action="store_true", help="for a spreadsheet, without sealed details (the default)")
        form.add_argument("--rows", action="store_true", help="every row as it is hashed, for tools/verify_audit.py")
        give.add_argument("--from", dest="first", type=date.fromisoformat, metavar="YYYY-MM-DD", help="first day, UTC")
        give.add_argument("--to", dest="last", type=date.fromisoformat, metavar="YYYY-MM-DD", help="last day, UTC")
        key = verbs.add_parser("key", help="Print the public key of the checkpoints, to be kept elsewhere.")
        key.add_argument("--json", action="store_true", help="print one JSON object")
        tell = verbs.add_parser("messages", help="Say how far the collector of audit messages has been told.")
        tell.add_argument("--again", action="store_true", help="send the whole record, from its first row on")
        tell.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, verb: str, **options: Any) -> None:
        run: Callable[[Actor, dict[str, Any]], None] = getattr(self, f"_{verb}")
        try:
            run(identify.shell(getpass.getuser()), options)
        except (LogUnavailable, Refused) as error:
            raise CommandError("The record cannot be written, so nothing was done.", returncode=UNVERIFIED) from error
        except (proofs.Unproved, anchors.AnchorError) as error:
            raise CommandError(str(error), returncode=UNVERIFIED) from None
        except (DatabaseFault, KeystoreError, tables.Unreadable) as error:
            words = f"The record cannot be read ({type(error).__name__})."
            raise CommandError(words, returncode=UNVERIFIED) from error

    def _verify(self, actor: Actor, options: dict[str, Any]) -> None:
        gate.permit(actor, Action.LOG_VERIFIED)
        places = _places(options["anchor"] or (), options["notes"] or ())
        code = UNVERIFIED

        def tell(report: Report) -> None:
            nonlocal code
            code = report.code
            self.stdout.write(json.dumps(_told(report)) if options["json"] else _words(report))

        try:
            recorded.run(actor.who, places or None, told=tell)
        except LogUnavailable:
            self.stderr.write("This verification could not be recorded.")
            sys.exit(code or UNVERIFIED)
        if code:
            sys.exit(code)

    def _status(self, actor: Actor, options: dict[str, Any]) -> None:
        gate.permit(actor, Action.LOG_READ)
        health = looking.look(space.floor)
        told = {"page": "health", "state": health.state.value}
        log.commit([Event(Action.LOG_READ, Outcome.OK, actor.who, count=len(health.lines), details=told)])
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(health), "state": health.state}, default=str))
        else:
            self.stdout.write("\n".join(_lines(health)))
        if health.state is not State.GOOD:
            sys.exit(GRAVITY.index(health.state))

    def _prove(self, actor: Actor, options: dict[str, Any]) -> None:
        gate.permit(actor, Action.LOG_READ)
        log.commit([Event(Action.LOG_READ, Outcome.OK, actor.who, count=1, details={"proved": options["seq"]})])
        self.stdout.write(json.dumps(proofs.prove(options["log"], options["seq"]), ensure_ascii=False))

    def _export(self, actor: Actor, options: dict[str, Any]) -> None:
        gate.permit(actor, Action.LOG_EXPORTED)
        form = "rows" if options["rows"] else "csv"
        told = {name: str(options[name]) for name in ("first", "last") if options[name]}
        log.commit([Event(Action.LOG_EXPORTED, Outcome.OK, actor.who, details={"form": form, **told})])
        since = _micros(options["first"]) if options["first"] else 0
        before = _micros(options["last"] + timedelta(days=1)) if options["last"] else 2**62
        lines = export.records() if options["rows"] else export.lines(since_us=since, before_us=before)
        for line in lines:
            self.stdout.write(line, ending="")

    def _messages(self, actor: Actor, options: dict[str, Any]) -> None:
        url = settings.PACS_SYSLOG_URL
        if options["again"]:
            gate.permit(actor, Action.LOG_EXPORTED)
            with transaction.atomic():
                if url:
                    cursor.rewind(url)
                told = {"form": "messages", "destination": url}
                log.append([Event(Action.LOG_EXPORTED, Outcome.OK, actor.who, details=told)])
        place = cursor.of(url)
        state = {
            "destination": url,
            "waiting": cursor.lag(place) if place else None,
            **(place._asdict() if place else {}),
        }
        self.stdout.write(json.dumps(state) if options["json"] else _standing(url, place))

    def _key(self, _actor: Actor, options: dict[str, Any]) -> None:
        key = checkpoints.verifier_key()
        self.stdout.write(json.dumps({"key": key}) if options["json"] else key)


def _lines(health: Health) -> Iterator[str]:
    for line in health.lines:
        yield f"[{line.state}] {line.label}: {line.said}"
        yield from (f"    {name}: {value}" for name, value in line.facts)
        if line.advice:
            yield f"    -> {line.advice}"


def _places(folders: Iterable[Path], files: Iterable[Path]) -> list[anchors.Place]:
    for place in folders:
        if not place.is_dir():
            raise CommandError(f"{place} is no directory.", returncode=UNVERIFIED)
    for place in files:
        if not place.is_file():
            raise CommandError(f"{place} is no file.", returncode=UNVERIFIED)
    return [*(anchors.Folder(place) for place in folders), *(Collected(place) for place in files)]


def _told_to(url: str, place: cursor.Place | None) -> dict[str, Any]:
    return {"destination": url} | ({} if place is None else {**place._asdict(), "waiting": cursor.lag(place)})


def _standing(url: str, place: cursor.Place | None) -> str:
    if not url:
        return "No collector of audit messages is named (PACS_SYSLOG_URL)."
    if place is None:
        return f"{url} was not told anything yet."
    row, note = f"row {place.seq} of log {place.log}", f"checkpoint {place.note_size} of log {place.note_log}"
    return f"{url} has been told up to {row} and {note}; {cursor.lag(place)} rows wait."


def _micros(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1_000_000)


def _told(report: Report) -> dict[str, Any]:
    return {
        "intact": report.code == 0,
        "code": report.code,
        "rows": report.rows,
        "checkpoints": report.signed,
        "anchors": report.anchors,
        "findings": [
            {"wrong": found.wrong.value, "log": found.log, "seq": found.seq, "text": found.text}
            for found in report.findings
        ],
        "more": report.more,
    }


def _words(report: Report) -> str:
    places = ", ".join(report.anchors) or "no anchor"
    seen = f"{report.rows} rows, {report.signed} signed heads (the table and {places})."
    found = [f"log {one.log}: {one.text}" for one in report.findings]
    more = [f"and {report.more} more findings"] if report.more else []
    return "\n".join([_VERDICTS[report.code], seen, *found, *more])
