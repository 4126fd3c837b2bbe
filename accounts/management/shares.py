"""Recovery shares as people type them at a command."""

import getpass
import sys


def typed() -> list[str]:
    """One share a line from the standard input, or asked for one by one, unseen, until an empty line."""
    if not sys.stdin.isatty():
        return sys.stdin.read().splitlines()
    return list(iter(lambda: getpass.getpass("Share (nothing to end): ").strip(), ""))
