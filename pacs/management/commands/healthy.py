"""``manage.py healthy [ROLE]``: end with 0 when the role answers, else say why and end with 1."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from pacs import ready
from pacs.start import ROLES

ASKED = {"web": (ready.web_trouble,), "dimse": (ready.dimse_trouble,)}
EVERYTHING = (ready.web_trouble, ready.dimse_trouble, ready.trouble)


class Command(BaseCommand):
    """For health checks beside the servers: web and dimse are asked over the network, the others' needs are tried."""

    help = "Tell whether the archive, or one of its roles, is well."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", nargs="?", choices=ROLES)

    def handle(self, *args: Any, role: str | None, **options: Any) -> None:
        questions = ASKED.get(role, (ready.trouble,)) if role else EVERYTHING
        found = [words for words in (ask() for ask in questions) if words]
        for words in found:
            self.stderr.write(words)
        sys.exit(1 if found else 0)
