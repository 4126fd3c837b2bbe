"""Processes are kept alive, ended together, and outlive nobody."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pacs.supervisor import STEADY, next_pause
from tests.pacs.serving import ROOT


def alive(pid: int) -> bool:
    """Return whether a process runs; one that ended and was not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(told: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def pids(folder: Path, name: str) -> list[int]:
    """Return the ids of every process that ran under this name, first one first."""
    noted = folder / name
    return [int(line) for line in noted.read_text().split()] if noted.exists() else []


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.pacs.kept", str(tmp_path)]
    started = subprocess.Popen(command, cwd=ROOT)
    try:
        until(lambda: bool(pids(tmp_path, "one") and pids(tmp_path, "two")))
        yield started
    finally:
        if started.poll() is None:
            started.terminate()
            started.wait(30)


def test_a_killed_process_is_started_again_and_the_others_are_left_alone(
    supervisor: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    (first,), (other,) = pids(tmp_path, "one"), pids(tmp_path, "two")
    os.kill(first, signal.SIGKILL)
    until(lambda: len(pids(tmp_path, "one")) == 2)
    assert pids(tmp_path, "two") == [other]
    assert alive(other)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_end_of_the_supervisor_is_the_end_of_all_and_a_good_one(
    supervisor: subprocess.Popen[bytes], tmp_path: Path, how: signal.Signals
) -> None:
    running = pids(tmp_path, "one") + pids(tmp_path, "two")
    supervisor.send_signal(how)
    assert supervisor.wait(15) == 0
    assert not any(alive(pid) for pid in running)


def test_nobody_outlives_a_supervisor_that_was_killed(supervisor: subprocess.Popen[bytes], tmp_path: Path) -> None:
    running = pids(tmp_path, "one") + pids(tmp_path, "two")
    supervisor.kill()
    supervisor.wait(5)
    until(lambda: not any(alive(pid) for pid in running))


def test_what_keeps_dying_is_started_ever_more_seldom(supervisor: subprocess.Popen[bytes], tmp_path: Path) -> None:
    until(lambda: len(pids(tmp_path, "brief")) >= 2)
    time.sleep(2)
    assert len(pids(tmp_path, "brief")) <= 6


def _door(folder: Path) -> int:
    """The port of the socket that the supervisor gave to a child, once that listens."""
    until(lambda: any(folder.glob("port-*")))
    (found,) = folder.glob("port-*")
    return int(found.name.partition("-")[2])


def _taker(port: int) -> int:
    """Which process takes who connects, however long that takes."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as sock:
        return int(sock.recv(32))


def test_whoever_connects_while_a_child_is_started_again_waits_for_it(
    supervisor: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    port = _door(tmp_path)
    first = _taker(port)
    os.kill(first, signal.SIGKILL)
    until(lambda: not alive(first))
    assert _taker(port) != first


def test_whoever_connects_at_the_end_is_refused_though_a_child_still_lives(
    supervisor: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    port = _door(tmp_path)
    lingers = _taker(port)
    supervisor.terminate()
    until(lambda: _is_refused(port))
    assert alive(lingers)
    assert supervisor.wait(15) == 0


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_the_pause_doubles_up_to_half_a_minute_and_starts_small_after_a_long_life() -> None:
    pauses = [0.0]
    for _ in range(10):
        pauses.append(next_pause(pauses[-1], lived=1))
    assert pauses[1:] == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert next_pause(30, lived=STEADY) == 0.25
