"""A process in which a large object arrives, watched from outside: its memory, and what it leaves when it is killed."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from archive.models import Instance
from tests.archive.test_large import lying
from tests.conftest import Installation

pytestmark = pytest.mark.both_databases
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def program(installation: Installation, modality: Any) -> Iterator[Callable[[int], Any]]:
    """Starts a process in which a large object arrives."""
    begun: list[subprocess.Popen[str]] = []

    def start(size: int) -> Any:
        command = [sys.executable, "-m", "tests.archive.sending_large", str(size)]
        pipe, environment = subprocess.PIPE, installation.environment
        begun.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True))
        return begun[-1]

    yield start
    for one in begun:
        one.kill()
        one.communicate()


def goes_on(process: Any, word: str) -> None:
    """Wait for a station; the process stands there until it is told to go on."""
    assert process.stdout.readline().strip() == word


def go(process: Any) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


def memory(process: Any, name: str) -> float:
    """MB of memory of a process now (VmRSS) or at its peak (VmHWM), as the kernel counts them."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


@pytest.mark.one_database
def test_200_mb_arrive_in_a_few_mb_of_memory(program: Callable[[int], Any]) -> None:
    process = program(400 * 524288)
    goes_on(process, "ready")
    before = memory(process, "VmRSS")
    for word in ("half", "stored"):
        go(process)
        goes_on(process, word)
    assert memory(process, "VmHWM") - before < 50
    assert Instance.objects.get(uid="1.2.3.4").frames == 400


def test_killed_half_way_nothing_is_named_and_the_next_attempt_is_whole(
    program: Callable[[int], Any], installation: Installation
) -> None:
    killed = program(40 * 524288)
    for word in ("ready", "half"):
        goes_on(killed, word)
        if word == "ready":
            go(killed)
    killed.kill()
    killed.wait()
    assert not Instance.objects.filter(uid="1.2.3.4").exists()
    left = [path for path in lying(installation) if path.stat().st_size > 5_000_000]
    assert len(left) == 1
    again = program(40 * 524288)
    for word in ("ready", "half", "stored"):
        goes_on(again, word)
        go(again)
    os.utime(left[0], (0, 0))
    call_command("archive", "sweep", "--json")
    assert not left[0].exists()
    assert Instance.objects.get(uid="1.2.3.4").frames == 40
    call_command("archive", "check", "--json")
