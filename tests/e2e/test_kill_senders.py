"""Four modalities send, and their receiver is killed at twenty instants: what they logged as stored is there."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import randbelow

import pytest

from bench import custos, objects
from bench.objects import of_run
from tests.e2e.running import ROOT, free_port, wait_for

INSTANTS = 20
SENDERS = 4
EACH = 60


@contextmanager
def receiver(ours: custos.Custos) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """One more receiver of the same archive, started by nobody's supervisor, and its port."""
    port = free_port()
    environ = {**ours.archive.environment, "PACS_DICOM_PORT": str(port)}
    with (ours.archive.root / "receiver.log").open("ab") as log:
        command = [sys.executable, "manage.py", "serve", "dimse"]
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        wait_for(lambda: _listens(port), 60, "the receiver")
        yield port, process
    finally:
        process.kill()
        process.wait(30)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


@contextmanager
def senders(port: int, folder: Path, run: int) -> Iterator[list[Path]]:
    """Four that have been told to go, each with a study of its own; their logs."""
    logs, started = [], []
    for number in range(SENDERS):
        plan, log = folder / f"{run}-{number}.json", folder / f"{run}-{number}.log"
        told = {"host": "127.0.0.1", "port": port, "calling": custos.SENDER, "called": custos.TITLE}
        files = sorted(str(one) for one in (folder / "objects").iterdir())[number * EACH : (number + 1) * EACH]
        plan.write_text(json.dumps({**told, "run": run, "files": files, "log": str(log)}))
        command = [sys.executable, "-m", "bench.sender", str(plan)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        started.append(subprocess.Popen(command, cwd=ROOT, text=True, **pipes))  # type: ignore[call-overload]
        logs.append(log)
    try:
        assert [one.stdout.readline().strip() for one in started] == ["ready"] * SENDERS
        for one in started:
            one.stdin.write("go\n")
            one.stdin.flush()
        yield logs
    finally:
        for one in started:
            one.communicate(timeout=60)


def stored(logs: list[Path]) -> set[str]:
    """What the senders were told is stored."""
    return {uid for log in logs if log.exists() for uid in log.read_text().split()}


def await_stored(logs: list[Path], count: int) -> None:
    """Return as soon as so many were told to be stored, however fast that goes here."""
    end = time.monotonic() + 60
    while len(stored(logs)) < count:
        assert time.monotonic() < end, f"{count} answers did not come"
        time.sleep(0.001)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_that_four_senders_logged_as_stored_is_lost_however_often_the_receiver_is_killed(
    tmp_path: Path,
) -> None:
    made = objects.kept(objects.mr(SENDERS, EACH), tmp_path / "objects")
    interrupted = acknowledged = 0
    with custos.running() as ours:
        reader = ours.archive.session(ours.token)
        for run in range(1, INSTANTS + 1):
            with receiver(ours) as (port, process), senders(port, tmp_path, run) as logs:
                await_stored(logs, randbelow(len(made)))
                time.sleep(randbelow(3000) / 1_000_000)
                process.kill()
            with receiver(ours):
                pass  # As a supervisor would: whoever begins to receive gives the rows that are owed first.
            logged = stored(logs)
            kept = set()
            for study in sorted({of_run(one.study_uid, run) for one in made}):
                answer = reader.get(
                    f"{ours.url}/dicom-web/studies/{study}/instances", params={"limit": 1000}, timeout=60
                )
                uids = [row["00080018"]["Value"][0] for row in answer.json()] if answer.status_code == 200 else []
                assert len(uids) == len(set(uids))
                kept |= set(uids)
            assert logged <= kept, (run, len(logged - kept))
            acknowledged += len(logged)
            interrupted += len(logged) < len(made)
        told = ours.looked()
    assert told["stored"] == told["instances"] >= acknowledged > 0
    assert interrupted >= INSTANTS // 2, "nobody was interrupted: nothing was tried"
