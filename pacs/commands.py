"""Which commands the shell may run: our own, and the few of Django's that disclose and destroy nothing."""

from typing import Final

from django.core.management import get_commands

OURS: Final = frozenset({"keystore", "audit", "accounts", "archive", "pacs"})
HARMLESS: Final = frozenset(
    {"check", "help", "version", "migrate", "makemigrations", "showmigrations", "sqlmigrate", "makemessages"}
)


def allowed(name: str) -> bool:
    """Return whether ``manage.py NAME`` may run; dumps, flushes, shells and makers of accounts may not."""
    return name in HARMLESS or name.startswith("-") or get_commands().get(name) in OURS
