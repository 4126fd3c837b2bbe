"""One call of the program writes nothing to the record while a test runs, or while a command does that the test gives.

As a plugin of pytest: `-p tests.completeness.forgetting --forget SITE`, the call as in `unreached.txt`.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--forget", required=True)


@pytest.fixture(autouse=True)
def forgotten(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The call writes nothing, while everything around it goes on as if it had."""
    name = str(request.config.getoption("forget"))
    run = subprocess.run

    def forgetting(command: Any, **how: Any) -> Any:
        if command[:2] == [sys.executable, "manage.py"]:
            command = [sys.executable, "-m", __name__, name, *command[2:]]
        return run(command, **how)

    monkeypatch.setattr(subprocess, "run", forgetting)
    with without(name, monkeypatch):
        yield


def without(name: str, patch: pytest.MonkeyPatch) -> AbstractContextManager[None]:
    """The program without the call of this name."""
    from tests.completeness import sites  # once Django is set up, which a plugin comes before

    (site,) = (site for site, known in sites.named(sites.sites()).items() if known == name)
    return sites.disabled(site, patch)


def main(name: str, *command: str) -> None:
    """Run one of our commands without the call."""
    import django
    from django.core.management import execute_from_command_line

    django.setup()
    with pytest.MonkeyPatch.context() as patch, without(name, patch):
        execute_from_command_line(["manage.py", *command])


if __name__ == "__main__":
    main(*sys.argv[1:])
