"""A command that nobody decided on refuses."""

import subprocess
import sys

import pytest
from django.core.management import get_commands

from pacs.commands import HARMLESS, OURS, allowed
from tests.pacs.serving import ROOT


@pytest.mark.parametrize(
    "name", ["dumpdata", "loaddata", "flush", "shell", "dbshell", "createsuperuser", "changepassword", "runserver", "x"]
)
def test_what_dumps_flushes_or_makes_accounts_behind_the_gate_is_refused(name: str) -> None:
    assert not allowed(name)


def test_every_command_is_ours_or_was_decided_on() -> None:
    known = get_commands()
    assert {name for name in known if allowed(name)} == {
        name for name, app in known.items() if app in OURS or name in HARMLESS
    }


def test_the_shell_says_so() -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "dumpdata"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert "not a command of this archive" in ended.stderr
    assert not ended.stdout
