"""``manage.py serve all|web|dimse|worker|scheduler``: refuse unsafe settings, then serve."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from pacs.serve import SERVERS, adopt, refusals


class Command(BaseCommand):
    """Serve one role, or all of them under one supervisor."""

    help = "Serve the archive: all, or one of its roles."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", choices=tuple(SERVERS))

    def handle(self, *args: Any, role: str, **options: Any) -> None:
        adopt()
        words = refusals()
        for finding in words:
            self.stderr.write(finding)
        if words:
            self.stderr.write(f"Custos does not start like this: {len(words)} thing(s) to put right.")
            sys.exit(os.EX_CONFIG)
        sys.exit(SERVERS[role]())
