"""Senders at work: processes of their own that hold everything encoded and begin at one word."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter

from bench.programs import Program, hear, started, tell


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
                hear(sender, "ready")
            began = perf_counter()
            for sender in senders:
                tell(sender, "go")
            for sender in senders:
                hear(sender)
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
        poster = started("bench.poster", written)
        try:
            hear(poster, "ready")
            tell(poster, "go")
            return float(hear(poster))
        finally:
            poster.kill()
            poster.communicate()


def _started(plan: Path, port: int, called: str, calling: str, files: Sequence[Path], run: int) -> Program:
    told = {"host": "127.0.0.1", "port": port, "calling": calling, "called": called, "run": run, "log": os.devnull}
    plan.write_text(json.dumps({**told, "files": [str(one) for one in files]}), encoding="utf-8")
    return started("bench.sender", plan)
