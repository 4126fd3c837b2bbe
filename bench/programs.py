"""Programs that work beside the one that measures: each is told what to do by a file, and begins at a word."""

import subprocess
import sys
from pathlib import Path

from tests.e2e.running import ROOT

Program = subprocess.Popen[str]


def started(module: str, plan: Path) -> Program:
    """A module of ours as a program of its own, with the file that tells it what to do."""
    pipe, command = subprocess.PIPE, [sys.executable, "-m", module, str(plan)]
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def tell(program: Program, words: str) -> None:
    """Say a line to a program."""
    assert program.stdin is not None
    program.stdin.write(f"{words}\n")
    program.stdin.flush()


def hear(program: Program, word: str = "") -> str:
    """Wait for a line of a program, or for this word. Raises RuntimeError where something else came, or nothing."""
    assert program.stdout is not None
    line = program.stdout.readline().strip()
    if not line or (word and line != word):
        _, errors = program.communicate()
        raise RuntimeError(f"a program has ended: {line} {(errors or '').strip()[-500:]}")
    return line
