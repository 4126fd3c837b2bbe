"""``manage.py demo``: fill a demo installation with people and studies, and print how to sign in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pacs import demo


class Command(BaseCommand):
    """Works on an installation that `make demo` placed, and refuses any other."""

    help = "Fill the demo installation; refuses any other data directory."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        from accounts.models import Person

        if not demo.is_demo() or (Person.objects.exists() and not demo.people_file().exists()):
            raise CommandError("PACS_DATA_DIR is not that of a demo; run `make demo`.")
        first = not demo.people_file().exists()
        people = demo.settle_people()
        if first:
            stored, refused = demo.send(demo.samples())
            self.stdout.write(f"{stored} sample images stored, {refused} refused")
        self.stdout.write("\nThese people are for looking around; each has a password and a TOTP secret:\n")
        for one in people:
            place = f" of {one['group']}" if one["group"] else ""
            self.stdout.write(f"  {one['username']:<6} {one['role']}{place}\n         password {one['password']}")
            self.stdout.write(f"         {one['totp_uri']}")
