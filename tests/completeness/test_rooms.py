"""Calls that write and that no row of the matrix comes by: for each, a test of its own room that fails without it.

They need what the matrix has not, a second machine or a lease that ends under a download. What is left over writes
refusals alone, and nobody comes so far who is refused: the door before it asks the same, or whoever gives the command
may always.
"""

import subprocess
import sys
from typing import Final

import pytest
from django.conf import settings

from tests.completeness.test_matrix import UNREACHED

ROOMS: Final = dict(line.split() for line in UNREACHED.with_name("rooms.txt").read_text("utf-8").splitlines())
"""The calls, each with the test that fails without it."""

BEHIND_ANOTHER: Final = {
    "accounts/own_app.py:offer",
    "accounts/refusals.py:recorded",
    "archive/arrivals.py:others_since",
    "archive/backup/places.py:replace_keys",
    "archive/keeping/recovering.py:recover",
    "archive/pace.py:everybody",
    "archive/pace.py:of",
    "archive/query/levels.py:_listed",
    "archive/query/patients.py:find",
    "archive/rebuilding/rebuild.py:run",
}


def test_every_call_without_a_row_has_a_test_or_a_reason() -> None:
    assert set(UNREACHED.read_text("utf-8").split()) == ROOMS.keys() | BEHIND_ANOTHER


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("site", "test"), ROOMS.items(), ids=list(ROOMS))
def test_without_the_call_the_test_of_its_room_fails(site: str, test: str) -> None:
    plugin = ["-p", "tests.completeness.forgetting", "--forget", site]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, test]
    told = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert told.returncode == pytest.ExitCode.TESTS_FAILED, told.stdout
    assert "1 failed" in told.stdout
    assert "error" not in told.stdout.splitlines()[-1]
