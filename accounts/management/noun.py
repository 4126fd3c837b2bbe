"""Commands of the form `manage.py NOUN VERB`, each verb a function; with `--json` each prints one JSON object."""

import getpass
import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import identify
from accounts.actors import Actor
from accounts.errors import Refused, Unacceptable
from audit.errors import LogUnavailable

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verb:
    """What may follow the noun: what it does, the arguments it takes, and the function that does it.

    The function gets the shell's actor and the arguments, and returns what to print.
    """

    help: str
    run: Callable[[Actor, Options], dict[str, Any]]
    arguments: Callable[[ArgumentParser], None] = lambda _parser: None


class Noun(BaseCommand):
    """A command whose verbs act, and are recorded, as `shell:<user>`."""

    verbs: ClassVar[dict[str, Verb]]

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for name, verb in self.verbs.items():
            below = chosen.add_parser(name, help=verb.help, description=verb.help)
            below.add_argument("--json", action="store_true", help="print one JSON object")
            verb.arguments(below)

    def handle(self, *_args: Any, verb: str, **options: Any) -> None:
        try:
            told = self.verbs[verb].run(identify.shell(getpass.getuser()), options)
        except Unacceptable as error:
            raise CommandError(str(error)) from None
        except Refused as error:
            raise CommandError("This is not allowed from the shell.") from error
        except LogUnavailable as error:
            raise CommandError("The record cannot be written, so nothing was changed.") from error
        self.stdout.write(json.dumps(told, ensure_ascii=False) if options["json"] else _lines(told))


def _lines(told: Mapping[str, Any]) -> str:
    """Return the same for people: one line a value, lists indented, rows of a list with blanks between."""
    lines = []
    for name, value in told.items():
        if not isinstance(value, list):
            lines.append(f"{name}: {value}")
            continue
        lines.append(f"{name}:")
        for row in value:
            cells = (str(cell) for cell in row.values()) if isinstance(row, dict) else (str(row),)
            lines.append("  " + "  ".join(cells))
    return "\n".join(lines)
