#!/usr/bin/env python
"""The one door of the shell: ``manage.py NOUN VERB``."""

import os
import sys


def main() -> None:
    """Run one command, in a process that leaves no core file; migrations run as the owner of the tables."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pacs.settings")
    from pacs import logs
    from pacs.databases import choose_owner
    from pacs.hardening import harden

    harden()
    logs.catch()
    choose_owner(sys.argv, os.environ)
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from pacs.commands import allowed

    try:
        django.setup()
        if len(sys.argv) > 1 and not allowed(sys.argv[1]):
            sys.stderr.write(f"{sys.argv[1]!r} is not a command of this archive; see `manage.py help`.\n")
            sys.exit(os.EX_USAGE)
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as refusal:
        sys.stderr.write(f"{refusal}\n")
        sys.exit(os.EX_CONFIG)


if __name__ == "__main__":
    main()
