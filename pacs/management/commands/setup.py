"""``manage.py setup [link]``: make this installation ready, and print the first administrator's link."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pacs import setting_up


class Command(BaseCommand):
    """Make folders, keys, tables, roles and a certificate where they are missing; change nothing that is there."""

    help = "Make this installation ready; with `link`, print the one-time link for the first administrator again."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", nargs="?", choices=("link",))
        parser.add_argument("--no-link", action="store_true", help="print no one-time link")

    def handle(self, *args: Any, what: str | None, no_link: bool, **options: Any) -> None:
        if what is None:
            self._settle()
        if no_link:
            return
        link = setting_up.first_link()
        if link is not None:
            self.stdout.write(f"\nFirst administrator, within {setting_up.LINK_MINUTES} minutes, once:\n\n    {link}\n")
        elif what == "link":
            raise CommandError("There are people already; an administrator invites the next one.")

    def _settle(self) -> None:
        from keystore.errors import KeystoreError

        try:
            if setting_up.lost_root_key():
                raise CommandError(
                    "PACS_KEK_URL names no root key, but there is a database. Restore the key; a new one opens nothing."
                )
            for step in setting_up.STEPS:
                words = step()
                if words:
                    self.stdout.write(words)
        except KeystoreError as trouble:
            raise CommandError(f"PACS_KEK_URL: {trouble}") from None
