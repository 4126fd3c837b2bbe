"""Senders at work: processes of their own that hold everything encoded and begin at one word."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter

from tests.e2e.running import ROOT


def send(port: int, called: str, calling: str, files: Sequence[Path], *, run: int, associations: int = 1) -> float:
    """Send files in so many associations at once; return the seconds from the word to the last answer.

    Raises RuntimeError where anything was not answered with Success.
    """
    with tempfile.TemporaryDirectory(prefix="custos-bench-senders-") as folder:
        senders = [
            _started(Path(folder) / f"{number}.json", port, called, calling, files[number::associations], run)
            for number in range(associations)
        ]
        try:
            for sender in senders:
                _hear(sender, "ready")
            began = perf_counter()
            for sender in senders:
                assert sender.stdin is not None
                sender.stdin.write("go\n")
                sender.stdin.flush()
            for sender in senders:
                _hear(sender)
            return perf_counter() - began
        finally:
            for sender in senders:
                sender.kill()
                sender.communicate()


def post(port: int, headers: Mapping[str, str], files: Sequence[Path], *, run: int, each: int) -> float:
    """Store files by STOW-RS, so many in each request; return the seconds from the word to the last answer.

    Raises RuntimeError where anything was not stored.
    """
    plan = {"host": "localhost", "port": port, "headers": dict(headers), "run": run, "each": each}
    with tempfile.TemporaryDirectory(prefix="custos-bench-poster-") as folder:
        written = Path(folder) / "plan.json"
        written.write_text(json.dumps({**plan, "files": [str(one) for one in files]}), encoding="utf-8")
        poster = _program("bench.poster", written)
        try:
            _hear(poster, "ready")
            assert poster.stdin is not None
            poster.stdin.write("go\n")
            poster.stdin.flush()
            return float(_hear(poster))
        finally:
            poster.kill()
            poster.communicate()


def _started(
    plan: Path, port: int, called: str, calling: str, files: Sequence[Path], run: int
) -> "subprocess.Popen[str]":
    told = {"host": "127.0.0.1", "port": port, "calling": calling, "called": called, "run": run, "log": os.devnull}
    plan.write_text(json.dumps({**told, "files": [str(one) for one in files]}), encoding="utf-8")
    return _program("bench.sender", plan)


def _program(module: str, plan: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", module, str(plan)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _hear(sender: "subprocess.Popen[str]", word: str = "") -> str:
    assert sender.stdout is not None
    line = sender.stdout.readline().strip()
    if not line or (word and line != word):
        _, errors = sender.communicate()
        raise RuntimeError(f"a sender failed: {line} {errors.strip()[-500:]}")
    return line
