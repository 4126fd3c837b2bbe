"""Every call of the program that may write to the record, found in its sources, and the program with one disabled."""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.conf import settings

from audit import tables

ROOMS = ("accounts", "archive", "audit")
WRITES = {
    "log": {"append", "commit", "receipt", "refused"},
    "gate": {"permit", "disclose", "disclose_phrases", "view", "still", "search", "listed", "change"},
    "leases": {"view"},
}


@dataclass(frozen=True, order=True)
class Site:
    """One call: its file below the project, the function it stands in, and its lines."""

    path: str
    function: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.path}:{self.function}"


def sites() -> list[Site]:
    root = Path(settings.BASE_DIR)
    paths = sorted(path for room in ROOMS for path in (root / room).rglob("*.py") if "migrations" not in path.parts)
    return sorted({site for path in paths for site in _of(path, str(path.relative_to(root)))})


def named(known: list[Site]) -> dict[Site, str]:
    """Each call's file and function, numbered where several stand in one function."""
    before = [Counter(map(str, known[:at]))[str(site)] for at, site in enumerate(known)]
    return {site: f"{site}-{number}" if number else str(site) for site, number in zip(known, before, strict=True)}


def _of(path: Path, name: str) -> Iterator[Site]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and _writes(node.func):
                yield Site(name, function.name, node.lineno, node.end_lineno or node.lineno)


def _writes(called: ast.expr) -> bool:
    if not (isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name)):
        return False
    return called.attr in WRITES.get(called.value.id, ())


@contextmanager
def watched(known: list[Site], patch: pytest.MonkeyPatch) -> Iterator[set[Site]]:
    """Yield the set that gathers by which of the calls something was written."""
    written, insert = set[Site](), tables.insert

    def watching(chained: Any) -> Any:
        written.update(site for site in known if _below(site))
        return insert(chained)

    with patch.context() as patched:
        patched.setattr(tables, "insert", watching)
        yield written


@contextmanager
def disabled(site: Site, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this one call write nothing, while everything around it goes on as if it had."""
    insert = tables.insert

    def forgetting(chained: Any) -> Any:
        return None if _below(site) else insert(chained)

    with patch.context() as patched:
        patched.setattr(tables, "insert", forgetting)
        yield


def _below(site: Site) -> bool:
    file = str(Path(settings.BASE_DIR) / site.path)
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename == file and site.first <= frame.f_lineno <= site.last:
            return True
        frame = frame.f_back
    return False
