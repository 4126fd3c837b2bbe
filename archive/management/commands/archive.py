"""`manage.py archive scrub|check|reindex|sweep|compact`: care of what is stored."""

import re
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import CommandError

from accounts.actors import Actor
from accounts.management.noun import Noun, Options, Verb
from archive.errors import ArchiveError
from archive.fixity import checking, scrub
from archive.models import Reindexing, Scrub
from archive.rebuilding import rebuild
from archive.tending import compact, reindexing, settled, sweep
from archive.tending.compact import Compacted

DAMAGE_STATUS: Final = 3
"""The exit status that says: the command did its work, and what is stored is not whole."""

_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def _scrub(actor: Actor, options: Options) -> dict[str, Any]:
    done = scrub.run(
        actor,
        options["sample"] or 100,
        rate=options["rate"],
        restart=options["restart"],
        tell=lambda now, total: None if options["json"] else _progress(now, total),
    )
    if done.damaged:
        options["shortfall"].append(f"{done.damaged} stored objects are damaged; the alerts name them.")
    return {"objects": done.objects_read, "bytes": done.bytes_read, "damaged": done.damaged, "percent": done.percent}


def _progress(now: Scrub, total: int) -> None:
    mib = now.bytes_read / (1 << 20)
    sys.stderr.write(f"{now.objects_read} of {total} objects, {mib:.1f} MiB, {now.damaged} damaged\n")
    sys.stderr.flush()


def _scrub_arguments(parser: ArgumentParser) -> None:
    share = parser.add_mutually_exclusive_group()
    share.add_argument("--full", action="store_true", help="read every object (so it is without a word)")
    share.add_argument("--sample", type=_percent, metavar="PERCENT", help="read so many objects of a hundred")
    parser.add_argument("--rate", type=_rate, metavar="BYTES", help="read at most so much in a second, such as 20M")
    parser.add_argument("--restart", action="store_true", help="begin anew instead of going on with an unfinished pass")


def _percent(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise ArgumentTypeError("a whole number from 1 to 100")
    return int(text)


def _rate(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]*)([KMG]?)", text)
    if found is None:
        raise ArgumentTypeError("a number of bytes, with K, M or G behind it where that is shorter")
    return int(found[1]) * _UNITS[found[2]]


def _check(actor: Actor, options: Options) -> dict[str, Any]:
    report, more = checking.run(actor), dict[str, Any]()
    if options["rebuild"]:
        say = _paced(options)
        rebuilt = rebuild.run(actor, tell=lambda what, now, total: say(now, total, f"{now} of {total} {what}"))
        more = {"rebuilt": {name: value for name, value in asdict(rebuilt).items() if name != "damaged"}}
        more = {**(more if options["json"] else more["rebuilt"]), "damaged": rebuilt.damaged}
        if rebuilt.damages:
            options["shortfall"].append(f"{rebuilt.damages} records are damaged or misplaced and were not adopted.")
        report = report if report.whole else checking.run(actor)
    if not report.whole:
        options["shortfall"].append("Index and packs do not agree.")
    return {**asdict(report), **more}


def _check_arguments(parser: ArgumentParser) -> None:
    words = "then adopt every whole record that no row names; studies so made stay restricted"
    parser.add_argument("--rebuild", action="store_true", help=words)


def _reindex(actor: Actor, options: Options) -> dict[str, Any]:
    say = _paced(options)
    done = reindexing.run(actor, tell=lambda now, total: say(*_how_far(now, total)))
    row = done.row
    if row.damaged:
        options["shortfall"].append(f"{row.damaged} cells do not open; their search tokens are as they were.")
    counts = {name: getattr(row, name) for name in ("level", "patients", "studies", "phrases", "trashed")}
    return {**counts, "damaged": list(done.damaged)}


def _how_far(now: Reindexing, total: int) -> tuple[int, int, str]:
    done = now.patients + now.phrases
    return done, total, f"{done} of {total} patients and phrases, {now.damaged} damaged cells"


def _paced(options: Options) -> Callable[[int, int, str], None]:
    """A function that writes how far something is, at most once a second and at its end; not beside a JSON object."""
    last = 0.0

    def say(done: int, total: int, words: str) -> None:
        nonlocal last
        if not options["json"] and (done >= total or time.monotonic() - last >= 1.0):
            last = time.monotonic()
            sys.stderr.write(f"{words}\n")
            sys.stderr.flush()

    return say


def _sweep(actor: Actor, options: Options) -> dict[str, Any]:
    dry_run: bool = options["dry_run"]
    swept = sweep.run(actor, timedelta(days=options["grace"]), dry_run=dry_run)
    return {**asdict(swept), "dry_run": dry_run}


def _sweep_arguments(parser: ArgumentParser) -> None:
    words = "leave what was written to within so many days (7 unless told)"
    parser.add_argument("--grace", type=_days, default=settled.GRACE.days, metavar="DAYS", help=words)
    parser.add_argument("--dry-run", action="store_true", help="tell what would go; remove nothing")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3650:
        raise ArgumentTypeError("a whole number of days, at least 1")
    return int(text)


def _compact(actor: Actor, options: Options) -> dict[str, Any]:
    done = compact.run(
        actor, options["dead"], options["studies"], tell=lambda now: None if options["json"] else _copied(now)
    )
    if done.broken:
        options["shortfall"].append(
            f"{done.broken} packs cannot be walked and were left alone: scrub, and restore them."
        )
    return asdict(done)


def _copied(now: Compacted) -> None:
    sys.stderr.write(f"{now.objects} objects, {now.bytes / (1 << 20):.1f} MiB copied\n")
    sys.stderr.flush()


def _compact_arguments(parser: ArgumentParser) -> None:
    words = f"rewrite studies of whose bytes so many of a hundred are dead ({compact.DEAD} unless told)"
    parser.add_argument("--dead", type=_percent, default=compact.DEAD, metavar="PERCENT", help=words)
    parser.add_argument("studies", nargs="*", metavar="STUDY_UID", help="these alone; every study unless told")


class Command(Noun):
    help = "Care of what is stored."
    verbs = {
        "scrub": Verb("Read stored objects back and verify them.", _scrub, _scrub_arguments),
        "check": Verb("Compare packs, keys and index; change nothing unless told.", _check, _check_arguments),
        "reindex": Verb("Make all search tokens anew, as PACS_SEARCH says.", _reindex),
        "compact": Verb("Copy what lives of old packs into new ones.", _compact, _compact_arguments),
        "sweep": Verb("Remove packs that nobody names.", _sweep, _sweep_arguments),
    }

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        shortfall: list[str] = []
        try:
            super().handle(*args, verb=verb, shortfall=shortfall, **options)
        except ArchiveError as error:
            raise CommandError(str(error)) from None
        if shortfall:
            raise CommandError(" ".join(shortfall), returncode=DAMAGE_STATUS)
